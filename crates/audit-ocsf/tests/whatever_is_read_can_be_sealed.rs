//! OCSF → Event: what others write, and what claims to be ours, becomes an event that a log can take, with nothing lost.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod events;

use audit_model::{Event, Timestamp, Value};
use audit_ocsf::{Mapping, Recorded, Version, event_from_value};
use proptest::prelude::*;
use serde_json::json;

fn read(record: Value) -> Event {
    event_from_value(record, Timestamp::from_milliseconds(0).unwrap()).unwrap()
}

fn own(event_type: &str) -> Value {
    let event = events::full(&event_type.parse().unwrap());
    Mapping::new(Version::V1_3_0).to_value(&event, Recorded::default()).unwrap()
}

#[test]
fn what_others_write_is_kept_whole() {
    let record = json!({
        "class_uid": 6003, "activity_id": 1, "time": 1_700_533_469_078_i64, "status_id": 1, "severity_id": 5,
        "metadata": {"version": "1.1.0", "sequence": u64::MAX, "product": {"name": "CloudTrail"}},
        "actor": {"user": {"type": "IAMUser", "uid": "AIDA1", "name": "alice"}},
        "api": {"operation": "CreateBucket", "service": {"name": "s3"}},
        "src_endpoint": {"ip": "192.0.2.1", "port": 443},
        "resources": [{"type": "bucket", "name": "logs", "data": {"path": 7}}, {"name": "second"}],
    });
    let event = read(record.clone());
    assert_eq!(event.event_type.as_str(), "api.created");
    let actor = event.actor.as_ref().unwrap();
    assert_eq!((actor.id.as_deref(), actor.extra["name"].as_str()), (Some("AIDA1"), Some("alice")));
    let resource = event.resource.as_ref().unwrap();
    assert_eq!((resource.id.as_deref(), &resource.extra["data"]), (Some("logs"), &json!({"path": 7})));
    let mut kept = record;
    kept["metadata"]["sequence"] = u64::MAX.to_string().into();
    assert_eq!(event.details["ocsf"], kept, "an integer that would lose digits is a text");
    event.to_canonical_json().unwrap();
}

#[test]
fn times_and_results_as_some_write_them() {
    let base = json!({"class_uid": 3002, "user": {"name": "a"}});
    let with = |name: &str, value: Value| {
        let mut record = base.clone();
        record[name] = value;
        read(record)
    };
    assert_eq!(with("time", json!(1_700_533_469_078.0)).timestamp.as_milliseconds(), 1_700_533_469_078);
    assert_eq!(
        with("time_dt", json!("2023-11-21T02:24:29.078Z")).timestamp.as_milliseconds(),
        1_700_533_469_078
    );
    let mut failed = base.clone();
    failed["type_uid"] = 300_201.into();
    failed["status"] = "Failure".into();
    assert_eq!(read(failed).event_type.as_str(), "auth.failed");
}

#[test]
fn what_is_read_is_written_in_its_class_again() {
    let classes: [(i64, &[i64]); 3] = [
        (3002, &[1, 2, 3, 4, 5, 6, 7, 99]),
        (6002, &[1, 2, 3, 4, 5, 6, 7, 8, 99]),
        (6003, &[1, 2, 3, 4, 99]),
    ];
    for (class, activities) in classes {
        for activity in activities {
            let event = read(json!({"class_uid": class, "activity_id": activity, "time": 1}));
            let record = Mapping::new(Version::V1_8_0).to_value(&event, Recorded::default()).unwrap();
            assert_eq!(
                (&record["class_uid"], &record["activity_id"]),
                (&json!(class), &json!(activity)),
                "{event:?}"
            );
        }
    }
}

#[test]
fn what_was_added_to_a_record_of_ours_is_kept() {
    let record = own("backup.completed");
    let event = read(record.clone());
    assert!(!event.details.contains_key("ocsf"), "it says all that the record does");
    for (place, value) in [
        ("/enrichments", json!([{"name": "geo", "value": "DE", "data": {}}])),
        ("/message", json!("another")),
        ("/unmapped/mine", json!(1)),
        ("/unmapped/actor", json!({"roles": "admin", "team": "x"})),
        ("/unmapped/action", json!({"operation": 5})),
        ("/unmapped/details", json!([1])),
        ("/unmapped/extra", json!({"event_id": "forged", "actor": {}})),
    ] {
        let mut edited = record.clone();
        let (parent, name) = place.rsplit_once('/').unwrap();
        edited.pointer_mut(parent).unwrap()[name] = value;
        let event = read(edited.clone());
        assert_eq!(event.event_type.as_str(), "backup.completed");
        assert_eq!(event.details["ocsf"], edited, "{place}");
        event.to_canonical_json().unwrap();
    }
}

