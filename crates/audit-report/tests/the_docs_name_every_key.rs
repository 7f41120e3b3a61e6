//! docs/reports.md names every key of a report as JSON, every section and every column of one as CSV.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod sample;

use std::collections::BTreeSet;

use audit_report::{Finding, Report};
use audit_retention::{Hold, Holds, Policy};
use sample::{broken, event, everything, made, october, tally, time};
use serde_json::{Value, json};

const DOCS: &str = include_str!("../../../docs/reports.md");

/// With a row in every section, and a note.
fn full() -> Report {
    let mut events = everything();
    events.extend(
        (0..1001).map(|_| event(&json!({"event_type": "x.failed", "timestamp": "2026-10-02T00:00:00Z"}))),
    );
    let mut integrity = broken();
    integrity.unreadable =
        vec![Finding { message: "no record".into(), ..integrity.chains[0].findings[0].clone() }];
    integrity.unsealed = 3;
    let hold = Hold {
        id: "case-17".into(),
        placed_by: "carol".into(),
        reason: "litigation".into(),
        placed: time("2026-01-01T00:00:00Z"),
        until: None,
        from: None,
        to: None,
    };
    let policy = Policy { min_days: Some(365), max_days: None, transitions: vec![] };
    Report::new(tally(october(), &events), integrity, made())
        .files(["audit.log"])
        .policy(policy)
        .holds(&Holds(vec![hold]))
        .note("a note")
}

fn is_named(name: &str) -> bool {
    DOCS.contains(&format!("`{name}`"))
        || DOCS.contains(&format!("`{name}[]`"))
        || DOCS.contains(&format!("\"{name}\""))
}

#[test]
fn of_json() {
    let report: Value = serde_json::from_str(&full().to_json()).unwrap();
    let mut keys = BTreeSet::new();
    collect(&report, &mut keys);
    // Categories are data, and a hold's members are `audit-retention`'s.
    for key in keys.iter().filter(|key| !is_named(key)) {
        let is_known = report["summary"]["by_category"].get(key).is_some()
            || report["retention"]["active_holds"][0].get(key).is_some();
        assert!(is_known, "docs/reports.md does not name the key `{key}`");
    }
    assert!(keys.len() > 70, "{keys:?}");
    assert!(is_named(audit_report::FORMAT));
}

fn collect(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            keys.insert(key.clone());
            collect(value, keys);
        }),
        Value::Array(list) => list.iter().for_each(|value| collect(value, keys)),
        _ => {}
    }
}

#[test]
fn of_csv() {
    let csv = full().to_csv();
    let mut lines = csv.split("\r\n");
    for column in lines.next().unwrap().split(',') {
        assert!(is_named(column), "docs/reports.md does not name the column `{column}`");
    }
    let sections: BTreeSet<&str> =
        lines.filter_map(|line| line.split(',').next()).filter(|it| !it.is_empty()).collect();
    assert_eq!(sections.len(), 18, "{sections:?}");
    for section in sections {
        assert!(is_named(section), "docs/reports.md does not name the section `{section}`");
    }
}
