//! For random streams, in any order, the machine fires exactly when somebody who remembers every event and counts them all over
//! again each time says so.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod stream;

use std::time::Duration;

use audit_alert::{RuleOptions, Rules, State, Status};
use proptest::prelude::*;
use stream::{DENIED, by_actor, event, options, preceded_by, rules, time};

const ACTORS: [&str; 3] = ["ann", "bob", "eve"];

/// The clock stands after all events: which of them came when is a matter of their order alone.
const NOW: i64 = 1_000_000_000;

#[derive(Clone, Debug)]
struct One {
    at: i64,
    actor: usize,
    precedes: bool,
}

fn one(range: i64) -> impl Strategy<Value = One> {
    (0..range, 0..ACTORS.len(), any::<bool>()).prop_map(|(at, actor, precedes)| One { at, actor, precedes })
}

/// Random times, and times that come nearly in order.
fn stream() -> impl Strategy<Value = Vec<One>> {
    let any_order = prop::collection::vec(one(400), 1..120);
    let nearly = prop::collection::vec(one(80), 1..200).prop_map(|mut all| {
        for (index, one) in all.iter_mut().enumerate() {
            one.at += 5 * i64::try_from(index).unwrap();
        }
        all
    });
    prop_oneof![any_order, nearly]
}

fn with_window(threshold: u32, window: u64) -> RuleOptions {
    RuleOptions {
        threshold,
        window: Some(Duration::from_millis(window)),
        group_by: by_actor(),
        // It fires once, and that is what is compared.
        cooldown: Some(Duration::from_secs(86_400)),
        max_alerts: 10_000,
        ..options()
    }
}

fn of(one: &One, number: usize) -> audit_model::Event {
    let event_type = if one.precedes { "auth.failed" } else { "access.denied" };
    event(one.at, event_type, ACTORS[one.actor], &format!("evt_{number}"))
}

/// For each event, whether it made its group fire.
fn machine(rules: &Rules, events: &[One]) -> Vec<bool> {
    let mut state = State::default();
    let fires = |(number, one)| !rules.observe(&mut state, &of(one, number), time(NOW)).is_empty();
    events.iter().enumerate().map(fires).collect()
}

/// Whether some window that ends at an event holds so many.
fn is_full(times: &[i64], threshold: usize, window: i64) -> bool {
    times.iter().any(|end| {
        times.iter().filter(|t| (end - window..=*end).contains(t) && **t > end - window).count() >= threshold
    })
}

fn brute_force(events: &[One], threshold: usize, window: i64) -> Vec<bool> {
    let mut groups = vec![(Vec::<i64>::new(), Vec::<i64>::new(), false); ACTORS.len()];
    let fires = |one: &One| {
        let (times, late, fired) = &mut groups[one.actor];
        let newest = times.iter().copied().max().unwrap_or(one.at);
        // Late ones count among themselves, the newest of them.
        let times = if one.at < newest - 2 * window { late } else { times };
        times.push(one.at);
        if one.at < newest - 2 * window {
            times.sort_unstable_by(|a, b| b.cmp(a));
            times.truncate(5 * threshold + 16);
        }
        is_full(times, threshold, window) && !std::mem::replace(fired, true)
    };
    events.iter().map(fires).collect()
}

