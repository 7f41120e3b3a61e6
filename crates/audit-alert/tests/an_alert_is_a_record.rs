//! What is recorded of an alert.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod stream;

use audit_alert::{Alert, RuleOptions, Rules, Severity, State};
use audit_condition::Path;
use audit_model::{Actor, Context, Event, MAX_DEPTH, Value, parse_json};
use stream::{DENIED, by_actor, event, minutes, options, rules, time};

fn spike() -> Rules {
    rules(
        DENIED,
        RuleOptions {
            description: Some("Somebody tries doors.".to_owned()),
            severity: Severity::High,
            threshold: 2,
            window: minutes(5),
            group_by: by_actor(),
            ..options()
        },
    )
}

fn denied(at: i64) -> Event {
    let mut event = event(at, "access.denied", "bob", &format!("evt_{at}")).detail("reason", "no");
    event.context = Some(Context::new().environment("production").correlation_id("req").with("tenant", "t"));
    event
}

fn all(rules: &Rules) -> Vec<Alert> {
    let mut state = State::default();
    let mut alerts = Vec::new();
    for at in [0, 1000, 300_000, 301_000] {
        alerts.extend(rules.observe(&mut state, &denied(at), time(at)));
    }
    alerts.extend(rules.tick(&mut state, time(601_000)));
    alerts
}

#[test]
fn it_says_what_happened_to_whom_and_how_often() {
    let alerts = all(&spike());
    let record = serde_json::to_value(alerts[0].to_event(time(2000))).unwrap();
    assert_eq!(
        record,
        serde_json::json!({
            "event_type": "alert.fired",
            "event_id": record["event_id"],
            "version": "1.0",
            "timestamp": "2026-01-01T00:00:02.000Z",
            "actor": {"type": "system", "id": "audit-log"},
            "action": {"operation": "alert", "result": "success"},
            "resource": {"type": "alert_rule", "id": "rule"},
            "context": {"environment": "production", "correlation_id": "req"},
            "details": {
                "alert_id": alerts[0].alert_id,
                "rule": "rule",
                "description": "Somebody tries doors.",
                "severity": "high",
                "status": "firing",
                "condition": DENIED,
                "count": 2,
                "threshold": 2,
                "window": "5m",
                "group": {"actor.id": "bob"},
                "first_time": "2026-01-01T00:00:00.000Z",
                "last_time": "2026-01-01T00:00:01.000Z",
                "repeat": 0,
                "event": serde_json::to_value(denied(1000)).unwrap(),
            },
        })
    );
}

#[test]
fn all_that_is_told_of_one_alert_has_one_alert_id_and_ids_of_its_own() {
    let alerts = all(&spike());
    assert_eq!(stream::told(&alerts), "fired bob 2, again[1] bob 4, resolved bob 4");
    let id = &alerts[0].alert_id;
    assert!(
        id.len() == 22 && id.starts_with("alert-") && id[6..].bytes().all(|b| b.is_ascii_hexdigit()),
        "{id}"
    );
    assert!(alerts.iter().all(|alert| alert.alert_id == *id));
    let records: Vec<Event> = alerts.iter().map(|alert| alert.to_event(time(999_999))).collect();
    let types: Vec<&str> = records.iter().map(|record| record.event_type.as_str()).collect();
    assert_eq!(types, ["alert.fired", "alert.fired", "alert.resolved"]);
    assert_eq!(records[2].details["status"], "resolved");
    assert_eq!(records[2].details["event"]["event_id"], "evt_301000", "who it was is said at the end, too");
    let mut ids: Vec<&str> = records.iter().map(|record| record.event_id.as_str()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| id.len() == 36 && id.starts_with("evt_")));
}

#[test]
fn an_alert_that_is_found_out_twice_is_recorded_with_the_same_id() {
    let (one, other) = (all(&spike()), all(&spike()));
    let id = |alert: &Alert, now| alert.to_event(time(now)).event_id;
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(id(one, 1), id(other, 999));
    }
}

#[test]
fn a_large_event_is_told_and_not_kept() {
    let rules = spike();
    let mut state = State::default();
    let large = |at| denied(at).detail("text", "x".repeat(10_000));
    let _ = rules.observe(&mut state, &large(0), time(0));
    let fired = rules.observe(&mut state, &large(1), time(1));
    assert!(fired[0].event.is_some());
    let resolved = rules.tick(&mut state, time(400_000));
    assert_eq!(resolved[0].event, None);
    assert!(serde_json::to_string(&state).unwrap().len() < 1000);
}

#[test]
fn a_test_is_marked_as_one() {
    let rules = spike();
    let alert = rules.get("rule").unwrap().test_alert(time(0));
    assert_eq!(alert.to_event(time(0)).details["test"], true);
    assert_eq!(alert.count, 1);
    assert!(rules.get("other").is_none());
    assert_eq!(rules.iter().len(), 1);

    let absence = crate::rules(DENIED, RuleOptions { absent_for: minutes(5), ..options() });
    let alert = absence.get("rule").unwrap().test_alert(time(0));
    assert_eq!((alert.count, alert.test), (0, true), "no event is made up of what did not happen");
}

#[test]
fn every_record_can_be_sealed_however_deep_the_event() {
    let rules = spike();
    let mut recorded = Vec::new();
    for depth in (0..MAX_DEPTH - 2).rev() {
        let mut state = State::default();
        let mut alerts = Vec::new();
        for at in 0..2 {
            let nested = (0..depth).fold(Value::from(1), |value, _| Value::from(vec![value]));
            let mut event = denied(at).detail("nested", nested.clone());
            event.to_canonical_json().unwrap();
            event.actor = Some(Actor::user("bob"));
            alerts.extend(rules.observe(&mut state, &event, time(at)));
        }
        let record = alerts[0].to_event(time(2));
        let text = String::from_utf8(record.to_canonical_json().unwrap()).unwrap();
        // As whoever tells people of it reads it.
        parse_json(format!(r#"{{"event":{text},"integrity":{{}}}}"#).as_bytes()).unwrap();
        recorded.push(record.details.contains_key("event"));
    }
    assert!(!recorded[0], "the deepest event is left out");
    assert!(recorded[3..].iter().all(|with| *with), "and no other");
}

#[test]
fn groups_of_nested_values_can_be_sealed() {
    let nested = Path::parse("details.nested").unwrap();
    let rules = rules(DENIED, RuleOptions { group_by: vec![nested], ..options() });
    let value = (0..MAX_DEPTH - 3).fold(Value::from(1), |value, _| Value::from(vec![value]));
    let alerts = rules.observe(&mut State::default(), &denied(0).detail("nested", value), time(0));
    assert!(alerts[0].group.as_ref().unwrap()["details.nested"].is_string());
    alerts[0].to_event(time(0)).to_canonical_json().unwrap();
}
