//! An OpenSearch that runs within a process of its own.
//!
//! `AUDIT_TEST_OPENSEARCH` is a folder of jars: org.opensearch:opensearch and
//! org.opensearch.plugin:transport-netty4-client with what they depend on, and org.apache.logging.log4j:log4j-core.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use audit_model::Event;
use serde_json::Value;

use super::{NOW, documentation, is_ci};

/// What OpenSearch finds by these searches, or none where there is no OpenSearch.
pub(crate) fn rows(bodies: &[String], events: &[Event], sealed: bool) -> Option<Vec<String>> {
    let clauses: Vec<String> =
        bodies.iter().map(|body| serde_json::from_str::<Value>(body).unwrap()["query"].to_string()).collect();
    Some(run(&clauses, &[], events, sealed)?.0.lines().map(str::to_owned).collect())
}

/// What OpenSearch responds to these searches of sealed records, or none where there is no OpenSearch.
pub(crate) fn responses(bodies: &[Value], events: &[Event]) -> Option<Vec<Value>> {
    let bodies: Vec<String> = bodies.iter().map(Value::to_string).collect();
    let responses = run(&[], &bodies, events, true)?.1;
    Some(responses.lines().map(|response| serde_json::from_str(response).unwrap()).collect())
}

fn run(clauses: &[String], bodies: &[String], events: &[Event], sealed: bool) -> Option<(String, String)> {
    let Some(jars) = env::var("AUDIT_TEST_OPENSEARCH").ok().filter(|folder| !folder.is_empty()) else {
        assert!(!is_ci(), "AUDIT_TEST_OPENSEARCH is not set, and in CI nothing is skipped");
        println!("skipped: AUDIT_TEST_OPENSEARCH is not set to a folder of jars (cargo xtask test sets it)");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let documents: Vec<String> = events
        .iter()
        .map(|event| {
            let json = String::from_utf8(event.to_canonical_json().unwrap()).unwrap();
            if sealed { format!(r#"{{"event":{json}}}"#) } else { json }
        })
        .collect();
    // It has no clock but the real one; counting from a date is the same arithmetic.
    let at_now = |texts: &[String]| {
        let replaced = |text: &String| {
            text.replace("te\":\"now", &format!("te\":\"{NOW}||"))
                .replace("t\":\"now", &format!("t\":\"{NOW}||"))
        };
        texts.iter().map(replaced).collect::<Vec<_>>().join("\n")
    };
    let template: Value = serde_json::from_str(&documentation::block("json", "index_patterns")).unwrap();
    for (name, content) in [
        ("mappings.json", template["template"]["mappings"].to_string()),
        ("documents.ndjson", documents.join("\n")),
        ("clauses.ndjson", at_now(clauses)),
        ("bodies.ndjson", at_now(bodies)),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let output = Command::new("java")
        .args(["-Xmx1g", "-cp", &format!("{jars}/*")])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/OpenSearchRows.java"))
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let written = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    Some((written("rows.txt"), written("responses.ndjson")))
}
