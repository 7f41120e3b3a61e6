//! Events, and reports on them.
#![allow(dead_code, unreachable_pub, reason = "no test needs all of it")]

use audit_model::{Event, Timestamp, Value};
use audit_report::{Chain, Finding, Integrity, Period, Report, Soundness, Tally};
use serde_json::json;

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn october() -> Period {
    "2026-10".parse().unwrap()
}

pub fn made() -> Timestamp {
    time("2026-11-02T08:00:00Z")
}

pub fn event(value: &Value) -> Event {
    Event::from_json(value.to_string().as_bytes(), made()).unwrap()
}

/// As a scan counts them.
pub fn tally<'a>(period: Period, events: impl IntoIterator<Item = &'a Event>) -> Tally {
    let mut tally = Tally::new(period);
    for event in events {
        take(&mut tally, event);
    }
    tally
}

pub fn take(tally: &mut Tally, event: &Event) {
    let result =
        event.action.as_ref().and_then(|action| action.result.as_ref()).map(|result| result.as_str());
    let actor = event.actor.as_ref().and_then(|actor| actor.id.as_deref());
    let event_type = event.event_type.as_str();
    let is_in = tally.count(event.timestamp, event_type, result, actor);
    if (is_in && Tally::is_notable(event_type, result)) || Tally::is_notable_before(event_type) {
        tally.observe(event);
    }
}

pub fn report(events: &[Event]) -> Report {
    Report::new(tally(october(), events), sound(), made()).files(["audit.log"])
}

pub fn sound() -> Integrity {
    Integrity {
        verdict: Soundness::Sound,
        chains: vec![chain()],
        unsealed: 0,
        unreadable: vec![],
        notes: vec![],
    }
}

pub fn broken() -> Integrity {
    let finding = Finding {
        verdict: "missing".into(),
        file: Some("audit.log".into()),
        line: Some(7),
        first_sequence: Some(7),
        last_sequence: Some(9),
        message: "records 7 to 9 are missing".into(),
    };
    let verdict = "missing".to_owned();
    let chain = Chain { verdict, intact: false, findings: vec![finding], ..chain() };
    Integrity { verdict: Soundness::Broken, chains: vec![chain], ..sound() }
}

pub fn chain() -> Chain {
    Chain {
        chain_id: "orders".into(),
        verdict: "intact".into(),
        intact: true,
        records: 42,
        first_sequence: Some(1),
        last_sequence: Some(42),
        signed: true,
        head: Some(format!("42:sha256:{}", "0f".repeat(32))),
        anchored: true,
        pruned_to: None,
        duplicates: 0,
        findings: vec![],
        more_findings: 0,
    }
}

/// Some of everything that a report tells.
pub fn everything() -> Vec<Event> {
    let log = json!({"type": "audit_log", "id": "/var/log/audit/audit.log"});
    let writer = json!({"type": "system", "id": "audit-log"});
    let own = |time: &str, event_type: &str, id: &str, details: Value| {
        event(
            &json!({"timestamp": time, "event_type": event_type, "event_id": id, "actor": writer.clone(), "resource": log.clone(), "details": details}),
        )
    };
    vec![
        own("2026-09-20T08:00:00Z", "audit.started", "s1", json!({})),
        event(
            &json!({"timestamp": "2026-10-01T10:15:30.123Z", "event_type": "backup.completed", "event_id": "e1",
            "actor": {"type": "user", "id": "alice@company.com"}, "action": {"operation": "backup", "result": "success"}}),
        ),
        event(&json!({"timestamp": "2026-10-02T02:00:00Z", "event_type": "backup.failed", "event_id": "e2",
            "actor": {"type": "service", "id": "backup-scheduler", "ip_address": "10.0.3.12"},
            "resource": {"type": "backup", "id": "production-backup-20261002"},
            "action": {"operation": "backup", "result": "failure"}, "details": {"error": "no space left on device"}})),
        // The specification's own examples of these two.
        event(&json!({"timestamp": "2026-10-03T09:30:00Z", "event_type": "access.denied", "event_id": "e3",
            "actor": {"type": "user", "id": "bob@company.com", "ip_address": "10.0.0.50"},
            "details": {"operation": "restore", "resource": "topic:production-orders",
                "required_permission": "restore:topic:production-orders",
                "user_permissions": ["backup:*", "list:*"], "reason": "insufficient_permissions"}})),
        event(&json!({"timestamp": "2026-10-04T11:00:00Z", "event_type": "config.changed", "event_id": "e4",
            "actor": {"type": "user", "id": "alice@company.com"}, "action": {"operation": "change", "result": "success"},
            "details": {"config_type": "backup", "changes": [
                {"field": "compression_level", "old_value": "3", "new_value": "6"},
                {"field": "topics.include", "old_value": ["orders"], "new_value": ["orders", "payments"]},
                {"field": "sasl_password", "old_value": "******", "new_value": "******"},
                {"field": "encryption", "old_value": null, "new_value": true}]}})),
        own("2026-10-05T03:00:00Z", "audit.started", "s2", json!({"torn_bytes_cut": 217})),
        own(
            "2026-10-06T03:00:00Z",
            "audit.events_lost",
            "l1",
            json!({"count": 312, "first_time": "2026-10-06T02:40:00.000Z",
            "last_time": "2026-10-06T02:59:00.000Z", "reason": "no space left on device"}),
        ),
        own(
            "2026-10-07T03:00:00Z",
            "audit.log_tampered",
            "t1",
            json!({"change": "shortened", "message": "91 bytes were cut",
            "lost_sequences": [40, 41]}),
        ),
        own(
            "2026-10-08T03:00:00Z",
            "audit.retention_applied",
            "r1",
            json!({"first_sequence": 1, "last_sequence": 20,
            "file": "audit.log.1.gz", "rule": "max_days"}),
        ),
        own(
            "2026-10-09T03:00:00Z",
            "audit.hold_placed",
            "h1",
            json!({"id": "case-17", "reason": "litigation"}),
        ),
        own(
            "2026-10-10T03:00:00Z",
            "alert.fired",
            "a1",
            json!({"alert_id": "alert-01", "rule": "backup-failure",
            "severity": "high", "count": 1, "repeat": 0, "group": {"actor.id": "backup-scheduler"}}),
        ),
        own(
            "2026-10-10T03:01:00Z",
            "alert.notify_failed",
            "a2",
            json!({"alert_id": "alert-01", "rule": "backup-failure",
            "error": "503 Service Unavailable", "given_up": true}),
        ),
        own(
            "2026-10-10T04:00:00Z",
            "alert.resolved",
            "a3",
            json!({"alert_id": "alert-01", "rule": "backup-failure",
            "severity": "high", "count": 3}),
        ),
        own("2026-10-31T23:59:59.999Z", "audit.stopped", "s3", json!({})),
        // Not of the period any more.
        event(&json!({"timestamp": "2026-11-01T00:00:00Z", "event_type": "access.denied", "event_id": "e9"})),
    ]
}
