//! Whoever floods a rule with groups costs neither memory nor the alert that somebody tries to hide.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod stream;

use audit_alert::{RuleOptions, State};
use audit_model::{Actor, Event};
use stream::{DENIED, by_actor, event, minutes, options, rules, time, told};

fn by(actor: &str, at: i64) -> Event {
    event(at, "access.denied", actor, &format!("{actor} {at}"))
}

#[test]
fn a_million_distinct_groups_leave_no_more_than_were_allowed() {
    let rules =
        rules(DENIED, RuleOptions { threshold: 2, window: minutes(60), group_by: by_actor(), ..options() });
    let mut state = State::default();
    let mut event = by("", 0);
    for number in 0..1_000_000i64 {
        event.timestamp = time(number);
        event.actor = Some(Actor::user(format!("{number:x}")));
        let alerts = rules.observe(&mut state, &event, event.timestamp);
        assert!(alerts.is_empty());
        if number % 1000 == 0 {
            assert!(state.groups() <= 10_000);
        }
    }
    assert!((8_750..=10_000).contains(&state.groups()), "{}", state.groups());
    let counters = state.counters().next().unwrap().1;
    assert_eq!(counters.matched, 1_000_000);
    assert_eq!(counters.evicted + state.groups() as u64, 1_000_000, "none is lost unseen");
    assert!(serde_json::to_vec(&state).unwrap().len() < 1_000_000);
}

#[test]
fn a_flood_of_groups_does_not_push_out_the_one_that_is_about_to_fire() {
    let options = RuleOptions {
        threshold: 10,
        window: minutes(60),
        group_by: by_actor(),
        max_groups: 100,
        ..options()
    };
    let rules = rules(DENIED, options);
    let mut state = State::default();
    let mut now = 0;
    let mut observe = |actor: &str| {
        now += 1;
        told(&rules.observe(&mut state, &by(actor, now), time(now)))
    };
    // Two at first: one that had no more than the flood's groups could not be told from them.
    assert_eq!(observe("bob"), "");
    for turn in 0..8 {
        assert_eq!(observe("bob"), "");
        for flood in 0..1000 {
            assert_eq!(observe(&format!("{turn} {flood}")), "");
        }
    }
    assert_eq!(observe("bob"), "fired bob 10");
}

#[test]
fn a_flood_does_not_push_out_what_fires_and_what_is_pushed_out_all_the_same_is_told_as_over() {
    let options = RuleOptions { window: minutes(60), group_by: by_actor(), max_groups: 8, ..options() };
    let rules = rules(DENIED, RuleOptions { threshold: 2, ..options });
    let mut state = State::default();
    let mut alerts = Vec::new();
    let mut now = 0;
    let mut observe = |actor: &str, times: i64| {
        alerts.clear();
        for _ in 0..times {
            now += 1;
            alerts.extend(rules.observe(&mut state, &by(actor, now), time(now)));
        }
        told(&alerts)
    };
    assert_eq!(observe("bob", 2), "fired bob 2");
    for flood in 0..100 {
        assert_eq!(observe(&flood.to_string(), 1), "");
    }
    for other in 0..7 {
        assert_eq!(observe(&format!("x{other}"), 2), format!("fired x{other} 2"));
    }
    assert_eq!(observe("y", 1), "resolved bob 2, resolved x0 2", "all of them fire: the oldest go");
}

#[test]
fn groups_that_are_over_go_before_groups_that_are_alive() {
    let options =
        RuleOptions { threshold: 5, window: minutes(1), group_by: by_actor(), max_groups: 8, ..options() };
    let rules = rules(DENIED, options);
    let mut state = State::default();
    for at in 0..4 {
        let _ = rules.observe(&mut state, &by("old", at), time(at));
    }
    let later = 600_000;
    for at in 0..8 {
        let _ = rules.observe(&mut state, &by(&at.to_string(), later + at), time(later + at));
    }
    assert_eq!(state.counters().next().unwrap().1.evicted, 2);
    // The four events of the old one were no help to it; with it went the oldest of the new ones, for room to spare.
    for at in 10..13 {
        assert_eq!(told(&rules.observe(&mut state, &by("1", later + at), time(later + at))), "");
    }
    assert_eq!(told(&rules.observe(&mut state, &by("1", later + 14), time(later + 14))), "fired 1 5");
}

