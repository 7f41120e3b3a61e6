//! Native events, OCSF records and CloudEvents through one reader, and what is wrong with those that are none.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_model::{Event, Timestamp};
use audit_source::Format;
use serde_json::{Value, json};

fn now() -> Timestamp {
    Timestamp::from_milliseconds(1_700_000_000_000).unwrap()
}

fn read(value: &Value) -> Result<Event, String> {
    Format::Any.read(value.to_string().as_bytes(), now())
}

fn cloud_event(change: impl FnOnce(&mut Value)) -> Value {
    let mut value = json!({"specversion": "1.0", "id": "1", "source": "/shop", "type": "orders.paid"});
    change(&mut value);
    value
}

#[test]
fn each_is_what_its_members_say() {
    let native = read(&json!({"event_type": "a.b", "class_uid": 3002, "specversion": null})).unwrap();
    assert_eq!(native.event_type.as_str(), "a.b");
    let ocsf =
        read(&json!({"class_uid": 3002, "activity_id": 1, "status_id": 2, "event_type": null})).unwrap();
    assert_eq!(ocsf.event_type.as_str(), "auth.failed");
    let cloud = read(&cloud_event(|_| {})).unwrap();
    assert_eq!(
        (cloud.event_type.as_str(), cloud.event_id.as_str(), cloud.timestamp),
        ("orders.paid", "1", now())
    );
    assert_eq!(cloud.resource.unwrap().to_value(), json!({"id": "/shop", "path": "/shop"}));
    assert_eq!(cloud.extra["cloudevent"]["type"], "orders.paid");
}

#[test]
fn a_name_may_be_escaped() {
    let text = br#"{"spec\u0076ersion": "1.0", "id": "1", "source": "/shop", "type": "orders.paid"}"#;
    assert_eq!(Format::Any.read(text, now()).unwrap().event_type.as_str(), "orders.paid");
    let text = br#"{"class\u005fuid": 3002, "activity_id": 1, "status_id": 2}"#;
    assert_eq!(Format::Any.read(text, now()).unwrap().event_type.as_str(), "auth.failed");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (change, says) in [
        (json!({"specversion": "0.3"}), "specversion: found `0.3`; expected 1.0"),
        (json!({"id": ""}), "id: found nothing"),
        (json!({"source": null}), "source: found nothing"),
        (json!({"type": 5}), "type: found something else; expected a string"),
        (json!({"type": "com.example/paid"}), "type: `com.example/paid` is not an event type"),
        (json!({"time": "yesterday"}), "time: `yesterday` is not a time"),
        (json!({"data": {}, "data_base64": "e30="}), "data_base64: found beside data"),
        (json!({"data": {"event_type": "a.b", "actor": 1}}), "data: actor: found 1; expected an object"),
        (json!({"data": {"class_uid": "x"}}), "data: class_uid: "),
        (json!({"data_base64": 1}), "data_base64: found something else"),
    ] {
        let value = cloud_event(|value| {
            for (name, changed) in change.as_object().unwrap() {
                value[name] = changed.clone();
            }
        });
        let error = read(&value).unwrap_err();
        assert!(error.starts_with(says), "{says}: {error}");
    }
    let error = Format::Any.read(b"{\n \"a\": 1,\n \"a\": 2}", now()).unwrap_err();
    assert!(error.starts_with("the name `a` occurs twice in one object at line 3 column "), "{error}");
    assert!(Format::CloudEvents.read(b"[]", now()).unwrap_err().contains("which is a JSON object"));
}

#[test]
fn an_envelope_lends_its_id_and_time_only_to_what_has_none() {
    let with = |data: Value| {
        read(&cloud_event(|value| {
            value["time"] = "2024-12-01T10:15:30Z".into();
            value["data"] = data;
        }))
        .unwrap()
    };
    let own = with(json!({"event_type": "a.b", "event_id": "own", "timestamp": "2020-01-01T00:00:00Z"}));
    assert_eq!(
        (own.event_id.as_str(), own.timestamp.to_string().as_str()),
        ("own", "2020-01-01T00:00:00.000Z")
    );
    let lent = with(json!({"class_uid": 3002, "activity_id": 1, "metadata": {"uid": "u"}}));
    assert_eq!(
        (lent.event_id.as_str(), lent.timestamp.to_string().as_str()),
        ("u", "2024-12-01T10:15:30.000Z")
    );
    let lent = with(json!({"event_type": "a.b", "cloudevent": "mine"}));
    assert_eq!((lent.event_id.as_str(), &lent.extra["cloudevent"]), ("1", &json!("mine")));
}

#[test]
fn who_did_it_is_who_the_extension_says() {
    for (kind, expected) in
        [(json!("user"), "user"), (json!("service_account"), "service"), (json!("robot"), "robot")]
    {
        let event = read(&cloud_event(|value| {
            value["authtype"] = kind;
            value["authid"] = "bob".into();
        }));
        assert_eq!(event.unwrap().actor.unwrap().to_value(), json!({"id": "bob", "type": expected}));
    }
}

#[test]
fn an_empty_id_is_none() {
    for text in [
        r#"{"event_type": "a.b", "event_id": ""}"#,
        r#"{"class_uid": 3002.0, "activity_id": 1, "metadata": {"uid": ""}}"#,
    ] {
        let event = Format::Any.read(text.as_bytes(), now()).unwrap();
        assert!(event.event_id.as_str().starts_with("evt_"), "{text}: {}", event.event_id);
    }
    let lent =
        read(&cloud_event(|value| value["data"] = json!({"event_type": "a.b", "event_id": ""}))).unwrap();
    assert_eq!(lent.event_id.as_str(), "1");
}

#[test]
fn a_time_that_no_record_can_have_is_told_as_that() {
    let error = read(&json!({"event_type": "a.b", "timestamp": "9999-12-31T23:59:59Z"})).unwrap_err();
    assert!(error.contains("expected an RFC 3339 time until 9999-12-30T22:00:00Z"), "{error}");
}
