//! Options that contradict each other, and what is said about them.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod stream;

use std::time::Duration;

use audit_alert::{PrecededBy, Rule, RuleOptions};
use audit_condition::{Condition, Path};
use stream::{DENIED, minutes, options, preceded_by, seconds};

fn refused(name: &str, options: RuleOptions) -> String {
    let error = Rule::new(name, Condition::parse(DENIED).unwrap(), options).unwrap_err();
    assert_eq!(error.to_string(), format!("rule `{}`: {}", error.rule(), error.message()));
    error.message()
}

#[test]
fn each_contradiction_is_named() {
    let absent = || RuleOptions { absent_for: minutes(60), ..options() };
    let year = || seconds(366 * 86_400 + 1);
    let zero = || Some(Duration::ZERO);
    let before = |threshold, window| preceded_by(DENIED, threshold, window);
    for (options, expected) in [
        (RuleOptions { threshold: 0, ..options() }, "threshold 0; expected 1 to 100000"),
        (RuleOptions { threshold: 100_001, window: minutes(1), ..options() }, "threshold 100001; expected"),
        (RuleOptions { threshold: 2, ..options() }, "threshold 2 needs a window"),
        (RuleOptions { window: zero(), ..options() }, "window 0ns; expected 1 millisecond to 366 days"),
        (RuleOptions { window: Some(Duration::from_micros(999)), ..options() }, "window 999µs; expected"),
        (RuleOptions { window: year(), ..options() }, "window 31622401s; expected"),
        (RuleOptions { cooldown: zero(), ..options() }, "cooldown 0ns"),
        (RuleOptions { cooldown: year(), ..options() }, "cooldown 31622401s"),
        (RuleOptions { absent_for: zero(), ..options() }, "absent_for 0ns"),
        (RuleOptions { resolve_after: zero(), ..options() }, "resolve_after 0ns"),
        (RuleOptions { realert_max: year(), ..options() }, "realert_max 31622401s"),
        (
            RuleOptions { realert_max: seconds(59), window: minutes(1), ..options() },
            "realert_max 59s is shorter than the cooldown",
        ),
        (
            RuleOptions { preceded_by: before(0, minutes(1)), ..options() },
            "preceded_by.threshold 0; expected 1 to",
        ),
        (RuleOptions { preceded_by: before(1, zero()), ..options() }, "preceded_by.window 0ns"),
        (RuleOptions { threshold: 2, ..absent() }, "absent_for and threshold contradict"),
        (RuleOptions { window: minutes(1), ..absent() }, "absent_for and window contradict"),
        (
            RuleOptions { preceded_by: before(1, minutes(1)), ..absent() },
            "absent_for and preceded_by contradict",
        ),
        (RuleOptions { resolve_after: minutes(1), ..absent() }, "absent_for and resolve_after contradict"),
        (RuleOptions { resolve: Some(true), ..options() }, "resolve: there is nothing to resolve"),
        (
            RuleOptions { group_by: vec![Path::parse("actor.id").unwrap(); 9], ..options() },
            "group_by has 9 paths",
        ),
        (RuleOptions { max_groups: 0, ..options() }, "max_groups 0; expected 1 to 1000000"),
        (RuleOptions { max_groups: 1_000_001, ..options() }, "max_groups 1000001"),
        (RuleOptions { max_alerts: 0, ..options() }, "max_alerts 0; expected 1 to 10000"),
    ] {
        let message = refused("rule", options);
        assert!(message.starts_with(expected), "{message} / {expected}");
    }
}

#[test]
fn names_are_plain() {
    for name in ["", "two words", "ä", "a/b", "a\n", &"x".repeat(129)] {
        assert!(refused(name, options()).starts_with("not a name; expected 1 to 128 characters"), "{name}");
    }
    for name in ["a", "Access-denied_2.0", &"x".repeat(128)] {
        Rule::new(name, Condition::parse(DENIED).unwrap(), options()).unwrap();
    }
}

#[test]
fn the_largest_and_the_longest_are_allowed() {
    let longest = seconds(366 * 86_400);
    let condition = || Condition::parse(DENIED).unwrap();
    let options = RuleOptions {
        threshold: 100_000,
        window: longest,
        cooldown: longest,
        realert_max: longest,
        resolve_after: longest,
        preceded_by: Some(PrecededBy {
            threshold: 100_000,
            ..PrecededBy::new(condition(), longest.unwrap())
        }),
        group_by: vec![Path::parse("actor.id").unwrap(); 8],
        max_groups: 1_000_000,
        max_alerts: 10_000,
        ..options()
    };
    Rule::new("rule", condition(), options).unwrap();
}
