//! What is told of a storm: each rule's first alerts of a minute one by one, and the others as one.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod stream;

use audit_alert::{RuleOptions, State, Status};
use stream::{DENIED, by_actor, check, event, minutes, options, rules, time};

#[test]
fn the_first_of_a_minute_are_told_one_by_one_and_the_others_as_one() {
    check(
        &rules(DENIED, RuleOptions { max_alerts: 2, ..options() }),
        "0:10  ann        -> fired 1
         0:20  bob        -> fired 1
         0:30  eve
         0:40  joe
         1:09.999 joe
         1:10  .          -> 3 more 3
         1:11  ann        -> fired 1
         1:12  ann        -> fired 1
         1:20  ann
         2:11  .          -> 1 more 1
         3:00  ann        -> fired 1",
    );
}

#[test]
fn an_event_after_the_minute_brings_the_sum_as_the_clock_does() {
    let rules = rules(DENIED, RuleOptions { max_alerts: 1, ..options() });
    let mut state = State::default();
    let mut at = |seconds: i64| {
        stream::told(&rules.observe(
            &mut state,
            &event(1000 * seconds, "access.denied", "bob", &seconds.to_string()),
            time(1000 * seconds),
        ))
    };
    assert_eq!([at(0), at(1), at(2)], ["fired 1", "", ""]);
    assert_eq!(at(60), "2 more 2, fired 1");
}

#[test]
fn those_that_were_not_told_are_not_told_as_over_and_are_told_if_they_go_on() {
    check(
        &rules(DENIED, RuleOptions { max_alerts: 1, window: minutes(2), group_by: by_actor(), ..options() }),
        "0:00  ann        -> fired ann 1
         0:01  bob
         0:02  eve
         1:00  .          -> 2 more 2
         2:00  .          -> resolved ann 1
         2:01  .
         2:01.500 eve     -> fired eve 2
         4:01.500 .       -> resolved eve 2",
    );
}

#[test]
fn the_sum_is_an_alert_of_its_own() {
    let rules =
        rules(DENIED, RuleOptions { max_alerts: 1, group_by: by_actor(), window: minutes(2), ..options() });
    let mut state = State::default();
    let actors = ["ann", "bob", "eve", "bob"];
    let observe = |(number, actor): (i64, &&str)| {
        rules.observe(&mut state, &event(number, "access.denied", actor, &number.to_string()), time(number))
    };
    let alerts: Vec<_> = (0i64..).zip(&actors).flat_map(observe).collect();
    assert_eq!(alerts.len(), 1);
    let sum = &rules.tick(&mut state, time(60_000))[0];
    assert_eq!((sum.status, sum.summed_up, sum.count), (Status::Fired, Some(2), 2));
    assert_eq!((sum.first_time, sum.last_time), (time(1), time(2)));
    assert!(sum.alert_id != alerts[0].alert_id && sum.group.is_none() && sum.event.is_none());
    assert_eq!(sum.to_event(time(60_000)).details["summed_up"], 2);
    assert_eq!(state.counters().next().unwrap().1.summed_up, 2);
}

#[test]
fn a_program_that_ends_does_not_wait_for_the_minute() {
    let rules = rules(DENIED, RuleOptions { max_alerts: 1, ..options() });
    let mut state = State::default();
    let at = |state: &mut State, seconds: i64| {
        let (event, now) =
            (event(1000 * seconds, "access.denied", "bob", &seconds.to_string()), time(1000 * seconds));
        stream::told(&rules.observe(state, &event, now))
    };
    assert_eq!([at(&mut state, 0), at(&mut state, 1), at(&mut state, 2)], ["fired 1", "", ""]);
    let first = rules.finish(&mut state, time(3000));
    assert_eq!(stream::told(&first), "2 more 2");
    assert_eq!(rules.finish(&mut state, time(3000)), [], "once");
    // It goes on, and what comes within the minute is another sum.
    assert_eq!(at(&mut state, 4), "");
    let second = rules.finish(&mut state, time(5000));
    assert_eq!(stream::told(&second), "1 more 1");
    assert_ne!(first[0].alert_id, second[0].alert_id);
}
