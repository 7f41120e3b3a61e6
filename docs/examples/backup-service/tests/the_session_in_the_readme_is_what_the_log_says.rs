//! Runs the service, sends it what the README's commands send, stops it, and compares its log with the README's.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use audit_integrity::{Key, KeyRing, Verifier};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

const README: &str = include_str!("../README.md");
const KEY: &str = "0123456789abcdef0123456789abcdef";
const ADDRESS: &str = "http://127.0.0.1:8080";

/// Ended with the test, whatever becomes of it.
struct Service {
    child: Child,
    url: String,
}

impl Service {
    fn start(log: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_backup-service"))
            .arg("127.0.0.1:0")
            .env("AUDIT_CONFIG", concat!(env!("CARGO_MANIFEST_DIR"), "/audit.yaml"))
            .env("AUDIT_LOG", log)
            .env("AUDIT_SIGNING_KEY", KEY)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, url }
    }

    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of the README's commands: what it sends, what is expected, and which variable gets the token.
#[derive(Debug, Default)]
struct Curl {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
    status: u16,
    token: Option<String>,
}

impl Curl {
    fn parse(line: &str, variables: &HashMap<String, String>) -> Self {
        let (command, status) = line.rsplit_once("  # ").unwrap();
        let (token, command) = match command.split_once("=$(") {
            Some((name, command)) => {
                (Some(name.to_owned()), command.strip_suffix(" | jq -r .token)").unwrap())
            }
            None => (None, command),
        };
        let mut curl =
            Self { method: "GET".into(), status: status.parse().unwrap(), token, ..Self::default() };
        let mut words = words(command, variables).into_iter();
        assert_eq!(words.next().unwrap(), "curl");
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap();
            match word.as_str() {
                "-s" => {}
                "-X" => curl.method = value(),
                "-H" => {
                    let header = value();
                    let (name, value) = header.split_once(": ").unwrap();
                    curl.headers.push((name.to_owned(), value.to_owned()));
                }
                "--json" => {
                    curl.body = value();
                    curl.headers.push(("content-type".into(), "application/json".into()));
                    if curl.method == "GET" {
                        curl.method = "POST".into();
                    }
                }
                url => curl.url = url.to_owned(),
            }
        }
        curl
    }
}

/// The words of a shell's line: in double quotes variables are replaced, in single ones nothing.
fn words(line: &str, variables: &HashMap<String, String>) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let (word, behind) = match quote {
            Some(quote) => rest[1..].split_once(quote).unwrap(),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        let mut word = word.to_owned();
        if quote != Some('\'') {
            for (name, value) in variables {
                word = word.replace(&format!("${name}"), value);
            }
        }
        words.push(word);
        rest = behind.trim_start();
    }
    words
}

/// The README's block of that language that contains `text`.
fn block(language: &str, text: &str) -> Vec<&'static str> {
    let blocks = README.split("```").skip(1).step_by(2);
    let mut found = blocks.filter(|block| block.starts_with(language) && block.contains(text));
    found.next().unwrap().lines().skip(1).collect()
}

#[tokio::test]
async fn the_session_in_the_readme() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("audit.log");
    let service = Service::start(&log);
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<axum::body::Bytes>>();
    let mut variables = HashMap::new();
    for line in block("sh", "curl") {
        let curl = Curl::parse(line, &variables);
        let mut request =
            Request::builder().method(curl.method.as_str()).uri(curl.url.replace(ADDRESS, &service.url));
        for (name, value) in &curl.headers {
            request = request.header(name, value);
        }
        let response = client.request(request.body(curl.body.into()).unwrap()).await.unwrap();
        assert_eq!(response.status().as_u16(), curl.status, "{line}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        if let Some(name) = curl.token {
            let answer: Value = serde_json::from_slice(&body).unwrap();
            variables.insert(name, answer["token"].as_str().unwrap().to_owned());
        }
    }
    drop(client);
    service.stop();

    let keys: KeyRing = [Key::from_text(&KEY.into()).unwrap()].into_iter().collect();
    let report = Verifier::new(keys).verify(&[&log]).unwrap();
    assert_eq!((report.unsealed, report.chains.len()), (0, 1), "{report:?}");
    assert_eq!(report.chains[0].verdict.as_str(), "intact", "{report:?}");
    let text = std::fs::read_to_string(&log).unwrap();
    let events: Vec<Value> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take()).collect();

    // Columns by white space. The end of a backup is the one line whose place is not known.
    let row = |event: &Value| -> String {
        let columns = ["/event_type", "/actor/id", "/action/result"].map(|path| event.pointer(path));
        let texts = columns.into_iter().flatten().filter_map(Value::as_str);
        texts.collect::<Vec<_>>().join(" ")
    };
    let told = block("text", "audit.started")
        .into_iter()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let apart = |rows: Vec<String>| -> (Vec<String>, Vec<String>) {
        rows.into_iter().partition(|row| row.starts_with("backup.completed"))
    };
    let logs_own = |row: String| match row.split_once(' ') {
        Some((name @ ("audit.started" | "audit.stopped"), _)) => name.to_owned(),
        _ => row,
    };
    let recorded = apart(events.iter().map(row).map(logs_own).collect());
    assert_eq!(recorded, apart(told.map(logs_own).collect()));

    let of_type = |wanted: &str| -> Vec<&Value> {
        events.iter().filter(|event| event["event_type"] == wanted).collect()
    };
    // As the specification shows them.
    let denied = of_type("access.denied")[0];
    for (name, value) in [
        ("operation", json!("restore")),
        ("resource", json!("topic:orders")),
        ("required_permission", json!("restore:topic:orders")),
        ("user_permissions", json!(["backup:*", "list:*"])),
        ("reason", json!("insufficient_permissions")),
    ] {
        assert_eq!(denied["details"][name], value);
    }
    let changed = &of_type("config.changed")[0]["details"];
    assert_eq!(changed["config_type"], "backup");
    assert_eq!(
        changed["changes"],
        json!([
            {"field": "compression_level", "old_value": 3, "new_value": 6},
            {"field": "topics.include", "old_value": ["orders"], "new_value": ["orders", "payments"]},
        ])
    );
    let (requested, restored) = (of_type("restore.requested")[1], of_type("restore.completed")[0]);
    assert_eq!(restored["details"]["attempt"], requested["event_id"]);
    assert_eq!(restored["context"], json!({"correlation_id": "req_7", "environment": "production"}));
    assert_eq!(restored["actor"]["ip_address"], "127.0.0.1");
    let completed = of_type("backup.completed")[0];
    assert_eq!(completed["resource"], json!({"id": "backup-1", "type": "backup"}));
    assert_eq!(completed["details"]["records_backed_up"], 2000);
    assert_eq!(of_type("auth.failed")[0]["details"]["claimed_user"], "alice@company.com");
    // No secret, no token.
    for secret in ["guess", "alice-example", "carol-example", variables["ALICE"].as_str()] {
        assert!(!text.contains(secret), "{secret}");
    }
}
