//! The seal proves the line in `raw_data`; the attributes around it have to say the same.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod events;

use audit_model::Value;
use audit_ocsf::object::Product;
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
    let seal = r#"{"chain_id":"orders","previous_signature":"sha256:00","sequence_number":7,"signature":"sha256:00"}"#;
    format!(r#"{{"event":{event},"integrity":{seal}}}"#)
}

fn paths(record: &Value) -> Vec<(String, ContradictionKind)> {
    let found = contradictions(record, &[], None).unwrap().expect("there is something to compare");
    found.into_iter().map(|it| (it.path, it.kind)).collect()
}

fn full(event_type: &str) -> String {
    let mut event = events::full(&event_type.parse().unwrap());
    // One event, and not several that were coalesced before.
    for name in ["count", "start_time", "end_time"] {
        event.extra.remove(name);
    }
    sealed(&event)
}

/// Every place in a value, as a JSON pointer.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (name, value) in inner {
        let at = format!("{at}/{name}");
        pointers(value, &at, all);
        all.push(at);
    }
}

#[test]
fn wherever_it_was_edited() {
    for event_type in ["access.denied", "auth.login", "admin.feature_enabled", "acl.deleted"] {
        for version in Version::ALL {
            let record = record_of(&full(event_type), &Mapping::new(*version));
            assert_eq!(paths(&record), []);
            let mut places = Vec::new();
            pointers(&record, "", &mut places);
            assert!(places.len() > 40);
            for place in places {
                // The line itself is for its seal to prove, and nobody said whose product it is.
                if place == "/raw_data" || place.starts_with("/metadata/product") {
                    continue;
                }
                let mut edited = record.clone();
                *edited.pointer_mut(&place).unwrap() = json!("something else");
                assert!(!paths(&edited).is_empty(), "{event_type} in {version}: {place}");
                let (parent, name) = place.rsplit_once('/').unwrap();
                if let Some(Value::Object(map)) = edited.pointer_mut(parent) {
                    map.remove(name);
                    assert!(!paths(&edited).is_empty(), "{event_type} in {version}: {place} removed");
                }
            }
        }
    }
}

#[test]
fn each_is_named_with_what_became_of_it() {
    let record = record_of(&full("access.denied"), &Mapping::new(Version::V1_3_0));
    let mut edited = record.clone();
    edited["actor"]["user"]["name"] = "bob".into();
    edited["unmapped"]["details"].as_object_mut().unwrap().remove("topics");
    edited["enrichments"] = json!([]);
    let found = contradictions(&edited, &[], None).unwrap().unwrap();
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "actor.user.name is not what raw_data says",
            "unmapped.details.topics is gone, and raw_data says that it was there",
            "enrichments was added: raw_data does not say it",
        ]
    );
}

#[test]
fn nothing_switches_it_off() {
    let record = record_of(&full("backup.completed"), &Mapping::new(Version::V1_3_0));
    let edit = |edits: &[(&str, Value)]| {
        let mut edited = record.clone();
        for (place, value) in edits {
            let (parent, name) = place.rsplit_once('/').unwrap();
            edited.pointer_mut(parent).unwrap()[name] = value.clone();
        }
        paths(&edited)
    };
    // Neither another maker nor another version.
    assert!(
        edit(&[("/metadata/log_provider", json!("other"))])
            .iter()
            .any(|(path, _)| path == "metadata.log_provider")
    );
    assert!(
        edit(&[("/metadata/version", json!("1.2.0"))]).iter().any(|(path, _)| path == "metadata.version")
    );
    // Nor a claim that it stands for several.
    let claims = json!({"last_sequence": 9});
    let time = record["time"].as_i64().unwrap();
    for (count, start, end) in [(1_000_000, 0, 1), (1, time, time), (2, time + 1, time + 2)] {
        let found = edit(&[
            ("/unmapped/audit_log", claims.clone()),
            ("/count", json!(count)),
            ("/start_time", json!(start)),
            ("/end_time", json!(end)),
            ("/time", json!(start)),
        ]);
        assert!(found.len() > 1, "{found:?}");
    }
    let merged = edit(&[
        ("/unmapped/audit_log", claims),
        ("/count", json!(3)),
        ("/start_time", json!(time)),
        ("/end_time", json!(time + 5)),
    ]);
    assert_eq!(merged, [], "as a coalesced record is");
    // Nor a type that somebody made up.
    let custom = record_of(&full("acl.deleted"), &Mapping::new(Version::V1_3_0));
    assert_eq!(custom["activity_id"], 4);
    let mut edited = custom;
    edited["activity_id"] = 2.into();
    edited["type_uid"] = 600_302.into();
    assert_eq!(paths(&edited).len(), 2);
}

