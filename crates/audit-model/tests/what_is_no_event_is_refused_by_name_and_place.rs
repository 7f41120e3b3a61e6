//! Bad input gets an error that says where and why, and never a panic.
#![allow(clippy::unwrap_used)]

mod any;

use audit_model::{CanonicalError, Event, EventError, EventType, Timestamp, Value, parse_json};
use proptest::prelude::*;
use serde_json::json;

fn now() -> Timestamp {
    Timestamp::from_milliseconds(0).unwrap()
}

fn refused(text: &str) -> EventError {
    Event::from_json(text.as_bytes(), now()).unwrap_err()
}

#[test]
fn a_wrong_field_is_named_by_its_path() {
    for (part, path) in [
        (json!({"event_type": null}), "event_type"),
        (json!({"event_type": "not a type"}), "event_type"),
        (json!({"event_type": 5}), "event_type"),
        (json!({"timestamp": "yesterday"}), "timestamp"),
        (json!({"timestamp": 1_733_048_130}), "timestamp"),
        (json!({"event_id": {}}), "event_id"),
        (json!({"version": 1.0}), "version"),
        (json!({"details": [1]}), "details"),
        (json!({"actor": "alice"}), "actor"),
        (json!({"actor": {"id": 5}}), "actor.id"),
        (json!({"actor": {"type": []}}), "actor.type"),
        (json!({"actor": {"roles": "admin"}}), "actor.roles"),
        (json!({"actor": {"roles": ["admin", 7]}}), "actor.roles"),
        (json!({"actor": {"ip_address": true}}), "actor.ip_address"),
        (json!({"actor": {"user_agent": 1}}), "actor.user_agent"),
        (json!({"resource": {"path": {}}}), "resource.path"),
        (json!({"resource": {"type": 1}}), "resource.type"),
        (json!({"action": {"duration_ms": -1}}), "action.duration_ms"),
        (json!({"action": {"duration_ms": 1.5}}), "action.duration_ms"),
        (json!({"action": {"duration_ms": "45s"}}), "action.duration_ms"),
        (json!({"action": {"result": false}}), "action.result"),
        (json!({"context": {"environment": ["production"]}}), "context.environment"),
        (json!({"context": 0}), "context"),
    ] {
        let mut event = json!({"event_type": "backup.started"});
        event.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        match refused(&event.to_string()) {
            EventError::Field(error) => {
                assert_eq!(error.path(), path);
                let message = error.to_string();
                assert!(
                    message.starts_with(&format!("{path}: found ")) && message.contains("; expected "),
                    "{message}"
                );
            }
            other => panic!("{path}: {other}"),
        }
    }
    assert!(matches!(refused("[]"), EventError::Field(error) if error.path() == "$"));
}

#[test]
fn what_is_not_json_is_refused_with_line_and_column() {
    for (text, line) in [
        ("", 1),
        ("{\n  \"event_type\": \"a.b\",\n}", 3),
        ("{\"event_type\":\"a.b\",\n\"event_type\":\"a.c\"}", 2),
        ("{\"event_type\":\"a.b\",\"actor\":{\"id\":\"a\",\n\n\"id\":\"b\"}}", 3),
        ("{\"event_type\":\"a.b\",\"n\":9007199254740992}", 1),
        ("{\"event_type\":\"a.b\",\"n\":1e400}", 1),
        ("{\"event_type\":\"a.b\",\"s\":\"\\ud800\"}", 1),
        ("{\"event_type\":\"a.b\"} {}", 1),
        ("\u{feff}{\"event_type\":\"a.b\"}", 1),
    ] {
        match refused(text) {
            EventError::Json(error) => assert_eq!(error.line(), line, "{text}: {error}"),
            other => panic!("{text}: {other}"),
        }
    }
}

