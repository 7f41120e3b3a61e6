//! Whatever the text, it is a condition or an error whose place is in the text and that can be shown.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_condition::{Condition, ConditionError, Path};
use audit_model::{Action, Actor, Event, EventType, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

fn check(text: &str) -> Result<Condition, ConditionError> {
    let result = Condition::parse(text);
    match &result {
        Ok(condition) => {
            let event = Event::new(EventType::AUTH_LOGIN, Actor::user("bob"), Action::success("login"))
                .detail("a", vec![1, 2]);
            let now = Timestamp::from_milliseconds(1_733_000_000_000).unwrap();
            let explanation = condition.explain(&event, now);
            assert_eq!(explanation.is_true(), condition.matches(&event, now), "{text}");
            assert_eq!(explanation.to_value()["true"], explanation.is_true());
            assert_eq!(condition.to_string(), text);
        }
        Err(error) => {
            let line = text.split('\n').nth(error.line() - 1).unwrap();
            assert!(error.column() <= line.chars().count() + 1, "{error}");
            assert!(!error.message().is_empty());
            let shown = error.to_string();
            assert!(shown.lines().count() >= 3 && shown.ends_with('^'), "{shown}");
        }
    }
    result
}

const WORDS: [&str; 68] = [
    "actor.id",
    "event_type",
    "timestamp",
    "actor.roles",
    "action.duration_ms",
    "details.a",
    "details.`b c`",
    "`x`",
    "context.environment",
    "resource",
    "nothing.here",
    "'x'",
    "\"y\"",
    "''",
    "'",
    "\"",
    "`",
    "5",
    "-5",
    "1.5",
    "1e3",
    "5m",
    "1h30m",
    "7x",
    "9007199254740993",
    "1e400",
    "true",
    "false",
    "null",
    "now",
    "now - 7d",
    "(",
    ")",
    "((",
    ",",
    "=",
    "==",
    "!=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "and",
    "or",
    "not",
    "&&",
    "||",
    "!",
    "in",
    "not in",
    "between",
    "like",
    "ilike",
    "contains",
    "starts_with",
    "matches",
    "~",
    "!~",
    "is null",
    "is not null",
    "exists",
    "cidr(",
    "hour(timestamp)",
    "weekday(timestamp, '+01:00')",
    "'10.0.0.0/8'",
    "'%'",
    "\u{201c}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_characters(text in any::<String>()) {
        let _ = check(&text);
        let _ = Path::parse(&text);
    }

    #[test]
    fn any_likely_characters(text in "[a-e_.'\"`\\\\()<>=!&|~%0-9 \n,é-]{0,40}") {
        let _ = check(&text);
        let _ = Path::parse(&text);
    }

    #[test]
    fn any_soup_of_words(words in prop::collection::vec((select(&WORDS[..]), any::<bool>()), 0..16)) {
        let text: String = words.iter().map(|(word, space)| format!("{word}{}", if *space { " " } else { "" })).collect();
        let _ = check(&text);
    }

    #[test]
    fn any_patterns(text in any::<String>(), operator in select(vec!["like", "ilike", "matches", "contains", "in cidr"])) {
        let quoted = text.replace('\\', "\\\\").replace('\'', "''");
        let _ = check(&format!("actor.id {operator} ('{quoted}')"));
        let _ = check(&format!("actor.id {operator} '{quoted}'"));
        let _ = check(&format!("hour(timestamp, '{quoted}') = 3"));
        let _ = check(&format!("timestamp > '{quoted}'"));
    }
}

#[test]
fn deep_nesting_is_an_error_at_the_first_that_is_too_deep() {
    for (open, close) in [("(", ")"), ("not ", ""), ("!", ""), ("not(", ")"), ("!(!", ")")] {
        let nested = |depth: usize| format!("{}actor.id = 'x'{}", open.repeat(depth), close.repeat(depth));
        for depth in [65, 1000, 10_000] {
            let error = check(&nested(depth)).unwrap_err();
            assert_eq!(error.message(), "parentheses and `not` may nest 64 deep");
            assert!(error.column() <= 65 * open.len(), "{error}");
        }
    }
    assert!(check(&format!("{}actor.id = 'x'{}", "(".repeat(64), ")".repeat(64))).is_ok());
    assert!(check(&format!("{}actor.id = 'x'", "not ".repeat(64))).is_ok());
}

#[test]
fn a_million_of_anything_is_an_error() {
    for part in [
        "(",
        "not ",
        "!",
        "a.",
        "`",
        "'",
        "actor.id=1 and ",
        "now-1d",
        "exists ",
        "-",
        "1",
        "é",
        "\n",
        "in (",
    ] {
        let error = check(&part.repeat(1_000_000)).unwrap_err();
        assert_eq!(error.message(), "a condition has at most 65536 bytes");
    }
}

#[test]
fn what_is_flat_may_be_long() {
    for (joint, truth) in [(" and ", false), (" or ", true), ("&&", false), ("||", true)] {
        let mut tests = vec!["details.a=9"; 4000];
        tests.push("details.a=1");
        let condition = check(&tests.join(joint)).unwrap();
        let event =
            Event::new(EventType::AUTH_LOGIN, Actor::user("bob"), Action::success("login")).detail("a", 1);
        assert_eq!(condition.matches(&event, event.timestamp), truth);
    }
    let members = (0..10_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    assert!(check(&format!("details.a in ({members})")).is_ok());
    let members = vec!["1"; 30_000].join(",");
    let error = check(&format!("details.a in ({members})")).unwrap_err();
    assert_eq!(error.message(), "a condition has at most 16384 tests and list members");
    let names = vec!["a"; 40].join(".");
    assert_eq!(check(&format!("details.{names} = 1")).unwrap_err().message(), "a path has at most 32 names");
}

#[test]
fn regular_expressions_have_a_size() {
    for regex in ["(a{1000}){1000}", r"(\w{200}){200}", "((((a{100}){100}){100}){100})"] {
        let error = check(&format!("actor.id matches '{regex}'")).unwrap_err();
        assert!(error.message().contains("too large"), "{error}");
    }
    let many = vec![r"actor.id matches '\w{2}'"; 65].join(" or ");
    assert!(check(&many).unwrap_err().message().contains("at most 64 regular expressions"));
}

#[test]
fn values_that_nest_deeply_are_walked_without_harm() {
    let mut value = audit_model::Value::from("x");
    for _ in 0..100 {
        value = vec![value].into();
    }
    let event =
        Event::new(EventType::AUTH_LOGIN, Actor::user("bob"), Action::success("login")).detail("a", value);
    assert!(check("details.a = 'x'").unwrap().matches(&event, event.timestamp));
    assert!(check("details.a is not null").unwrap().matches(&event, event.timestamp));
    assert!(!check("details.a.b exists").unwrap().matches(&event, event.timestamp));
}