/// The same where events count only after others.
fn brute_force_after(events: &[One], threshold: usize, window: i64, before: (usize, i64)) -> Vec<bool> {
    #[derive(Clone, Default)]
    struct Group {
        counted: Vec<i64>,
        before: Vec<i64>,
        fired: bool,
    }
    let mut groups = vec![Group::default(); ACTORS.len()];
    let fires = |one: &One| {
        let group = &mut groups[one.actor];
        let newest = group.counted.iter().chain(&group.before).copied().max().unwrap_or(one.at);
        if one.at < newest - 2 * window.max(before.1) {
            return false;
        }
        if one.precedes { &mut group.before } else { &mut group.counted }.push(one.at);
        let is_after =
            |t: &i64| group.before.iter().filter(|b| **b <= *t && **b > *t - before.1).count() >= before.0;
        let times: Vec<i64> = group.counted.iter().copied().filter(is_after).collect();
        is_full(&times, threshold, window) && !std::mem::replace(&mut group.fired, true)
    };
    events.iter().map(fires).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_threshold_fires_when_a_full_count_says_so(
        events in stream(), threshold in 1u32..6, window in 1i64..120,
    ) {
        let rules = rules("event_type like '%'", with_window(threshold, window.unsigned_abs()));
        let expected = brute_force(&events, threshold as usize, window);
        prop_assert_eq!(machine(&rules, &events), expected);
    }

    #[test]
    fn events_after_others_fire_when_a_full_count_says_so(
        events in stream(), threshold in 2u32..4, window in 1i64..120, least in 1u32..4, before in 1i64..120,
    ) {
        let options = RuleOptions {
            preceded_by: preceded_by("event_type == 'auth.failed'", least, Some(Duration::from_millis(before.unsigned_abs()))),
            ..with_window(threshold, window.unsigned_abs())
        };
        let rules = rules(DENIED, options);
        let expected = brute_force_after(&events, threshold as usize, window, (least as usize, before));
        prop_assert_eq!(machine(&rules, &events), expected);
    }

    /// Whatever the order in which a spike arrives within the lateness, it is told.
    #[test]
    fn the_order_of_arrival_does_not_matter(
        (times, order) in prop::collection::vec(0i64..300, 1..40).prop_flat_map(|times| {
            let order: Vec<usize> = (0..times.len()).collect();
            (Just(times), Just(order).prop_shuffle())
        }),
        threshold in 1u32..6,
    ) {
        // All times are within twice the window, so that none is too late in any order.
        let rules = rules(DENIED, with_window(threshold, 150));
        let events: Vec<One> = times.iter().map(|at| One { at: *at, actor: 0, precedes: false }).collect();
        let shuffled: Vec<One> = order.iter().map(|index| events[*index].clone()).collect();
        let fired = |events: &[One]| machine(&rules, events).contains(&true);
        prop_assert_eq!(fired(&events), fired(&shuffled));
        prop_assert_eq!(fired(&events), is_full(&times, threshold as usize, 150));
    }

    /// After an alert is over, only what it has not told of counts: nothing is told twice, and nothing is missed.
    #[test]
    fn alerts_follow_one_another_as_a_full_count_says(
        mut times in prop::collection::vec(0i64..6000, 1..150), threshold in 1usize..6, window in 1i64..200,
    ) {
        times.sort_unstable();
        let options = RuleOptions {
            cooldown: Some(Duration::from_millis(1)),
            realert: false,
            ..with_window(u32::try_from(threshold).unwrap(), window.unsigned_abs())
        };
        let rules = rules(DENIED, options);
        let (mut state, mut fired) = (State::default(), Vec::new());
        // What counts, and until when the alert goes on.
        let (mut counted, mut until, mut expected) = (Vec::<i64>::new(), None::<i64>, Vec::new());
        for (number, at) in times.iter().copied().enumerate() {
            let mut alerts = rules.tick(&mut state, time(at));
            alerts.extend(rules.observe(&mut state, &event(at, "access.denied", "bob", &number.to_string()), time(at)));
            fired.extend(alerts.iter().filter(|alert| alert.status == Status::Fired).map(|_| at));

            if let Some(end) = until.filter(|end| at >= *end) {
                counted.retain(|t| *t > end - window);
                until = None;
            }
            counted.push(at);
            if counted.iter().filter(|t| **t > at - window).count() >= threshold {
                if until.is_none() {
                    expected.push(at);
                }
                until = Some(at + window);
            }
        }
        prop_assert_eq!(fired, expected);
    }
}
