//! Alert records: usual ones, and any whatsoever.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_notify::Notice;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn notice(record: &Value) -> Notice {
    Notice::from_line(record.to_string().as_bytes()).unwrap().unwrap()
}

pub(crate) fn spike() -> Value {
    json!({"event_type": "alert.fired", "timestamp": "2024-12-01T10:15:31.000Z", "event_id": "evt_alert", "version": "1.0",
        "actor": {"type": "system", "id": "audit-log"}, "action": {"operation": "alert", "result": "success"},
        "resource": {"type": "alert_rule", "id": "access-denied-spike"}, "context": {"environment": "production"},
        "details": {"alert_id": "alert-00112233445566aa", "rule": "access-denied-spike",
            "description": "Somebody is trying doors.", "severity": "high", "status": "firing",
            "condition": "event_type == 'access.denied'", "count": 12, "threshold": 10, "window": "5m",
            "group": {"actor.id": "bob@company.com"}, "first_time": "2024-12-01T10:11:30.000Z",
            "last_time": "2024-12-01T10:15:30.123Z", "repeat": 0,
            "event": {"event_id": "evt_1", "event_type": "access.denied", "timestamp": "2024-12-01T10:15:30.123Z",
                "version": "1.0",
                "actor": {"type": "user", "id": "bob@company.com", "ip_address": "10.0.0.66", "roles": ["viewer"]},
                "action": {"operation": "read", "result": "denied"},
                "resource": {"type": "topic", "id": "payments", "path": "kafka://prod/payments"},
                "context": {"environment": "production", "cluster_id": "prod-eu-1"},
                "details": {"reason": "missing role payments-reader", "topics": ["payments", "refunds"]}}}})
}

pub(crate) fn single() -> Value {
    json!({"event_type": "alert.fired", "timestamp": "2024-12-01T03:12:05.000Z", "details": {
        "alert_id": "alert-1122334455667788", "rule": "unauthorized-restore", "severity": "critical", "count": 1,
        "threshold": 1, "first_time": "2024-12-01T03:12:04.500Z", "last_time": "2024-12-01T03:12:04.500Z",
        "condition": "event_type == 'restore.started' and context.environment == 'production'",
        "event": {"event_id": "evt_2", "event_type": "restore.started", "timestamp": "2024-12-01T03:12:04.500Z",
            "actor": {"type": "user", "id": "alice@company.com"}, "action": {"operation": "restore", "result": "in_progress"},
            "resource": {"type": "backup", "id": "production-backup-20241201"}, "context": {"environment": "production"}}}})
}

pub(crate) fn absent() -> Value {
    json!({"event_type": "alert.fired", "timestamp": "2024-12-02T04:00:00.000Z", "resource": {"type": "alert_rule", "id": "nightly-backup"},
        "actor": {"type": "system", "id": "audit-log"}, "details": {"alert_id": "alert-99887766554433aa", "rule": "nightly-backup",
        "severity": "medium", "status": "firing", "condition": "event_type == 'backup.completed'", "absent_for": "26h", "repeat": 1}})
}

pub(crate) fn storm() -> Value {
    json!({"event_type": "alert.fired", "timestamp": "2024-12-01T10:16:31.000Z", "event_id": "evt_alert", "version": "1.0",
        "actor": {"type": "system", "id": "audit-log"}, "action": {"operation": "alert", "result": "success"},
        "resource": {"type": "alert_rule", "id": "storm"}, "details": {"alert_id": "alert-00112233445566bb", "rule": "storm",
        "severity": "medium", "status": "firing", "condition": "event_type == 'access.denied'", "count": 100, "threshold": 2,
        "window": "5m", "first_time": "2024-12-01T10:15:31.000Z", "last_time": "2024-12-01T10:16:30.000Z", "repeat": 0,
        "summed_up": 37}})
}

pub(crate) fn resolved() -> Value {
    let mut record = spike();
    record["event_type"] = "alert.resolved".into();
    record["timestamp"] = "2024-12-01T10:27:31.000Z".into();
    record["details"]["status"] = "resolved".into();
    record
}

pub(crate) fn as_test(mut record: Value) -> Value {
    record["details"]["test"] = true.into();
    record
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => any::<String>(),
        8 => "[<>&\"'@`*_|\r\n\u{0}-\u{1f}\u{7f}\u{85}\u{202e}\u{2028}a-c ]{0,16}",
        8 => prop::sample::select(vec![
            "<!channel>",
            "@here",
            "</td><script>",
            "x\r\nBcc: y",
            "{{ .rule }}",
            "",
            " ",
            "high",
            "resolved",
            "2024-12-01T10:15:30Z"
        ])
        .prop_map(str::to_owned),
        1 => (prop::sample::select(vec!["x", "<", "é", "🚨", "\u{0}", "\\"]), 1000_usize..70_000)
            .prop_map(|(text, times)| text.repeat(times)),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        (-1e15..1e15).prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any_text(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// An object of which each of these members is there or not, and anything.
fn any_of(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::vec(prop::option::of(any_value()), names.len()).prop_map(|values| {
        let members = names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        Value::Object(members.collect::<Map<_, _>>())
    })
}

fn any_event() -> impl Strategy<Value = Value> {
    (
        any_of(&["event_id", "event_type", "timestamp", "details", "version", "rule", "test", "severity"]),
        prop::option::of(any_of(&["id", "ip_address", "roles", "type"])),
        prop::option::of(any_of(&["id", "type", "path"])),
        prop::option::of(any_of(&["environment", "cluster_id", "region"])),
    )
        .prop_map(|(mut event, actor, resource, context)| {
            for (name, value) in [("actor", actor), ("resource", resource), ("context", context)] {
                if let Some(value) = value {
                    event[name] = value;
                }
            }
            event
        })
}

/// A record that says it is an alert; beyond that it is anything.
pub(crate) fn any_alert() -> impl Strategy<Value = Value> {
    let details = any_of(&[
        "alert_id",
        "rule",
        "description",
        "severity",
        "status",
        "condition",
        "count",
        "threshold",
        "window",
        "absent_for",
        "group",
        "first_time",
        "last_time",
        "repeat",
        "test",
        "summary",
        "lasted",
    ]);
    let outside = any_of(&["timestamp", "actor", "resource", "context", "details"]);
    (outside, details, prop::option::of(any_event()), any::<bool>(), any::<bool>()).prop_map(
        |(mut record, mut details, event, fired, has_details)| {
            record["event_type"] = if fired { "alert.fired" } else { "alert.resolved" }.into();
            if let Some(event) = event {
                details["event"] = event;
            }
            if has_details {
                record["details"] = details;
            }
            record
        },
    )
}
