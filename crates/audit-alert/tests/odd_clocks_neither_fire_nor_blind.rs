//! Clocks that jump, and events of the year 1 and of the year 9999.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod stream;

use audit_alert::{RuleOptions, Rules, State};
use audit_model::{Event, Timestamp};
use stream::{DENIED, by_actor, event, milliseconds, minutes, options, preceded_by, rules, time, told};

fn three() -> RuleOptions {
    RuleOptions { threshold: 3, window: minutes(1), group_by: by_actor(), ..options() }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn of(timestamp: Timestamp, id: &str) -> Event {
    let mut event = event(0, "access.denied", "bob", id);
    event.timestamp = timestamp;
    event
}

fn spike(rules: &Rules, state: &mut State, now: Timestamp) -> String {
    let alerts: Vec<_> =
        (0..3).flat_map(|n| rules.observe(state, &of(now, &format!("{now} {n}")), now)).collect();
    told(&alerts)
}

#[test]
fn an_event_of_the_future_counts_as_one_of_now_and_hides_nothing() {
    let rules = rules(DENIED, three());
    let mut state = State::default();
    let _ = rules.observe(&mut state, &of(at("9999-12-30T00:00:00Z"), "far"), time(0));
    assert_eq!(told(&rules.observe(&mut state, &of(time(1000), "a"), time(1000))), "");
    assert_eq!(told(&rules.observe(&mut state, &of(time(2000), "b"), time(2000))), "fired bob 3");
}

#[test]
fn events_of_the_year_one_hide_nothing() {
    let rules = rules(DENIED, three());
    let mut state = State::default();
    let old = at("0001-01-01T00:00:00Z");
    assert_eq!(told(&rules.observe(&mut state, &of(old, "old"), time(0))), "");
    assert_eq!(spike(&rules, &mut state, time(1000)), "fired bob 3");
    assert_eq!(told(&rules.observe(&mut state, &of(old, "old again"), time(2000))), "");
    assert_eq!(state.counters().next().unwrap().1.late, 1);
}

/// A host that was cut off for an hour sends what it kept, among the events of all others.
#[test]
fn events_of_an_hour_ago_fire_among_themselves_and_not_with_others() {
    let late = RuleOptions { threshold: 3, window: minutes(1), ..options() };
    let rules = rules(DENIED, late);
    let mut state = State::default();
    let hour = milliseconds("60:00");
    let mut said = Vec::new();
    for (number, at) in [hour, 0, hour + 1, 1000, 100_000, 2000].into_iter().enumerate() {
        said.push(told(&rules.observe(&mut state, &of(time(at), &number.to_string()), time(hour + 10))));
        state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    }
    assert_eq!(said, ["", "", "", "", "", "fired 3"]);
    assert_eq!(told(&rules.tick(&mut state, time(hour + 60_010))), "resolved 3");
    assert_eq!(state.counters().next().unwrap().1.late, 4);
}

#[test]
fn a_clock_that_was_in_the_year_9999_for_a_moment_blinds_no_rule() {
    let far = at("9999-12-30T21:59:59.999Z");
    let after_login =
        RuleOptions { preceded_by: preceded_by("event_type == 'auth.login'", 1, minutes(1)), ..three() };
    for (options, expected) in [(three(), "fired bob 3"), (after_login, "fired bob 3")] {
        let rules = rules(DENIED, options);
        let mut state = State::default();
        let _ = rules.observe(&mut state, &of(far, "far"), far);
        let _ = rules.tick(&mut state, far);
        let _ = rules.observe(&mut state, &event(0, "auth.login", "bob", "login"), time(0));
        assert_eq!(spike(&rules, &mut state, time(1000)), expected);
    }
}

#[test]
fn an_alert_of_the_year_9999_ends_soon_after_the_clock_is_right_again() {
    let far = at("9999-12-30T21:59:59.999Z");
    let rules = rules(DENIED, three());
    let mut state = State::default();
    assert_eq!(spike(&rules, &mut state, far), "fired bob 3");
    assert_eq!(told(&rules.tick(&mut state, time(0))), "");
    assert_eq!(rules.next_tick(&state), Some(time(60_000)));
    assert_eq!(told(&rules.tick(&mut state, time(60_000))), "resolved bob 3");
    assert_eq!(spike(&rules, &mut state, time(61_000)), "fired bob 3");
}

#[test]
fn a_clock_that_goes_back_fires_nothing() {
    let absent = RuleOptions { absent_for: minutes(60), ..options() };
    let rules = rules(DENIED, absent);
    let mut state = State::default();
    let _ = rules.observe(&mut state, &of(time(milliseconds("50:00")), "a"), time(milliseconds("50:00")));
    for now in ["49:00", "40:00", "0:00", "1:00", "59:59"] {
        assert_eq!(told(&rules.tick(&mut state, time(milliseconds(now)))), "", "{now}");
    }
    // The match counts as one of the moment to which the clock went back: nothing is later than now.
    assert_eq!(told(&rules.tick(&mut state, time(milliseconds("60:00")))), "fired 0");
}

#[test]
fn an_absence_is_noticed_although_the_clock_was_in_the_future_for_a_moment() {
    let rules = rules(DENIED, RuleOptions { absent_for: minutes(60), ..options() });
    let mut state = State::default();
    let far = at("9999-01-01T00:00:00Z");
    let _ = rules.observe(&mut state, &of(far, "a"), far);
    assert_eq!(told(&rules.tick(&mut state, time(0))), "");
    assert_eq!(rules.next_tick(&state), Some(time(3_600_000)));
    assert_eq!(told(&rules.tick(&mut state, time(3_600_000))), "fired 0");
}

#[test]
fn a_clock_that_goes_back_by_little_delays_by_little() {
    let rules = rules(DENIED, three());
    let mut state = State::default();
    assert_eq!(spike(&rules, &mut state, time(10_000)), "fired bob 3");
    assert_eq!(told(&rules.tick(&mut state, time(9500))), "");
    assert_eq!(rules.next_tick(&state), Some(time(69_500)));
}

#[test]
fn the_ends_of_time_overflow_nothing() {
    let ends = [at("0000-01-01T00:00:00Z"), at("9999-12-30T22:00:00Z")];
    let longest = stream::seconds(366 * 86_400);
    for window in [stream::seconds(1), longest] {
        let count = RuleOptions { window, threshold: 2, cooldown: longest, ..options() };
        let after = RuleOptions { preceded_by: preceded_by(DENIED, 1, window), ..options() };
        for options in [count, after, RuleOptions { absent_for: window, ..options() }] {
            let rules = rules(DENIED, options);
            for now in ends {
                let mut state = State::default();
                for turn in 0..4 {
                    for time in ends {
                        let _ = rules.observe(&mut state, &of(time, &format!("{time} {turn}")), now);
                        let _ = rules.tick(&mut state, time);
                        assert!(rules.next_tick(&state).is_none_or(|due| ends[0] < due && due <= ends[1]));
                    }
                }
            }
        }
    }
}