#[test]
fn a_flood_does_not_push_out_the_group_whose_absence_is_due() {
    let options = RuleOptions { absent_for: minutes(60), group_by: by_actor(), max_groups: 50, ..options() };
    let rules = rules(DENIED, options);
    let mut state = State::default();
    let _ = rules.observe(&mut state, &by("nightly", 0), time(0));
    for at in 1..5000 {
        let _ = rules.observe(&mut state, &by(&at.to_string(), at), time(at));
    }
    assert_eq!(told(&rules.tick(&mut state, time(3_600_000))), "fired nightly 0");
}

#[test]
fn nor_does_one_of_late_events_push_out_the_group_that_was_seen_last() {
    let options = RuleOptions { absent_for: minutes(60), group_by: by_actor(), max_groups: 50, ..options() };
    let rules = rules(DENIED, options);
    let mut state = State::default();
    for at in [0, 1, 10_000] {
        let _ = rules.observe(&mut state, &by("nightly", at), time(at));
    }
    for at in 2..5000 {
        let _ = rules.observe(&mut state, &by(&at.to_string(), at), time(10_000));
    }
    let alerts = rules.tick(&mut state, time(3_610_000));
    assert!(told(&alerts).ends_with("fired nightly 0"), "{}", told(&alerts));
}

#[test]
fn an_endless_spike_of_one_group_is_remembered_in_little() {
    let rules = rules(DENIED, RuleOptions { threshold: 10, window: minutes(60), ..options() });
    let mut state = State::default();
    for at in 0..20_000 {
        let _ = rules.observe(&mut state, &by("bob", at / 100), time(at / 100));
    }
    // The same id at the same time is the same event: 200 different ones, of which the newest 66 are kept.
    let text = serde_json::to_string(&state).unwrap();
    assert!(text.len() < 4000, "{}", text.len());
    let counters = state.counters().next().unwrap().1;
    assert_eq!((counters.matched, counters.duplicates), (20_000, 19_800));
}

#[test]
fn long_values_make_no_long_keys() {
    let rules =
        rules(DENIED, RuleOptions { threshold: 2, window: minutes(1), group_by: by_actor(), ..options() });
    let mut state = State::default();
    let long = "x".repeat(1_000_000);
    let _ = rules.observe(&mut state, &by(&long, 0), time(0));
    let _ = rules.observe(&mut state, &by(&format!("{long}y"), 1), time(1));
    assert_eq!(state.groups(), 2, "they are two");
    assert!(serde_json::to_string(&state).unwrap().len() < 1500);
    let alerts = rules.observe(&mut state, &by(&long, 2), time(2));
    let shown = alerts[0].group.as_ref().unwrap()["actor.id"].as_str().unwrap().to_owned();
    assert!(shown.starts_with("xxx") && shown.contains("… (sha256:") && shown.len() <= 256, "{shown}");
}

#[test]
fn all_groups_together_hold_a_bounded_number_of_times() {
    let options = RuleOptions { threshold: 100_000, window: minutes(600), group_by: by_actor(), ..options() };
    let rules = rules(DENIED, options);
    let mut state = State::default();
    let mut event = by("", 0);
    // Twelve groups of 99,999 times are more than the bound of 2^20.
    for number in 0..1_199_988i64 {
        event.timestamp = time(number);
        event.actor = Some(Actor::user((number / 99_999).to_string()));
        assert!(rules.observe(&mut state, &event, event.timestamp).is_empty());
    }
    assert!(state.groups() < 12 && state.counters().next().unwrap().1.evicted > 0);
}
