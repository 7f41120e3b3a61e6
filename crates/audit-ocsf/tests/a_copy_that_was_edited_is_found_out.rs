//! The seal proves the line in `raw_data`; the attributes around it have to say the same.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod events;

use audit_model::Value;
use audit_ocsf::{Class, ContradictionKind, Mapping, NativeRecord, Rule, Version, contradictions};
use proptest::prelude::*;
use serde_json::json;

fn record_of(line: &str, mapping: &Mapping) -> Value {
    let mut out = Vec::new();
    mapping.write_line(line.as_bytes(), &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn sealed(event: &audit_model::Event) -> String {
    let event = String::from_utf8(event.to_canonical_json().unwrap()).unwrap();
    format!(
        r#"{{"event":{event},"integrity":{{"chain_id":"orders","sequence_number":7,"signature":"sha256:00"}}}}"#
    )
}

fn paths(record: &Value) -> Vec<(String, ContradictionKind)> {
    let found = contradictions(record, &[]).unwrap().expect("there is something to compare");
    found.into_iter().map(|it| (it.path, it.kind)).collect()
}

#[test]
fn whatever_was_changed_is_named() {
    let line = sealed(&events::full(&"access.denied".parse().unwrap()));
    for version in Version::ALL {
        let record = record_of(&line, &Mapping::new(*version));
        assert_eq!(paths(&record), []);
        let edits: [(&str, Value, ContradictionKind); 4] = [
            ("status_id", json!(99), ContradictionKind::Changed),
            ("actor", json!(null), ContradictionKind::Changed),
            ("time", json!(1), ContradictionKind::Changed),
            ("enrichments", json!([]), ContradictionKind::Added),
        ];
        for (name, value, kind) in edits {
            let mut edited = record.clone();
            edited[name] = value;
            assert_eq!(paths(&edited), [(name.to_owned(), kind)]);
        }
        let mut edited = record.clone();
        edited["actor"]["user"]["name"] = "bob".into();
        edited["unmapped"]["details"].as_object_mut().unwrap().remove("topics");
        assert_eq!(
            paths(&edited),
            [
                ("actor.user.name".to_owned(), ContradictionKind::Changed),
                ("unmapped.details.topics".to_owned(), ContradictionKind::Removed),
            ]
        );
    }
}

#[test]
fn what_a_rule_decided_is_no_contradiction() {
    let rule = Rule::new("backup.*".parse().unwrap(), Class::ApplicationLifecycle, 1);
    let line = sealed(&events::full(&"backup.started".parse().unwrap()));
    let record = record_of(&line, &Mapping::new(Version::V1_3_0).rule(rule.clone()));
    assert_eq!(contradictions(&record, &[rule]).unwrap(), Some(Vec::new()));
    assert!(!paths(&record).is_empty(), "nobody said that there is a rule");
}

#[test]
fn there_may_be_nothing_to_compare() {
    assert_eq!(contradictions(&json!({"class_uid": 6003, "raw_data": "{}"}), &[]).unwrap(), None);
    let line = sealed(&events::full(&"backup.started".parse().unwrap()));
    let mut record = record_of(&line, &Mapping::new(Version::V1_0_0));
    record["raw_data"] = "no record".into();
    assert!(contradictions(&record, &[]).is_err());
    record.as_object_mut().unwrap().remove("raw_data");
    assert_eq!(contradictions(&record, &[]).unwrap(), None);
}

proptest! {
    #[test]
    fn an_honest_copy_never_contradicts(event in events::any_event(), version in proptest::sample::select(Version::ALL)) {
        let line = sealed(&event);
        let record = record_of(&line, &Mapping::new(version));
        if let Some(found) = contradictions(&record, &[]).unwrap() {
            prop_assert_eq!(found, []);
        }
        prop_assert_eq!(NativeRecord::parse(line.as_bytes()).unwrap().sequence_number, Some(7));
    }
}
