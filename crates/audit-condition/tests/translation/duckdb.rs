use std::env;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use audit_model::Event;
use serde_json::{Value, json};

use super::{NOW, is_ci};

/// The columns of the documented table, as DuckDB writes them; JSON is text.
const COLUMNS: &str = "number: 'BIGINT', event_id: 'VARCHAR', event_type: 'VARCHAR', timestamp: 'VARCHAR', version: 'VARCHAR', \
     actor: 'STRUCT(id VARCHAR, ip_address VARCHAR, roles VARCHAR[], type VARCHAR, user_agent VARCHAR)', \
     action: 'STRUCT(duration_ms BIGINT, operation VARCHAR, result VARCHAR)', \
     resource: 'STRUCT(id VARCHAR, path VARCHAR, type VARCHAR)', context: 'JSON', details: 'JSON'";

/// What DuckDB selects by these conditions of Trino, or none where there is no Python.
pub(crate) fn rows(filters: &[String], events: &[Event], sealed: bool) -> Option<Vec<String>> {
    let asked = run("duckdb_rows.py", events, sealed, "filters", filters)?;
    Some(serde_json::from_value(asked).unwrap())
}

/// What DuckDB answers to these statements of Athena, or none where there is no Python.
pub(crate) fn answers(statements: &[String], events: &[Event], sealed: bool) -> Option<Vec<Vec<Vec<Value>>>> {
    let asked = run("duckdb_statements.py", events, sealed, "statements", statements)?;
    Some(serde_json::from_value(asked).unwrap())
}

fn run(script: &str, events: &[Event], sealed: bool, what: &str, texts: &[String]) -> Option<Value> {
    let Some(python) = env::var("AUDIT_TEST_PYTHON").ok().filter(|python| !python.is_empty()) else {
        assert!(!is_ci(), "AUDIT_TEST_PYTHON is not set, and in CI nothing is skipped");
        println!("skipped: AUDIT_TEST_PYTHON is not set (cargo xtask test sets it)");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("events.ndjson");
    let lines: Vec<String> = events
        .iter()
        .enumerate()
        .map(|(number, event)| {
            let mut json: Value = serde_json::from_slice(&event.to_canonical_json().unwrap()).unwrap();
            json["number"] = number.into();
            json.to_string()
        })
        .collect();
    fs::write(&data, lines.join("\n")).unwrap();
    let mut table = format!(
        "SELECT * FROM read_json('{}', format = 'newline_delimited', columns = {{{COLUMNS}}})",
        data.display()
    );
    if sealed {
        table = format!("SELECT number, e AS event FROM ({table}) AS e");
    }
    let mut child = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let job = json!({ "table": table, "now": NOW, what: texts });
    child.stdin.take().unwrap().write_all(job.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed; what it says is above");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
