//! `field = field`, where both are arrays: the same answer as pair by pair, without trying every pair.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_condition::Condition;
use audit_model::{Action, Actor, Event, EventType, Value};
use serde_json::json;

fn matches(condition: &str, a: &[Value], b: &[Value]) -> bool {
    let event = Event::new(EventType::AUTH_LOGIN, Actor::user("bob"), Action::success("login"))
        .detail("a", a.to_vec())
        .detail("b", b.to_vec());
    Condition::parse(condition).unwrap().matches(&event, event.timestamp)
}

#[test]
fn the_answer_is_that_of_trying_every_pair() {
    let numbers = |from: i64, step: i64| (0..40).map(|n| json!(from + n * step)).collect::<Vec<_>>();
    let texts = |prefix: &str| (0..40).map(|n| json!(format!("{prefix}{n}"))).collect::<Vec<_>>();
    let truths = vec![json!(true); 40];
    let mixed =
        [numbers(0, 2), texts("m"), truths.clone(), vec![json!(null), json!([[7.5]]), json!({})]].concat();
    let sides = [
        numbers(0, 2),
        numbers(1, 2),
        numbers(78, 1),
        numbers(100, 1),
        numbers(-100, 1),
        texts("a"),
        texts("z"),
        vec![json!("a7"); 40],
        truths,
        vec![json!(false); 40],
        mixed,
    ];
    for operator in ["=", "!=", "<", "<=", ">", ">="] {
        let condition = format!("details.a {operator} details.b");
        for a in &sides {
            for b in &sides {
                // A side of one value is compared with each of the other's.
                let pairwise = |positive: &str| {
                    let one = format!("details.a {positive} details.b");
                    a.iter().any(|a| matches(&one, std::slice::from_ref(a), b))
                };
                let expected = if operator == "!=" { !pairwise("=") } else { pairwise(operator) };
                assert_eq!(matches(&condition, a, b), expected, "{a:?} {operator} {b:?}");
            }
        }
    }
}

#[test]
fn a_hundred_thousand_values_on_both_sides_come_to_an_end() {
    let a: Vec<Value> = (0..200_000).map(Value::from).collect();
    let b: Vec<Value> = (0..200_000).map(|n| Value::from(-1 - n)).collect();
    for operator in ["=", "<", "<="] {
        assert!(!matches(&format!("details.a {operator} details.b"), &a, &b));
    }
    assert!(matches("details.a > details.b", &a, &b));
}
