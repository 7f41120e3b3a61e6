//! `/v1/openapi.json` beside the routes, the limits and the answers; and schemathesis, which makes requests of it and looks whether the
//! answers are as it says.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

mod service;

use std::process::Command;
use std::sync::Arc;

use audit_access::{Access, NewToken, Role, Tokens};
use audit_model::Timestamp;
use audit_source_http::{Limits, Operations};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use service::{Service, event, service};

struct Well;

impl Operations for Well {
    fn ready(&self) -> Result<(), Vec<String>> {
        Ok(())
    }

    fn warnings(&self) -> Vec<String> {
        vec!["source `http`: the certificate cannot be renewed".to_owned()]
    }

    fn metrics(&self) -> String {
        "# TYPE a counter\na 1\n".to_owned()
    }

    fn status(&self) -> Value {
        json!({"sources": []})
    }
}

fn open() -> Service {
    let access = Access::default().anonymous([Role::Ingest, Role::Read]);
    let mut limits = Limits::default();
    limits.max_events = 500;
    service(|options| options.access(access).limits(limits).operations(Arc::new(Well)))
}

#[test]
fn its_paths_are_the_routes_and_its_limits_those_in_force() {
    let service = open();
    let document = service.get("/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    let mut found: Vec<&str> = paths.keys().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, ["/healthz", "/metrics", "/readyz", "/v1/events", "/v1/openapi.json", "/v1/status"]);
    for (path, operations) in paths {
        for method in ["get", "post", "put", "delete", "patch"] {
            let asked =
                format!("{} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n", method.to_uppercase());
            let answer = service.ask(asked);
            assert_eq!(answer.status != 405, operations.get(method).is_some(), "{method} {path}: {answer:?}");
            assert_ne!(answer.status, 404, "{path}");
        }
    }
    assert_eq!(document["components"]["schemas"]["Events"]["maxItems"], 500);
    let types = document["paths"]["/v1/events"]["post"]["requestBody"]["content"].as_object().unwrap();
    for content_type in types.keys() {
        assert_eq!(service.post(content_type, "").status, 400, "{content_type} is taken, and this is empty");
    }
}

#[test]
fn the_states_of_an_event_are_those_of_the_answers() {
    let service = open();
    let document = service.get("/v1/openapi.json").json();
    let result = &document["components"]["schemas"]["Result"]["properties"];
    let answer = service.json(format!("[{},{{}}]", event("a.b", 1)));
    for told in answer.results() {
        assert!(result["status"]["enum"].as_array().unwrap().contains(&told["status"]), "{told}");
        assert!(told.as_object().unwrap().keys().all(|name| result.get(name).is_some()), "{told}");
    }
    // Those that the crate writes, and no others.
    let written = include_str!("../src/batch.rs");
    for status in result["status"]["enum"].as_array().unwrap() {
        assert!(written.contains(&status.to_string()), "{status}");
    }
}

/// The interpreter, or a word on what is skipped; in CI nothing is.
fn python() -> Option<String> {
    let python = std::env::var("AUDIT_TEST_PYTHON").ok().filter(|value| !value.is_empty());
    if python.is_none() {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "AUDIT_TEST_PYTHON is not set, and in CI nothing is skipped"
        );
        println!("skipped: AUDIT_TEST_PYTHON is not set (cargo xtask test sets it)");
    }
    python
}

#[test]
fn schemathesis_finds_nothing_else() {
    let Some(python) = python() else { return };
    let mut tokens = Tokens::default();
    let token = tokens.create(NewToken::new("tester", [Role::Ingest, Role::Read]), Timestamp::now()).unwrap();
    let access = Access::default().tokens(tokens);
    let service = service(|options| options.access(access).operations(Arc::new(Well)));
    let run = Command::new(python)
        // Also without the folder of the virtual environment in the path.
        .args(["-c", "from schemathesis.cli import schemathesis; schemathesis()"])
        .args([
            "--config-file",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemathesis.toml"),
            "--no-color",
            "run",
        ])
        .args(["--checks", "all", "--continue-on-failure", "--header"])
        .arg(format!("Authorization: Bearer {}", token.expose_secret()))
        .args(["--max-examples", "100", "--seed", "1", "--generation-database", "none"])
        .arg(format!("http://{}/v1/openapi.json", service.address))
        .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/tests"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "schemathesis_lines")
        .current_dir(service.path(""))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{told}{}", String::from_utf8_lossy(&run.stderr));
    let recorded = service.log.recorded();
    assert!(recorded >= 20, "it did send events, {recorded}: {told}");
}
