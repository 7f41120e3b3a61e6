//! What is counted, in all and in groups, is what DuckDB counts in the same file.
//!
//! `AUDIT_TEST_PYTHON` names a Python that has DuckDB.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

mod generated;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::atomic::AtomicU64;

use audit_condition::{Condition, Path};
use audit_search::{BadLine, Hit, Input, Query, Visitor, scan};
use generated::events::{Shape, events};
use generated::now;

const SCRIPT: &str = r#"
import duckdb, json, sys
log, where, *paths = sys.argv[1:]
value = lambda path: f"(json->>'$.{path}')"
keys = ", ".join(f"coalesce({value(path)}, '-')" for path in paths)
rows = duckdb.execute(f"SELECT {keys}, count(*) FROM read_ndjson_objects('{log}') WHERE {where} GROUP BY ALL").fetchall()
print(json.dumps([[list(row[:-1]), row[-1]] for row in rows]))
"#;

struct Groups(Vec<Path>);

impl Visitor for Groups {
    type Part = BTreeMap<Vec<String>, u64>;

    fn hit(&self, part: &mut Self::Part, hit: &Hit<'_>) {
        let text = |path: &Path| hit.text(path).map_or_else(|| "-".to_owned(), String::from);
        *part.entry(self.0.iter().map(text).collect()).or_default() += 1;
    }

    fn bad_line(&self, _: &mut Self::Part, line: &BadLine<'_>) {
        panic!("{}", line.why());
    }

    fn size(&self, part: &Self::Part) -> usize {
        part.len() * 100
    }
}

#[test]
fn in_all_and_by_any_fields() {
    let Some(python) = std::env::var_os("AUDIT_TEST_PYTHON").filter(|python| !python.is_empty()) else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "AUDIT_TEST_PYTHON is not set, and in CI nothing is skipped"
        );
        println!("skipped: AUDIT_TEST_PYTHON is not set (cargo xtask test sets it)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let lines: Vec<String> = events(3, 5000, Shape::Wild)
        .iter()
        .map(|event| String::from_utf8(event.to_canonical_json().unwrap()).unwrap())
        .collect();
    std::fs::write(&log, lines.join("\n") + "\n").unwrap();
    for (condition, theirs) in [
        ("true", "true"),
        ("event_type == 'backup.failed'", "json->>'$.event_type' = 'backup.failed'"),
        ("action.duration_ms > 1000", "(json->>'$.action.duration_ms')::BIGINT > 1000"),
        ("actor.id is null", "json->>'$.actor.id' IS NULL"),
    ] {
        for paths in [
            &["event_type"][..],
            &["event_type", "actor.id"],
            &["action.result", "action.duration_ms", "resource.type"],
            &["actor.ip_address", "context.environment"],
        ] {
            let output = Command::new(&python)
                .args(["-c", SCRIPT])
                .arg(&log)
                .arg(theirs)
                .args(paths)
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let theirs: Vec<(Vec<String>, u64)> = serde_json::from_slice(&output.stdout).unwrap();
            let theirs: BTreeMap<Vec<String>, u64> = theirs.into_iter().collect();

            let fields: Vec<Path> = paths.iter().map(|path| Path::parse(path).unwrap()).collect();
            let query = Query {
                condition: Some(Condition::parse(condition).unwrap()),
                fields: fields.clone(),
                ..Query::default()
            };
            let mut ours: BTreeMap<Vec<String>, u64> = BTreeMap::new();
            let read = AtomicU64::new(0);
            let scanned =
                scan(vec![Input::File(log.clone())], &query, now(), 2, &read, &Groups(fields), |part| {
                    for (key, count) in part {
                        *ours.entry(key).or_default() += count;
                    }
                    ControlFlow::Continue(())
                });
            assert!(scanned.unreadable.is_empty() && !ours.is_empty());
            assert_eq!(ours, theirs, "{condition} by {paths:?}");
        }
    }
}
