//! An attribute of another JSON type than the schema's is an error that names its place, what was found, and what
//! was expected.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_ocsf::{ClassError, OcsfEvent};
use proptest::prelude::*;
use serde_json::{Value, json};

mod any_record;
mod source;

fn minimal() -> Value {
    json!({
        "activity_id": 1, "category_uid": 6, "class_uid": 6003, "severity_id": 1, "time": 1, "type_uid": 600_301,
        "actor": {"user": {"name": "a"}}, "api": {"operation": "get"}, "src_endpoint": {"ip": "10.0.0.50"},
        "metadata": {"product": {"name": "p"}, "version": "1.3.0"},
    })
}

fn refusal(record: &Value) -> String {
    OcsfEvent::from_value(record).unwrap_err().to_string()
}

#[test]
fn in_these_words() {
    assert!(OcsfEvent::from_value(&minimal()).is_ok());
    let with = |pointer: &str, value: Value| {
        let mut record = minimal();
        *record.pointer_mut(pointer).unwrap() = value;
        refusal(&record)
    };
    assert_eq!(with("/time", json!("now")), "time: found the string \"now\"; expected an integer");
    assert_eq!(with("/time", json!(1.5)), "time: found 1.5; expected an integer");
    assert_eq!(
        with("/severity_id", json!("High")),
        "severity_id: found the string \"High\"; expected an integer"
    );
    assert_eq!(with("/actor/user", json!(["a"])), "actor.user: found an array; expected an object");
    assert_eq!(with("/actor/user/name", json!(7)), "actor.user.name: found 7; expected a string");
    assert_eq!(with("/src_endpoint/ip", json!({})), "src_endpoint.ip: found an object; expected a string");
    assert_eq!(with("/api/operation", Value::Null), "api.operation: found null; expected a string");
    assert_eq!(
        with("/metadata", json!({"version": "1.3.0"})),
        "metadata.product: found nothing; expected it, as every version requires it"
    );
    assert_eq!(
        with("/actor/user", json!({"groups": [{"privileges": ["r", true]}]})),
        "actor.user.groups[0].privileges[1]: found true; expected a string"
    );
    assert_eq!(
        with("/class_uid", json!(1001)),
        "class_uid: found 1001; expected 3002 (Authentication), 6002 (Application Lifecycle) or 6003 (API Activity)"
    );
    let mut classless = minimal();
    classless.as_object_mut().unwrap().remove("class_uid");
    assert!(refusal(&classless).starts_with("class_uid: found nothing; expected 3002"));
    assert_eq!(refusal(&json!([1])), "$: found an array; expected an object");
}

#[test]
fn a_class_read_as_another_is_refused() {
    let error = serde_json::from_value::<audit_ocsf::Authentication>(minimal()).unwrap_err();
    assert!(error.to_string().contains("expected 3002"), "{error}");
}

#[test]
fn text_that_is_no_json_or_has_a_name_twice() {
    for text in [&b"{"[..], br#"{"class_uid": 6003, "class_uid": 3002}"#, b"\xff", b""] {
        assert!(matches!(OcsfEvent::from_json(text), Err(ClassError::Json(_))));
    }
}

/// A value that is not of that type.
fn of_another_type(rust_type: &str) -> Option<Value> {
    match rust_type {
        "Value" => None,
        "String" => Some(json!(1)),
        "bool" => Some(json!("true")),
        _ => Some(json!("text")),
    }
}

proptest! {
    #[test]
    fn wherever_it_is(record in any_record::record(), choice in any::<prop::sample::Index>()) {
        let places = any_record::places(&record);
        let (steps, rust_type) = choice.get(&places);
        if let Some(wrong) = of_another_type(rust_type) {
            let mut record = record;
            *any_record::at(&mut record, steps) = wrong;
            let error = OcsfEvent::from_value(&record).unwrap_err();
            prop_assert_eq!(error.path(), any_record::in_words(steps));
        }
    }

    #[test]
    fn no_json_makes_it_panic(text in "\\PC{0,40}", class in prop::sample::select(vec![3002, 6002, 6003])) {
        let _ = OcsfEvent::from_json(text.as_bytes());
        let _ = OcsfEvent::from_value(&json!({"class_uid": class, "metadata": text}));
    }
}
