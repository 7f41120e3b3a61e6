//! A condition: explained, in a set, of the event as recorded, and by what it says that an event must have, it comes to the same end;
//! an error and what cannot be translated stand in its text.
#![no_main]

use std::sync::LazyLock;

use audit_condition::{Condition, ConditionSet, RequiredText, Target};
use audit_model::{Action, Actor, Event, EventType, Resource, Timestamp, Value};
use libfuzzer_sys::fuzz_target;

const EVENTS: &str = include_str!("../../docs/examples/events.ndjson");

/// Events, as they came and as they are read from a log, each with the names and texts of its JSON.
static SAMPLES: LazyLock<Vec<(Event, Event, Vec<String>)>> = LazyLock::new(|| {
    let read = |line: &str| Event::from_json(line.as_bytes(), now()).expect("the example is an event");
    let restored =
        Event::new(EventType::RESTORE_STARTED, Actor::user("alice@company.com"), Action::success("restore"))
            .resource(Resource::new("backup", "production-backup-20241201"))
            .detail("bytes", 1024)
            .detail("ratio", 4.0);
    let with_texts = |event: Event| {
        let json = event.to_canonical_json().expect("an event can be written");
        let mut texts = Vec::new();
        collect(audit_model::parse_json(&json).expect("it was written as JSON"), &mut texts);
        let recorded = Event::from_json(&json, now()).expect("an event's own text is one");
        (event, recorded, texts)
    };
    EVENTS.lines().take(4).map(read).chain([restored]).map(with_texts).collect()
});

fuzz_target!(|text: &str| {
    let condition = match Condition::parse(text) {
        Ok(condition) => condition,
        Err(error) => {
            let line = text.split('\n').nth(error.line() - 1).expect("its line is one of the text");
            assert!((1..=line.chars().count() + 1).contains(&error.column()));
            assert!(error.to_string().contains(error.message()));
            return;
        }
    };
    let set = ConditionSet::new([condition.clone()]);
    let required = condition.required_texts();
    for (event, recorded, texts) in SAMPLES.iter() {
        let is_true = condition.matches(event, now());
        assert_eq!(condition.explain(event, now()).is_true(), is_true);
        assert_eq!(set.matches_any(event, now()), is_true);
        assert_eq!(condition.matches(recorded, now()), is_true);
        if is_true {
            assert!(condition.may_match_type(event.event_type.as_str()));
            assert!(set.may_match_type(event.event_type.as_str()));
            for group in &required {
                assert!(texts.iter().any(|text| group.iter().any(|one| is_in(one, text))), "{group:?}");
            }
        }
    }
    for target in Target::ALL {
        match condition.translate(target) {
            Ok(_) => assert!(condition.translate_sealed(target).is_ok()),
            Err(error) => {
                let before = text.char_indices().nth(error.column() - 1).map_or(text.len(), |(at, _)| at);
                assert!(text[before..].starts_with(error.part()));
            }
        }
    }
});

fn is_in(one: &RequiredText, text: &str) -> bool {
    match (one.begins, one.ends) {
        (true, true) => text == &*one.text,
        (true, false) => text.starts_with(&*one.text),
        (false, true) => text.ends_with(&*one.text),
        (false, false) => text.contains(&*one.text),
    }
}

fn collect(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.into_iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => {
            for (name, value) in members {
                texts.push(name);
                collect(value, texts);
            }
        }
        _ => {}
    }
}

fn now() -> Timestamp {
    Timestamp::from_milliseconds(0).expect("1970 is in range")
}