#[test]
fn rules_and_product_are_those_of_the_mapping() {
    let rules = [Rule::new("backup.*".parse().unwrap(), Class::ApplicationLifecycle, 1)];
    let product = Product::new("orders", "Example");
    let mapping = Mapping::new(Version::V1_3_0).rule(rules[0].clone()).product(&product);
    let record = record_of(&full("backup.started"), &mapping);
    assert_eq!(contradictions(&record, &rules, Some(&product)).unwrap(), Some(Vec::new()));
    assert_eq!(contradictions(&record, &rules, None).unwrap(), Some(Vec::new()), "taken as it is");
    assert!(!paths(&record).is_empty(), "nobody said that there is a rule");
    let other = Product::new("billing", "Example");
    let found = contradictions(&record, &rules, Some(&other)).unwrap().unwrap();
    assert_eq!(found[0].path, "app.name");
}

#[test]
fn there_may_be_nothing_to_compare() {
    assert_eq!(contradictions(&json!({"class_uid": 6003, "raw_data": "{}"}), &[], None).unwrap(), None);
    let mut record = record_of(&full("backup.started"), &Mapping::new(Version::V1_0_0));
    record["raw_data"] = "no record".into();
    assert_eq!(contradictions(&record, &[], None).unwrap(), None);
    record.as_object_mut().unwrap().remove("raw_data");
    assert_eq!(contradictions(&record, &[], None).unwrap(), None);
}

#[test]
fn an_event_that_looks_like_a_sealed_record_is_an_event() {
    let line = r#"{"event":{"event_id":"e","event_type":"audit.log_tampered","timestamp":"2024-12-01T10:15:30.123Z"},"event_id":"x","event_type":"api.read","integrity":{"chain_id":"prod","previous_signature":"p","sequence_number":42,"signature":"s"},"timestamp":"2024-12-01T10:15:30.123Z"}"#;
    let native = NativeRecord::parse(line.as_bytes()).unwrap();
    assert_eq!((native.event.event_type.as_str(), native.sequence_number), ("api.read", None));
}

#[test]
fn a_line_has_a_time_and_makes_the_same_record_each_time() {
    let line = r#"{"event_type":"api.read","timestamp":"2024-12-01T10:15:30.123Z"}"#;
    let mapping = Mapping::new(Version::V1_0_0);
    assert_eq!(record_of(line, &mapping), record_of(line, &mapping));
    let error = NativeRecord::parse(br#"{"event_type":"api.read"}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "found no record of an audit log: timestamp: found nothing; expected the record's own time"
    );
}

proptest! {
    #[test]
    fn an_honest_copy_never_contradicts(event in events::any_event(), version in proptest::sample::select(Version::ALL)) {
        let line = sealed(&event);
        let record = record_of(&line, &Mapping::new(version));
        if let Some(found) = contradictions(&record, &[], None).unwrap() {
            prop_assert_eq!(found, []);
        }
        prop_assert_eq!(NativeRecord::parse(line.as_bytes()).unwrap().sequence_number, Some(7));
    }
}
