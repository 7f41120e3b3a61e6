//! Thresholds, cooldown, repetition and resolution, as tables: when (minutes:seconds), whose event, and what is told.

mod stream;

use audit_alert::{RuleOptions, State};
use stream::{DENIED, by_actor, check, event, minutes, options, rules, seconds, time, told};

fn three_in_a_minute() -> RuleOptions {
    RuleOptions { threshold: 3, window: minutes(1), ..options() }
}

#[test]
fn without_window_and_cooldown_each_event_is_an_alert_of_its_own() {
    check(
        &rules(DENIED, options()),
        "0:00  bob                  -> fired 1
         0:00  bob                  -> fired 1
         0:01  bob:access.granted
         9:00  eve                  -> fired 1
         9:00  eve@0:30             -> fired 1
         99:00 .",
    );
}

#[test]
fn a_threshold_fires_at_the_event_that_fills_the_window() {
    check(
        &rules(DENIED, three_in_a_minute()),
        "0:00  bob
         0:30  eve
         0:59  ann    -> fired 3
         1:00  bob
         1:58.999 .
         2:00  .      -> resolved 4",
    );
}

#[test]
fn the_window_is_open_at_its_beginning() {
    check(
        &rules(DENIED, three_in_a_minute()),
        "0:00     bob
         0:30     bob
         1:00     bob
         1:29.999 bob   -> fired 3
         2:29.999 .     -> resolved 3",
    );
}

#[test]
fn it_goes_on_while_its_condition_holds_and_is_told_again_with_doubling_pauses() {
    check(
        &rules(DENIED, RuleOptions { window: minutes(1), realert_max: minutes(4), ..options() }),
        "0:00  bob   -> fired 1
         0:59  bob
         1:00  bob   -> again[1] 3
         1:50  bob
         2:40  bob
         2:59  bob
         3:00  bob   -> again[2] 7
         3:50  bob
         4:40  bob
         5:30  bob
         6:20  bob
         7:10  bob   -> again[3] 12
         8:00  bob
         8:50  bob
         9:40  bob
         10:30 bob
         11:10 bob   -> again[4] 17
         11:30 bob
         12:29.999 .
         12:30 .     -> resolved 18",
    );
}

#[test]
fn it_is_told_again_only_when_more_comes() {
    check(
        &rules(DENIED, RuleOptions { resolve_after: minutes(60), cooldown: minutes(5), ..options() }),
        "0:00  bob   -> fired 1
         0:01  bob
         20:00 bob   -> again[1] 3
         29:59 bob
         30:00 bob   -> again[2] 5
         90:00 .     -> resolved 5",
    );
}

#[test]
fn repetition_can_be_turned_off() {
    check(
        &rules(DENIED, RuleOptions { window: minutes(1), realert: false, ..options() }),
        "0:00  bob   -> fired 1
         0:50  bob
         1:40  bob
         2:30  bob
         3:30  .     -> resolved 4",
    );
}

#[test]
fn what_goes_on_below_the_threshold_is_counted_and_does_not_keep_it_alive() {
    check(
        &rules(DENIED, RuleOptions { cooldown: minutes(5), ..three_in_a_minute() }),
        "0:00  bob
         0:01  bob
         0:02  bob   -> fired 3
         4:00  bob
         4:40  bob
         5:01  bob
         5:02  .     -> resolved 6",
    );
}

#[test]
fn what_came_after_the_last_full_window_counts_for_the_next_alert() {
    check(
        &rules(DENIED, three_in_a_minute()),
        "0:00  bob
         0:01  bob
         0:02  bob   -> fired 3
         1:01.500 bob
         1:02  .     -> resolved 4
         1:02.100 bob
         1:03  bob   -> fired 3
         2:03  .     -> resolved 3",
    );
}

#[test]
fn within_the_cooldown_what_begins_again_is_the_same_alert() {
    check(
        &rules(DENIED, RuleOptions { cooldown: minutes(10), ..three_in_a_minute() }),
        "0:00  bob
         0:01  bob
         0:02  bob   -> fired 3
         5:00  bob
         5:01  bob
         5:02  bob
         10:02 .     -> resolved 6
         11:00 bob
         11:01 bob
         11:02 bob   -> fired 3
         20:30 bob
         20:31 bob
         20:32 bob
         21:10 bob   -> again[1] 7
         21:20 bob
         31:10 .     -> resolved 8",
    );
}

#[test]
fn a_cooldown_without_window_is_no_reason_to_tell_that_it_is_over() {
    check(
        &rules(DENIED, RuleOptions { cooldown: minutes(10), ..options() }),
        "0:00  bob   -> fired 1
         9:59  bob
         10:00 bob   -> again[1] 3
         20:00 .
         20:01 bob   -> fired 1",
    );
}

