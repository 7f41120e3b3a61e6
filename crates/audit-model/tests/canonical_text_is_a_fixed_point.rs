//! One event, one text: whatever way it takes, it comes back to the same bytes.
#![allow(clippy::unwrap_used)]

mod any;

use std::io::Write;
use std::process::{Command, Stdio};

use audit_model::{Event, Timestamp, Value, canonical_json, parse_json};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn epoch() -> Timestamp {
    Timestamp::from_milliseconds(0).unwrap()
}

fn cases(number: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(number) }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn of_any_json(value in any::value()) {
        let text = canonical_json(&value).unwrap();
        prop_assert_eq!(&canonical_json(&parse_json(&text).unwrap()).unwrap(), &text);
        // Another crate's reading of RFC 8785.
        prop_assert_eq!(String::from_utf8(text).unwrap(), serde_json_canonicalizer::to_string(&value).unwrap());
    }

    #[test]
    fn of_any_event(event in any::event()) {
        let text = event.to_canonical_json().unwrap();
        let again = Event::from_json(&text, epoch()).unwrap();
        prop_assert_eq!(&again.to_canonical_json().unwrap(), &text);
        let value = parse_json(&text).unwrap();
        prop_assert_eq!(&canonical_json(&value).unwrap(), &text);
        prop_assert_eq!(String::from_utf8(text).unwrap(), serde_json_canonicalizer::to_string(&value).unwrap());
    }

    #[test]
    fn through_serde(event in any::event()) {
        let text = serde_json::to_string_pretty(&event).unwrap();
        let again: Event = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(again.to_canonical_json().unwrap(), event.to_canonical_json().unwrap());
    }

    #[test]
    fn no_field_is_lost(event in any::event()) {
        let again = Event::from_json(&event.to_canonical_json().unwrap(), epoch()).unwrap();
        let names = |event: &Event| {
            let parts = [event.action.as_ref().map(|part| &part.extra), event.actor.as_ref().map(|part| &part.extra),
                event.context.as_ref().map(|part| &part.extra), event.resource.as_ref().map(|part| &part.extra),
                Some(&event.extra), Some(&event.details)];
            parts.map(|part| part.map(|map| map.keys().cloned().collect::<Vec<_>>()))
        };
        prop_assert_eq!(names(&again), names(&event));
        prop_assert_eq!((again.event_id, again.event_type, again.timestamp, again.version),
            (event.event_id, event.event_type, event.timestamp, event.version));
    }

    #[test]
    fn numbers_have_one_spelling(value in any::number()) {
        let text = String::from_utf8(canonical_json(&value).unwrap()).unwrap();
        let number = value.as_f64().unwrap();
        prop_assert_eq!(text.parse::<f64>().unwrap(), number);
        prop_assert_eq!(canonical_json(&Value::from(number)).unwrap(), text.into_bytes());
    }
}

/// A program that shares no code with us reads each line, turns the members of every object round, and writes it.
const REVERSE: &str = r#"
import json, sys
def turned(v):
    if isinstance(v, dict): return {k: turned(v[k]) for k in reversed(v)}
    return [turned(i) for i in v] if isinstance(v, list) else v
for line in sys.stdin.buffer:
    print(json.dumps(turned(json.loads(line))))
"#;

#[test]
fn through_python_with_all_names_in_another_order() {
    let python =
        Command::new("python3").args(["-c", REVERSE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut python = match python {
        Ok(python) => python,
        Err(error) => {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "python3 cannot be run: {error}");
            return println!("skipped: python3 cannot be run: {error}");
        }
    };
    let mut runner = TestRunner::new(cases(1));
    let texts: Vec<_> = (0..500)
        .map(|_| any::event().new_tree(&mut runner).unwrap().current().to_canonical_json().unwrap())
        .collect();
    let mut stdin = python.stdin.take().unwrap();
    let lines = texts.join(&b'\n');
    let writer = std::thread::spawn(move || stdin.write_all(&lines).unwrap());
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let copies: Vec<_> = output.stdout.split(|b| *b == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(copies.len(), texts.len());
    assert!(copies.iter().zip(&texts).any(|(copy, text)| copy != text));
    for (copy, text) in copies.into_iter().zip(texts) {
        assert_eq!(canonical_json(&parse_json(copy).unwrap()).unwrap(), text);
        assert_eq!(Event::from_json(copy, epoch()).unwrap().to_canonical_json().unwrap(), text);
    }
}

#[test]
fn what_can_be_written_can_be_read_and_the_other_way_round() {
    fn nested(depth: usize, inner: Value) -> Value {
        (0..depth).fold(inner, |value, level| {
            if level % 2 == 0 {
                Value::Array(vec![value])
            } else {
                Value::Object([("k".to_owned(), value)].into_iter().collect())
            }
        })
    }
    let event = || Event::at(epoch(), audit_model::EventType::AUTH_LOGIN);
    let mut refused = 0;
    for depth in 110..130 {
        for inner in [Value::Null, Value::Array(vec![]), Value::Object(audit_model::Map::new())] {
            let value = nested(depth, inner);
            let is_readable = parse_json(value.to_string().as_bytes()).is_ok();
            assert_eq!(canonical_json(&value).is_ok(), is_readable, "{depth}");
            refused += u32::from(!is_readable);
            let in_part = |name: &str| event().context(audit_model::Context::new().with(name, value.clone()));
            let mut with_extra = event();
            with_extra.extra.insert("extra".to_owned(), value.clone());
            for event in [event().detail("x", value.clone()), in_part("a"), in_part("z"), with_extra] {
                if let Ok(text) = event.to_canonical_json() {
                    assert!(Event::from_json(&text, epoch()).is_ok(), "{depth}");
                } else {
                    assert!(depth > 115, "{depth}");
                }
            }
        }
    }
    assert!(refused > 0);
}