#[test]
fn deep_ones_become_texts() {
    let mut deep = json!("end");
    for _ in 0..125 {
        deep = json!([deep]);
    }
    let event = read(json!({"class_uid": 6003, "time": 1, "unmapped": {"deep": deep}}));
    let text = event.to_canonical_json().unwrap();
    assert!(String::from_utf8(text).unwrap().contains(r#"[\"end\"]"#), "nothing of it is lost");
}

#[test]
fn what_is_no_record_is_told_by_its_place() {
    let now = Timestamp::from_milliseconds(0).unwrap();
    let error = |record: Value| event_from_value(record, now).unwrap_err().to_string();
    assert_eq!(error(json!([1])), "$: found an array; expected an OCSF record, which is an object");
    assert_eq!(
        error(json!({})),
        "class_uid: found nothing; expected the number of an OCSF class, such as 6003"
    );
    assert_eq!(
        error(json!({"class_uid": "6003"})),
        "class_uid: found \"6003\"; expected the number of an OCSF class, such as 6003"
    );
}

/// Any JSON, with the names that reading looks at.
fn hostile() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z.]{0,8}".prop_map(Value::from),
        Just(json!("audit-log")),
        Just(json!("1.3.0")),
        Just(json!("backup.completed")),
    ];
    let names = proptest::sample::select(
        &[
            "metadata",
            "version",
            "log_provider",
            "event_code",
            "uid",
            "user",
            "actor",
            "name",
            "type",
            "type_id",
            "groups",
            "unmapped",
            "extra",
            "details",
            "action",
            "resource",
            "resources",
            "data",
            "path",
            "id",
            "src_endpoint",
            "ip",
            "time",
            "activity_id",
            "status_id",
            "http_request",
            "authorizations",
            "decision",
            "policy",
            "event_id",
            "context",
            "roles",
            "session",
            "api",
            "operation",
            "count",
            "start_time",
            "audit_log",
            "timestamp",
        ][..],
    );
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => proptest::collection::vec((names.clone(), inner), 0..8)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_others_write(
        record in hostile(),
        class in proptest::sample::select(&[3002, 6002, 6003, 4001, -1][..]),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), hostile()), 0..3),
    ) {
        let mut records = vec![own("access.denied")];
        for (place, value) in edits {
            let last = records[0].as_object().unwrap();
            let name = place.get(&last.keys().cloned().collect::<Vec<_>>()).clone();
            records[0][name] = value;
        }
        if let Value::Object(mut record) = record {
            record.insert("class_uid".to_owned(), class.into());
            records.push(record.into());
        }
        let now = Timestamp::from_milliseconds(0).unwrap();
        for record in records {
            let Ok(event) = event_from_value(record, now) else { continue };
            let text = event.to_canonical_json().unwrap();
            prop_assert_eq!(Event::from_json(&text, now).unwrap().to_canonical_json().unwrap(), text);
        }
    }
}

#[test]
fn what_is_written_can_be_read() {
    let nested = |levels: usize| {
        let deep = (0..levels).fold(json!("end"), |inner, _| json!([inner]));
        events::read(
            json!({"event_type": "api.read", "timestamp": "2024-12-01T10:15:30.123Z", "details": {"deep": deep}}),
        )
    };
    // The log itself takes two more.
    let (deepest, deeper) = (nested(116), nested(118));
    deeper.to_canonical_json().unwrap();
    let mapping = Mapping::new(Version::V1_8_0);
    let mut out = Vec::new();
    mapping.write(&deepest, Recorded::default(), &mut out).unwrap();
    audit_model::parse_json(&out).unwrap();
    let error = mapping.write(&deeper, Recorded::default(), &mut out).unwrap_err().to_string();
    assert!(error.starts_with("details: deep[0]") && error.ends_with("nested more than 120 deep"), "{error}");
}
