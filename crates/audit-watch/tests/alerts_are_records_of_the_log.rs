//! What rules find is in the log: once, whatever happens.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::Path;
use std::time::{Duration, Instant};

use audit_alert::{Rule, RuleOptions, Rules};
use audit_condition::{Condition, Path as Field};
use audit_model::{Action, Actor, Event, EventType};
use audit_pipeline::{Options, Pipeline, Selection};
use audit_watch::Watch;
use serde_json::Value;

fn rule(name: &str, condition: &str, options: RuleOptions) -> Rule {
    Rule::new(name, Condition::parse(condition).unwrap(), options).unwrap()
}

fn failures() -> Rules {
    Rules::new(vec![rule("failure", "event_type == 'backup.failed'", RuleOptions::default())]).unwrap()
}

fn spike(threshold: u32) -> Rules {
    let options = RuleOptions {
        threshold,
        window: Some(Duration::from_secs(3600)),
        group_by: vec![Field::parse("actor.id").unwrap()],
        ..RuleOptions::default()
    };
    Rules::new(vec![rule("spike", "event_type == 'access.denied'", options)]).unwrap()
}

fn watched(directory: &Path, rules: Rules) -> Options {
    let options = Pipeline::options(directory.join("audit.log")).chain();
    let watch = Watch::open(rules, directory.join("alerts.memory.json"), options.recorder()).unwrap();
    let settled = watch.clone();
    options
        .deliver_to(watch.destination())
        .before_close(move || settled.settle(Duration::from_secs(20)))
        .drain_timeout(Duration::from_secs(20))
}

fn event(event_type: EventType, actor: &str) -> Event {
    Event::new(event_type, Actor::user(actor), Action::failure("test"))
}

fn records(directory: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(directory.join("audit.log")).unwrap();
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].clone()).collect()
}

fn alerts(directory: &Path) -> Vec<Value> {
    let mut records = records(directory);
    records.retain(|event| event["event_type"].as_str().unwrap().starts_with("alert."));
    records
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not within 20 seconds: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_alert_stands_behind_its_event_and_is_not_selected_away() {
    let directory = tempfile::tempdir().unwrap();
    let only = Selection::default().events(["backup.*".parse().unwrap()]);
    let log = watched(directory.path(), failures()).select(only).start().unwrap();
    let failed = event(EventType::BACKUP_FAILED, "nightly");
    log.emit_blocking(&event(EventType::BACKUP_STARTED, "nightly")).map(drop).unwrap();
    log.emit_blocking(&failed).map(drop).unwrap();
    until("recorded while nothing else happens", || alerts(directory.path()).len() == 1);
    assert_eq!(log.close().unwrap().unwrap().undelivered, []);
    let [alert] = alerts(directory.path()).try_into().unwrap();
    assert_eq!(alert["event_type"], "alert.fired");
    assert_eq!(alert["resource"]["id"], "failure");
    assert_eq!(alert["details"]["event"]["event_id"], failed.event_id.as_str());
    assert_eq!(alert["details"]["status"], "firing");
}

#[test]
fn what_was_accepted_last_is_looked_at_before_the_log_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let log = watched(directory.path(), failures()).start().unwrap();
    for _ in 0..50 {
        log.try_emit(&event(EventType::BACKUP_FAILED, "nightly")).map(drop).unwrap();
    }
    log.close().unwrap();
    assert_eq!(alerts(directory.path()).len(), 50);
    assert_eq!(records(directory.path()).last().unwrap()["event_type"], "audit.stopped");
}

#[test]
fn rules_remember_over_a_restart_and_tell_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    for (run, expected) in [(0, 0), (1, 0), (2, 1), (3, 1)] {
        let log = watched(directory.path(), spike(3)).start().unwrap();
        log.emit_blocking(&event(EventType::ACCESS_DENIED, "mallory")).map(drop).unwrap();
        log.emit_blocking(&event(EventType::ACCESS_DENIED, &format!("user {run}"))).map(drop).unwrap();
        log.close().unwrap();
        assert_eq!(alerts(directory.path()).len(), expected, "after run {run}");
    }
    assert_eq!(alerts(directory.path())[0]["details"]["group"]["actor.id"], "mallory");
}

/// The file is written before the record; here the process ended in between, or right behind it.
#[test]
fn an_alert_that_was_on_its_way_at_a_crash_is_recorded_once() {
    let directory = tempfile::tempdir().unwrap();
    let memory = directory.path().join("alerts.memory.json");
    let log = watched(directory.path(), failures()).start().unwrap();
    log.emit_blocking(&event(EventType::BACKUP_FAILED, "nightly")).map(drop).unwrap();
    log.close().unwrap();
    let [alert] = alerts(directory.path()).try_into().unwrap();
    let kept: Value = serde_json::from_slice(&std::fs::read(&memory).unwrap()).unwrap();
    assert_eq!(kept["unrecorded"], serde_json::json!([]));

    let mut in_log = kept.clone();
    in_log["unrecorded"] = serde_json::json!([alert]);
    // Behind the event, and before the record of the alert.
    in_log["through"] = 2.into();
    std::fs::write(&memory, in_log.to_string()).unwrap();
    watched(directory.path(), failures()).start().unwrap().close().unwrap();
    assert_eq!(alerts(directory.path()).len(), 1, "it is there already");

    let mut other = alert.clone();
    other["event_id"] = "evt_other".into();
    let kept: Value = serde_json::from_slice(&std::fs::read(&memory).unwrap()).unwrap();
    let mut not_in_log = kept;
    not_in_log["unrecorded"] = serde_json::json!([other]);
    std::fs::write(&memory, not_in_log.to_string()).unwrap();
    watched(directory.path(), failures()).start().unwrap().close().unwrap();
    let ids: Vec<Value> =
        alerts(directory.path()).into_iter().map(|alert| alert["event_id"].clone()).collect();
    assert_eq!(ids, [alert["event_id"].clone(), "evt_other".into()]);
}