#[test]
fn resolve_says_whether_it_is_told_that_it_is_over() {
    check(
        &rules(DENIED, RuleOptions { resolve: Some(false), ..three_in_a_minute() }),
        "0:00  bob
         0:01  bob
         0:02  bob   -> fired 3
         5:00  bob
         5:01  bob
         5:02  bob   -> fired 3",
    );
    check(
        &rules(DENIED, RuleOptions { cooldown: minutes(1), resolve: Some(true), ..options() }),
        "0:00  bob   -> fired 1
         1:00  .     -> resolved 1",
    );
}

#[test]
fn groups_count_for_themselves_and_what_is_missing_is_a_group() {
    check(
        &rules(DENIED, RuleOptions { threshold: 2, window: minutes(1), group_by: by_actor(), ..options() }),
        "0:00  bob
         0:01  eve
         0:02  ?
         0:03  bob   -> fired bob 2
         0:04  ?     -> fired ? 2
         0:05  bob
         1:03  .
         1:04  .     -> resolved ? 2
         1:05  .     -> resolved bob 3",
    );
}

#[test]
fn late_events_count_at_their_own_time() {
    check(
        &rules(DENIED, three_in_a_minute()),
        "5:00  bob
         5:01  bob@3:01
         5:02  bob@3:30
         5:03  bob@4:10
         5:04  bob@4:05   -> fired 3
         6:04  .          -> resolved 3",
    );
}

#[test]
fn what_is_older_than_twice_the_window_counts_apart() {
    // One more millisecond, and the first would be too late to be counted with the others.
    check(
        &rules(DENIED, three_in_a_minute()),
        "5:00     bob
         5:01     bob@3:00
         5:02     bob@3:00
         5:03     bob@3:00   -> fired 3",
    );
    check(
        &rules(DENIED, three_in_a_minute()),
        "5:00     bob
         5:01     bob@3:00
         5:02     bob@3:00
         5:03     bob@2:59.999
         5:04     bob@2:59.999
         5:05     bob@2:59.999   -> fired 3",
    );
    check(
        &rules(DENIED, RuleOptions { window: minutes(1), ..options() }),
        "5:00     bob        -> fired 1
         6:00     .          -> resolved 1
         6:30     bob@0:00   -> fired 1",
    );
}

#[test]
fn the_same_event_delivered_twice_counts_once() {
    check(
        &rules(DENIED, three_in_a_minute()),
        "0:00  bob#a
         0:01  bob#b
         0:02  bob@0:01#b
         0:02  bob@0:00#a
         0:03  bob#c       -> fired 3
         0:04  bob@0:03#c
         1:03  .           -> resolved 3",
    );
    check(
        &rules(DENIED, options()),
        "0:00  bob#a       -> fired 1
         0:01  bob@0:00#a
         0:01  bob#b       -> fired 1",
    );
}

#[test]
fn what_was_told_does_not_count_again_even_if_the_window_still_reaches_it() {
    let soon_over = || RuleOptions {
        window: minutes(10),
        resolve_after: minutes(1),
        cooldown: seconds(1),
        ..three_in_a_minute()
    };
    check(
        &rules(DENIED, soon_over()),
        "0:00  bob
         0:01  bob
         0:02  bob   -> fired 3
         1:02  .     -> resolved 3
         1:03  bob
         1:04  bob
         1:05  bob   -> fired 3",
    );
    check(
        &rules(DENIED, soon_over()),
        "600:00 bob@500:00
         600:00 bob@500:01
         600:00 bob@500:02  -> fired 3
         600:02 bob@501:30  -> resolved 3
         600:02 bob@501:31
         600:02 bob@501:32  -> fired 3",
    );
}

#[test]
fn of_a_rule_without_durations_the_newest_256_events_are_known_again() {
    let rules = rules(DENIED, RuleOptions { max_alerts: 10_000, ..options() });
    let mut state = State::default();
    let mut again = |number: i64| {
        let event = event(number, "access.denied", "bob", &number.to_string());
        told(&rules.observe(&mut state, &event, time(1000)))
    };
    for number in 0..300 {
        assert_eq!(again(number), "fired 1");
    }
    assert_eq!([again(299), again(44)], ["", ""]);
    assert_eq!(again(43), "fired 1");
}

#[test]
fn a_pause_in_the_events_own_time_ends_an_alert_even_if_the_clock_stood_by() {
    // All of it is read at once, after a stop: two spikes that were an hour apart are two alerts, as if it had been watched.
    check(
        &rules(DENIED, RuleOptions { cooldown: seconds(1), ..three_in_a_minute() }),
        "600:00 bob@500:00
         600:00 bob@500:01
         600:00 bob@500:02  -> fired 3
         600:02 bob@560:00  -> resolved 3
         600:02 bob@560:01
         600:02 bob@560:02  -> fired 3
         601:02 .           -> resolved 3",
    );
}
