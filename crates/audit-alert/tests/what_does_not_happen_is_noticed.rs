//! `absent_for`, as tables: when (minutes:seconds), whose event, and what is told.

mod stream;

use audit_alert::{RuleOptions, State};
use stream::{by_actor, check, event, minutes, options, rules, time, told};

const BACKUP: &str = "event_type == 'backup.completed'";

fn nightly() -> RuleOptions {
    RuleOptions { absent_for: minutes(60), ..options() }
}

#[test]
fn it_fires_so_long_after_the_last_match_and_is_over_with_the_next() {
    check(
        &rules(BACKUP, nightly()),
        "10:00   joe:backup.completed
         69:00   joe:backup.failed
         69:59   .
         70:00   .                       -> fired 0
         80:00   joe:backup.completed    -> resolved 0
         100:00  joe:backup.completed
         160:00  .                       -> fired 0",
    );
}

#[test]
fn without_any_match_it_counts_from_when_the_rule_was_first_seen() {
    check(
        &rules(BACKUP, nightly()),
        "59:59.999 .
         60:00     .                     -> fired 0
         61:00     joe:backup.completed  -> resolved 0",
    );
}

#[test]
fn it_is_told_again_with_doubling_pauses_for_as_long_as_nothing_comes() {
    check(
        &rules(BACKUP, RuleOptions { cooldown: minutes(10), realert_max: minutes(30), ..nightly() }),
        "60:00   .                       -> fired 0
         70:00   .                       -> again[1] 0
         90:00   .                       -> again[2] 0
         120:00  .                       -> again[3] 0
         150:00  .                       -> again[4] 0
         151:00  joe:backup.completed    -> resolved 0",
    );
}

#[test]
fn the_longest_pause_is_a_day_unless_the_cooldown_is_longer() {
    check(
        &rules(BACKUP, RuleOptions { cooldown: minutes(720), ..nightly() }),
        "60:00   .                       -> fired 0
         780:00  .                       -> again[1] 0
         2220:00 .                       -> again[2] 0
         3660:00 .                       -> again[3] 0",
    );
    check(
        &rules(BACKUP, RuleOptions { cooldown: minutes(2000), ..nightly() }),
        "60:00   .                       -> fired 0
         2060:00 .                       -> again[1] 0
         4060:00 .                       -> again[2] 0",
    );
}

#[test]
fn a_match_that_is_itself_too_old_ends_nothing_and_an_older_one_changes_nothing() {
    check(
        &rules(BACKUP, RuleOptions { realert: false, ..nightly() }),
        "10:00   joe:backup.completed
         20:00   joe:backup.completed@5:00
         70:00   .                                -> fired 0
         150:00  joe:backup.completed@85:00
         160:00  joe:backup.completed@110:00      -> resolved 0
         170:00  .                                -> fired 0",
    );
}

#[test]
fn an_event_of_the_future_does_not_put_it_off() {
    check(
        &rules(BACKUP, nightly()),
        "10:00   joe:backup.completed@9999:00
         70:00   .                       -> fired 0",
    );
}

#[test]
fn an_absence_that_ended_before_anybody_looked_at_the_clock_is_told_too() {
    let rules = rules(BACKUP, nightly());
    let mut state = State::default();
    let at = |minutes: i64| event(60_000 * minutes, "backup.completed", "joe", &minutes.to_string());
    let now = time(60_000 * 500);
    assert_eq!(told(&rules.observe(&mut state, &at(0), time(0))), "");
    assert_eq!(told(&rules.observe(&mut state, &at(400), now)), "fired 0");
    assert_eq!(told(&rules.observe(&mut state, &at(450), now)), "resolved 0");
}

#[test]
fn groups_that_are_known_are_waited_for_ten_times_as_long_and_then_forgotten() {
    check(
        &rules(BACKUP, RuleOptions { group_by: by_actor(), realert: false, ..nightly() }),
        "0:00    ann:backup.completed
         1:00    bob:backup.completed
         60:00   .                       -> fired ann 0
         61:00   .                       -> fired bob 0
         62:00   bob:backup.completed    -> resolved bob 0
         122:00  .                       -> fired bob 0
         600:00  .
         662:00  .
         700:00  ann:backup.completed
         760:00  .                       -> fired ann 0",
    );
}

#[test]
fn without_groups_it_is_waited_for_without_end() {
    check(
        &rules(
            BACKUP,
            RuleOptions { realert_max: minutes(100_000), cooldown: minutes(100_000), ..nightly() },
        ),
        "60:00     .                     -> fired 0
         90000:00  joe:backup.completed  -> resolved 0",
    );
}

#[test]
fn its_alert_says_since_when_and_has_no_event() {
    let rules = rules(BACKUP, nightly());
    let mut state = State::default();
    let _ = rules.tick(&mut state, time(0));
    let _ = rules.observe(&mut state, &event(5000, "backup.completed", "joe", "a"), time(9000));
    let alerts = rules.tick(&mut state, time(5_000_000));
    assert_eq!(told(&alerts), "fired 0");
    assert_eq!((alerts[0].first_time, alerts[0].last_time), (time(5000), time(5000)));
    assert_eq!((alerts[0].event.as_ref(), alerts[0].group.as_ref()), (None, None));
    let record = alerts[0].to_event(time(5_000_000));
    assert_eq!(record.details["absent_for"], "1h");
    assert!(!record.details.contains_key("event") && !record.details.contains_key("window"));
}
