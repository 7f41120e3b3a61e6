//! The examples of the specification and of docs/: nothing is lost, nothing is made up.
#![allow(clippy::unwrap_used)]

use audit_model::{
    AccessDeniedDetails, ActionResult, Actor, ActorType, BackupDetails, BackupStage, ConfigChangedDetails,
    Event, EventPattern, EventType, RestoreDetails, RestoreStage, Timestamp, Value, canonical_json,
    parse_json,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

fn now() -> Timestamp {
    "2024-12-01T10:15:30.123Z".parse().unwrap()
}

fn event(value: &Value) -> Event {
    Event::from_json(value.to_string().as_bytes(), now()).unwrap()
}

fn text(value: &Value) -> String {
    String::from_utf8(canonical_json(value).unwrap()).unwrap()
}

fn written(event: &Event) -> String {
    String::from_utf8(event.to_canonical_json().unwrap()).unwrap()
}

/// "Standard Fields" of the specification.
fn standard() -> Value {
    json!({
        "timestamp": "2024-12-01T10:15:30.123Z",
        "event_type": "backup.completed",
        "event_id": "evt_abc123def456",
        "version": "1.0",
        "actor": {
            "type": "user",
            "id": "alice@company.com",
            "roles": ["backup-operator"],
            "ip_address": "10.0.0.50",
            "user_agent": "kafka-backup-cli/1.0.0"
        },
        "resource": {"type": "backup", "id": "production-backup-20241201", "path": "s3://kafka-backups/production/"},
        "action": {"operation": "backup", "result": "success", "duration_ms": 45000},
        "context": {"cluster_id": "prod-us-west-2", "environment": "production", "correlation_id": "req_xyz789"}
    })
}

/// "Event-Specific Fields" of the specification.
fn specific() -> [Value; 4] {
    [
        json!({"event_type": "backup.completed", "details": {
            "backup_id": "production-backup-20241201", "topics": ["orders", "payments", "users"],
            "records_backed_up": 1_500_000, "bytes_backed_up": 524_288_000, "compressed_bytes": 104_857_600,
            "compression_ratio": 5.0, "duration_secs": 120, "checkpoints": 4
        }}),
        json!({"event_type": "restore.completed", "details": {
            "backup_id": "production-backup-20241201", "target_cluster": "dr-us-east-1",
            "topics_restored": ["orders", "payments"], "records_restored": 1_000_000, "pitr_enabled": true,
            "time_window_start": "2024-12-01T00:00:00Z", "time_window_end": "2024-12-01T12:00:00Z",
            "topic_mapping": {"orders": "restored-orders"}
        }}),
        json!({"event_type": "access.denied", "details": {
            "operation": "restore", "resource": "topic:production-orders",
            "required_permission": "restore:topic:production-orders", "user_permissions": ["backup:*", "list:*"],
            "reason": "insufficient_permissions"
        }}),
        json!({"event_type": "config.changed", "details": {"config_type": "backup", "changes": [
            {"field": "compression_level", "old_value": "3", "new_value": "6"},
            {"field": "topics.include", "old_value": ["orders"], "new_value": ["orders", "payments"]}
        ]}}),
    ]
}

#[test]
fn the_full_event_of_the_specification() {
    let event = event(&standard());
    assert_eq!(written(&event), text(&standard()));
    assert_eq!((event.event_type.as_str(), event.timestamp), ("backup.completed", now()));
    let actor = event.actor.unwrap();
    assert_eq!((actor.actor_type, actor.roles.len(), actor.extra.len()), (Some(ActorType::USER), 1, 0));
    let action = event.action.unwrap();
    assert_eq!((action.result, action.duration_ms), (Some(ActionResult::SUCCESS), Some(45000)));
    assert!(event.extra.is_empty() && event.details.is_empty());
}

#[test]
fn unknown_fields_stay_wherever_they_are() {
    let mut value = standard();
    for part in ["", "/actor", "/resource", "/action", "/context"] {
        let part = value.pointer_mut(part).unwrap();
        for name in ["a_first", "zz_last", "m", "😀", "null"] {
            part[name] = json!({"nested": [1, {"deeper": null}], "": "empty"});
        }
        part["nothing"] = Value::Null;
    }
    value["details"] = json!({"event_type": "x", "anything": [null]});
    assert_eq!(written(&event(&value)), text(&value));
}

#[test]
fn each_block_of_specific_fields_with_what_only_the_recorder_knows_filled_in() {
    for block in specific() {
        let event = event(&block);
        assert_eq!(text(&Value::Object(event.details.clone())), text(&block["details"]));
        assert_eq!((event.timestamp, event.version.as_str()), (now(), "1.0"));
        assert!(event.event_id.as_str().starts_with("evt_"));
        assert!(event.actor.is_none() && event.action.is_none());
        let again = Event::from_json(&event.to_canonical_json().unwrap(), now()).unwrap();
        assert_eq!(written(&again), written(&event));
    }
}

#[track_caller]
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(block: &Value) -> T {
    let event = event(block);
    let details: T = event.details_as().unwrap();
    let again = event.clone().with_details(&details).unwrap();
    assert_eq!(written(&again), written(&event));
    assert_eq!(again.details_as::<T>().unwrap(), details);
    details
}

#[test]
fn typed_details_of_the_specification() {
    let [backup, restore, denied, changed] = specific();
    let details: BackupDetails = round_trip(&backup);
    assert_eq!((details.records_backed_up, details.duration_secs), (Some(1_500_000), Some(120.0)));
    let built = Event::backup(BackupStage::Completed, Actor::user("a"), &details).unwrap();
    assert_eq!(
        (built.event_type, built.action.unwrap().result),
        (EventType::BACKUP_COMPLETED, Some(ActionResult::SUCCESS))
    );

    let details: RestoreDetails = round_trip(&restore);
    assert_eq!(details.topic_mapping["orders"], "restored-orders");
    let built = Event::restore(RestoreStage::Failed, Actor::user("a"), &details).unwrap();
    assert_eq!(
        (built.event_type, built.action.unwrap().result),
        (EventType::RESTORE_FAILED, Some(ActionResult::FAILURE))
    );

    let details: AccessDeniedDetails = round_trip(&denied);
    let built = Event::access_denied(Actor::user("a"), &details).unwrap();
    assert_eq!(built.action.unwrap().result, Some(ActionResult::DENIED));

    let details: ConfigChangedDetails = round_trip(&changed);
    assert_eq!(details.changes[1].new_value, json!(["orders", "payments"]));
    let built = Event::config_changed(Actor::user("a"), &details).unwrap();
    assert_eq!(text(&Value::Object(built.details)), text(&changed["details"]));
}

#[test]
fn typed_details_keep_fields_that_they_have_no_name_for() {
    for mut block in specific() {
        block["details"]["a_new_field"] = json!({"x": [1, null]});
        match block["event_type"].as_str().unwrap() {
            "backup.completed" => drop(round_trip::<BackupDetails>(&block)),
            "restore.completed" => drop(round_trip::<RestoreDetails>(&block)),
            "access.denied" => drop(round_trip::<AccessDeniedDetails>(&block)),
            _ => drop(round_trip::<ConfigChangedDetails>(&block)),
        }
    }
    let error = event(&json!({"event_type": "a.b", "details": {"checkpoints": "four"}}))
        .details_as::<BackupDetails>();
    assert!(error.unwrap_err().to_string().starts_with("details: "));
}

#[test]
fn every_type_of_the_catalogue() {
    let named: Vec<&str> = EventType::CATALOGUE.iter().map(|(event_type, _)| event_type.as_str()).collect();
    for name in [
        "backup.started",
        "backup.completed",
        "backup.failed",
        "backup.cancelled",
        "backup.checkpoint",
        "restore.started",
        "restore.completed",
        "restore.failed",
        "restore.cancelled",
        "validate.started",
        "validate.completed",
        "validate.failed",
        "access.granted",
        "access.denied",
        "config.changed",
        "config.viewed",
        "auth.login",
        "auth.logout",
        "auth.token_refresh",
        "auth.failed",
        "admin.license_applied",
        "admin.feature_enabled",
        "alert.fired",
        "alert.resolved",
        "alert.notify_failed",
        "audit.started",
        "audit.stopped",
        "audit.destination_failing",
        "audit.destination_recovered",
        "audit.events_lost",
        "audit.hold_placed",
        "audit.hold_released",
        "audit.log_tampered",
        "audit.retention_applied",
        "audit.source_gap",
    ] {
        assert!(named.contains(&name), "{name}");
    }
    for (event_type, when) in EventType::CATALOGUE {
        assert_eq!(&event(&json!({"event_type": event_type.as_str()})).event_type, event_type);
        assert!(!event_type.is_custom() && when.ends_with('.'));
        let (category, _) = event_type.as_str().split_once('.').unwrap();
        assert_eq!(event_type.category(), category);
        let matches = |pattern: &str| pattern.parse::<EventPattern>().unwrap().matches(event_type);
        assert!(matches("*") && matches(event_type.as_str()) && matches(&format!("{category}.*")));
        assert_eq!(matches("backup.*"), category == "backup");
    }
}

#[test]
fn every_example_event_of_the_documentation() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/events.ndjson");
    let examples = std::fs::read_to_string(file).unwrap();
    assert!(examples.lines().count() >= 40);
    for line in examples.lines() {
        let event =
            Event::from_json(line.as_bytes(), now()).unwrap_or_else(|error| panic!("{line}: {error}"));
        let mut value: Value = serde_json::from_str(line).unwrap();
        // Times are written with milliseconds, what only the recorder can know is filled in; all else is as it was.
        value["timestamp"] = event.timestamp.to_string().into();
        for (name, filled_in) in [("event_id", event.event_id.as_str()), ("version", "1.0")] {
            value.as_object_mut().unwrap().entry(name).or_insert_with(|| filled_in.into());
        }
        // An event has no empty details: they say nothing.
        value.as_object_mut().unwrap().retain(|name, value| name != "details" || *value != json!({}));
        assert_eq!(written(&event), text(&value));
    }
}

