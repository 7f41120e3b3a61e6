//! What an alert records of itself is an event of the log, which rules see, and match none of.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod stream;

use audit_alert::{RuleOptions, Rules, State};
use stream::{event, options, rule, rules, time, told};

#[test]
fn no_condition_matches_the_record_of_an_alert() {
    let everything = rules("event_type like '%'", options());
    let mut state = State::default();
    let mut alerts = everything.observe(&mut state, &event(0, "audit.events_lost", "bob", "a"), time(0));
    assert_eq!(told(&alerts), "fired 1", "what the log says of itself can trigger one");
    let record = alerts.remove(0).to_event(time(1));
    assert_eq!(told(&everything.observe(&mut state, &record, time(2))), "");
    for event_type in ["alert.fired", "alert.resolved", "alert.notify_failed"] {
        let named = rules(&format!("event_type == '{event_type}'"), options());
        let event = event(3, event_type, "bob", event_type);
        assert_eq!(told(&named.observe(&mut state, &event, time(3))), "");
        assert!(!named.may_match_type(event_type) && !everything.may_match_type(event_type));
    }
}

/// Else a sender could hide an event from every rule by its type.
#[test]
fn a_type_of_somebodys_own_is_like_any_other() {
    let everything = rules("event_type like 'alert.%'", options());
    assert!(everything.may_match_type("alert.custom"));
    let event = event(0, "alert.custom", "bob", "a");
    assert_eq!(told(&everything.observe(&mut State::default(), &event, time(0))), "fired 1");
}

#[test]
fn nor_does_it_end_an_absence() {
    let rules = rules("event_type like '%'", RuleOptions { absent_for: stream::minutes(1), ..options() });
    let mut state = State::default();
    let _ = rules.tick(&mut state, time(0));
    let _ = rules.observe(&mut state, &event(30_000, "alert.fired", "bob", "a"), time(30_000));
    assert_eq!(told(&rules.tick(&mut state, time(60_000))), "fired 0");
}

#[test]
fn a_type_that_no_rule_is_about_need_not_be_read() {
    let rules = rules(
        "event_type == 'auth.login'",
        RuleOptions {
            preceded_by: stream::preceded_by("event_type == 'auth.failed'", 1, stream::minutes(1)),
            ..options()
        },
    );
    assert!(rules.may_match_type("auth.login") && rules.may_match_type("auth.failed"));
    assert!(!rules.may_match_type("backup.failed"));
}

#[test]
fn names_are_unique() {
    let twice = vec![rule(stream::DENIED, options()), rule("event_type == 'x.y'", options())];
    let error = Rules::new(twice).unwrap_err();
    assert_eq!(error.rule(), "rule");
    assert!(error.to_string().starts_with("rule `rule`: the name is taken by another rule"), "{error}");
}