/// A crash before the file was written: the events behind it are read once more.
#[test]
fn what_the_file_does_not_know_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let memory = directory.path().join("alerts.memory.json");
    let log = watched(directory.path(), spike(3)).start().unwrap();
    log.emit_blocking(&event(EventType::ACCESS_DENIED, "mallory")).map(drop).unwrap();
    until("kept", || memory.exists());
    let early = std::fs::read(&memory).unwrap();
    log.emit_blocking(&event(EventType::ACCESS_DENIED, "mallory")).map(drop).unwrap();
    log.close().unwrap();
    std::fs::write(&memory, early).unwrap();
    let log = watched(directory.path(), spike(3)).start().unwrap();
    log.emit_blocking(&event(EventType::ACCESS_DENIED, "mallory")).map(drop).unwrap();
    log.close().unwrap();
    assert_eq!(alerts(directory.path()).len(), 1);
    assert_eq!(alerts(directory.path())[0]["details"]["count"], 3);
}

#[test]
fn nobody_is_told_of_the_past_of_a_log_that_was_not_watched() {
    let directory = tempfile::tempdir().unwrap();
    let log = Pipeline::options(directory.path().join("audit.log")).chain().start().unwrap();
    log.emit_blocking(&event(EventType::BACKUP_FAILED, "nightly")).map(drop).unwrap();
    log.close().unwrap();
    let log = watched(directory.path(), failures()).start().unwrap();
    log.emit_blocking(&event(EventType::BACKUP_FAILED, "today")).map(drop).unwrap();
    log.close().unwrap();
    let [alert] = alerts(directory.path()).try_into().unwrap();
    assert_eq!(alert["details"]["event"]["actor"]["id"], "today");
}

#[test]
fn a_damaged_memory_is_set_aside_and_told() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("alerts.memory.json"), "{\"chain").unwrap();
    let log = watched(directory.path(), failures()).start().unwrap();
    log.emit_blocking(&event(EventType::BACKUP_FAILED, "nightly")).map(drop).unwrap();
    let mut told = Vec::new();
    until("told", || {
        told.extend(log.take_notices());
        told.iter().any(|notice| notice.contains("remembered is damaged"))
    });
    log.close().unwrap();
    assert_eq!(alerts(directory.path()).len(), 1);
    assert!(directory.path().join("alerts.memory.json.before").exists());
}

#[test]
fn what_does_not_happen_is_told_and_resolved_when_it_does() {
    let directory = tempfile::tempdir().unwrap();
    let options = RuleOptions { absent_for: Some(Duration::from_millis(400)), ..RuleOptions::default() };
    let rules = Rules::new(vec![rule("nightly", "event_type == 'backup.completed'", options)]).unwrap();
    let log = watched(directory.path(), rules).start().unwrap();
    until("missed", || !alerts(directory.path()).is_empty());
    log.emit_blocking(&event(EventType::BACKUP_COMPLETED, "nightly")).map(drop).unwrap();
    until("resolved", || {
        alerts(directory.path()).iter().any(|alert| alert["event_type"] == "alert.resolved")
    });
    log.close().unwrap();
}

/// Otherwise a rare event's rule would have every start read all that was logged since the last one, keep the log for that,
/// and miss what was pruned.
#[test]
fn how_far_was_read_is_kept_although_no_rule_was_concerned() {
    let directory = tempfile::tempdir().unwrap();
    let through = || -> u64 {
        let kept = std::fs::read(directory.path().join("alerts.memory.json")).unwrap();
        serde_json::from_slice::<Value>(&kept).unwrap()["through"].as_u64().unwrap()
    };
    for _ in 0..2 {
        let log = watched(directory.path(), failures()).start().unwrap();
        // Stored once, for the chain is new.
        until("stored", || directory.path().join("alerts.memory.json").exists());
        for _ in 0..20 {
            log.emit_blocking(&event(EventType::ACCESS_DENIED, "mallory")).map(drop).unwrap();
        }
        log.close().unwrap();
        assert_eq!(through(), records(directory.path()).len() as u64);
    }
}

/// As after a power failure, where the log is not synced and the memory is.
#[test]
fn numbers_that_a_log_uses_again_are_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let memory = directory.path().join("alerts.memory.json");
    let log = watched(directory.path(), failures()).start().unwrap();
    log.emit_blocking(&event(EventType::BACKUP_FAILED, "nightly")).map(drop).unwrap();
    log.close().unwrap();
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&memory).unwrap()).unwrap();
    kept["through"] = 1000.into();
    std::fs::write(&memory, kept.to_string()).unwrap();
    let log = watched(directory.path(), failures()).start().unwrap();
    log.emit_blocking(&event(EventType::BACKUP_FAILED, "nightly")).map(drop).unwrap();
    until("told", || alerts(directory.path()).len() == 2);
    log.close().unwrap();
}