#[test]
fn the_published_vectors() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/test-vectors/vectors.json");
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    for record in
        vectors["chains"].as_array().unwrap().iter().flat_map(|chain| chain["records"].as_array().unwrap())
    {
        let (input, canonical) =
            (record["input"].as_str().unwrap(), record["canonical_event"].as_str().unwrap());
        assert_eq!(text(&parse_json(input.as_bytes()).unwrap()), canonical, "{}", record["note"]);
        let event = Event::from_json(input.as_bytes(), now()).unwrap();
        // An event has no empty details: they say nothing.
        assert_eq!(written(&event), canonical.replace("\"details\":{},", ""), "{}", record["note"]);
    }
}

#[test]
fn ids_sort_by_the_time_of_the_event() {
    let at =
        |milliseconds| Event::at(Timestamp::from_milliseconds(milliseconds).unwrap(), EventType::AUTH_LOGIN);
    let times = [0, 1, 999, 1000, 1_733_048_130_123, 1_733_048_130_124, 253_402_207_200_000];
    let ids: Vec<_> = times.map(|time| at(time).event_id).into();
    assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
}

#[test]
fn a_number_that_json_cannot_write_is_refused_by_name() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let details = BackupDetails { compression_ratio: Some(number), ..BackupDetails::default() };
        let error =
            Event::backup(BackupStage::Completed, Actor::user("a"), &details).unwrap_err().to_string();
        assert_eq!(error, format!("details: compression_ratio: found {number}; expected a finite number"));
    }
}