#[test]
fn extra_fields_with_names_of_the_events_own_are_refused() {
    let event = || Event::at(now(), EventType::AUTH_LOGIN).context(audit_model::Context::new());
    let reserved = |event: &Event| match event.to_canonical_json().unwrap_err() {
        CanonicalError::ReservedName { path } => path,
        other => panic!("{other}"),
    };
    let own = [
        "action",
        "actor",
        "context",
        "details",
        "event_id",
        "event_type",
        "resource",
        "timestamp",
        "version",
    ];
    for name in own {
        let mut event = event();
        event.extra.insert(name.to_owned(), Value::Null);
        assert_eq!(reserved(&event), name);
    }
    for name in ["cluster_id", "correlation_id", "environment"] {
        assert_eq!(
            reserved(&event().context(audit_model::Context::new().with(name, 1))),
            format!("context.{name}")
        );
    }
    for name in ["id", "ip_address", "roles", "type", "user_agent"] {
        let mut event = event();
        event.actor.get_or_insert_default().extra.insert(name.to_owned(), json!(1));
        assert_eq!(reserved(&event), format!("actor.{name}"));
    }
    for name in ["id", "path", "type"] {
        let mut event = event();
        event.resource.get_or_insert_default().extra.insert(name.to_owned(), json!(1));
        assert_eq!(reserved(&event), format!("resource.{name}"));
    }
    for name in ["duration_ms", "operation", "result"] {
        let mut event = event();
        event.action.get_or_insert_default().extra.insert(name.to_owned(), json!(1));
        assert_eq!(reserved(&event), format!("action.{name}"));
    }
}

#[test]
fn a_number_that_would_lose_digits_is_named_by_its_path() {
    let event = Event::at(now(), EventType::AUTH_LOGIN).detail("sizes", json!([1, {"n": u64::MAX}]));
    let error = event.to_canonical_json().unwrap_err().to_string();
    assert!(error.starts_with("details.sizes[1].n: the number 18446744073709551615 "), "{error}");
}

#[test]
fn serde_needs_what_nobody_can_fill_in() {
    let missing = |text| serde_json::from_str::<Event>(text).unwrap_err().to_string();
    assert!(missing(r#"{"event_type":"a.b","event_id":"x"}"#).contains("timestamp"));
    assert!(missing(r#"{"event_type":"a.b","timestamp":"2024-12-01T10:15:30Z"}"#).contains("event_id"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = Event::from_json(&bytes, now());
    }

    #[test]
    fn any_bytes_in_an_event(event in any::event(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = event.to_canonical_json().unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(event) = Event::from_json(&text, now()) {
            let text = event.to_canonical_json().unwrap();
            prop_assert_eq!(Event::from_json(&text, now()).unwrap().to_canonical_json().unwrap(), text);
        }
    }

    /// Any value in any known place: an event, or an error that names the place.
    #[test]
    fn any_value_as_a_field(value in any::value(), path in prop::sample::select(vec![
        "/event_type", "/timestamp", "/event_id", "/version", "/details", "/actor", "/actor/id", "/actor/roles",
        "/action", "/action/duration_ms", "/action/result", "/resource", "/resource/id", "/context/cluster_id",
    ])) {
        let mut event = json!({"event_type": "a.b", "timestamp": null, "event_id": null, "version": null, "details": null,
            "actor": {"id": null, "roles": null}, "action": {"duration_ms": null, "result": null},
            "resource": {"id": null}, "context": {"cluster_id": null}});
        *event.pointer_mut(path).unwrap() = value;
        match Event::from_value(event, now()) {
            Ok(event) => prop_assert!(event.to_canonical_json().is_ok()),
            Err(error) => prop_assert!(path[1..].replace('/', ".").starts_with(error.path()) || error.path().starts_with(&path[1..]), "{}", error),
        }
    }

    #[test]
    fn any_text_as_json_is_read_as_another_reader_does(value in any::value()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(parse_json(text.as_bytes()).unwrap(), value);
    }
}
