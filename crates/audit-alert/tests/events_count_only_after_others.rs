//! `preceded_by`, as tables: when (minutes:seconds), whose event, and what is told.

mod stream;

use audit_alert::RuleOptions;
use stream::{DENIED, by_actor, check, minutes, options, preceded_by, rules};

const LOGIN: &str = "event_type == 'auth.login'";
const FAILED: &str = "event_type == 'auth.failed'";

fn after_three_failures() -> RuleOptions {
    RuleOptions { preceded_by: preceded_by(FAILED, 3, minutes(5)), group_by: by_actor(), ..options() }
}

#[test]
fn a_login_counts_only_after_failures_of_the_same_actor() {
    check(
        &rules(LOGIN, after_three_failures()),
        "0:00  bob:auth.failed
         0:01  bob:auth.failed
         0:02  eve:auth.failed
         0:03  bob:auth.login
         0:04  bob:auth.failed
         0:05  eve:auth.login
         0:06  bob:auth.login    -> fired bob 1
         0:07  bob:auth.login    -> fired bob 1",
    );
}

#[test]
fn what_precedes_must_be_within_the_window_which_is_open_at_its_beginning() {
    check(
        &rules(LOGIN, after_three_failures()),
        "0:00      bob:auth.failed
         1:00      bob:auth.failed
         2:00      bob:auth.failed
         5:00      bob:auth.login
         5:30      eve:auth.failed
         6:00      eve:auth.failed
         7:00      eve:auth.failed
         10:29.999 eve:auth.login  -> fired eve 1",
    );
}

#[test]
fn what_precedes_may_come_late_or_at_the_same_moment() {
    check(
        &rules(LOGIN, after_three_failures()),
        "5:00  bob:auth.login
         5:01  bob:auth.failed@4:00
         5:02  bob:auth.failed@4:30
         5:03  bob:auth.failed@4:59  -> fired bob 1
         5:04  bob:auth.failed@4:59
         9:00  eve:auth.failed
         9:00  eve:auth.failed
         9:00  eve:auth.failed
         9:00  eve:auth.login        -> fired eve 1",
    );
}

#[test]
fn what_comes_after_it_does_not_precede_it() {
    check(
        &rules(LOGIN, after_three_failures()),
        "5:00  bob:auth.login
         5:01  bob:auth.failed
         5:02  bob:auth.failed
         5:03  bob:auth.failed
         5:04  bob:auth.failed@4:00",
    );
}

#[test]
fn an_event_does_not_precede_itself() {
    let twice = RuleOptions { preceded_by: preceded_by(DENIED, 1, minutes(5)), ..options() };
    check(
        &rules(DENIED, twice),
        "0:00  bob
         0:01  bob   -> fired 1
         6:00  bob
         6:00  eve   -> fired 1, fired 1",
    );
}

#[test]
fn the_same_events_delivered_again_change_nothing() {
    check(
        &rules(LOGIN, after_three_failures()),
        "0:00  bob:auth.failed#a
         0:01  bob:auth.failed#b
         0:02  bob:auth.failed@0:01#b
         0:03  bob:auth.login#c
         0:04  bob:auth.login@0:03#c
         0:05  bob:auth.failed@0:02#d   -> fired bob 1
         0:06  bob:auth.login@0:03#c",
    );
}

#[test]
fn it_goes_together_with_a_threshold() {
    check(
        &rules(
            DENIED,
            RuleOptions {
                threshold: 3,
                window: minutes(1),
                preceded_by: preceded_by("event_type == 'config.changed'", 1, minutes(10)),
                ..options()
            },
        ),
        "0:00  bob
         0:01  bob
         0:02  bob
         0:03  ann:config.changed
         0:04  bob
         0:05  bob
         0:06  bob   -> fired 3
         1:06  .     -> resolved 3
         10:04 bob
         10:05 bob
         10:06 bob",
    );
}
