//! An event from JSON: read from text or from a value it is the same; it can be written, in canonical form, and is written the same
//! when that is read.
#![no_main]

use audit_model::{Event, Timestamp, canonical_json, parse_json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let value = parse_json(text).ok();
    let without_id = value.as_ref().is_some_and(|value| value["event_id"].is_null());
    let from_value = value.and_then(|value| Event::from_value(value, now()).ok());
    let Ok(event) = Event::from_json(text, now()) else {
        assert_eq!(from_value, None, "a value of the same text is no event either");
        return;
    };
    let mut from_value = from_value.expect("a value of the same text is an event too");
    if without_id {
        from_value.event_id = event.event_id.clone();
    }
    assert_eq!(from_value, event);

    let bytes = event.to_canonical_json().expect("what was read can be written");
    let value = parse_json(&bytes).expect("what is written is JSON");
    assert_eq!(canonical_json(&value).expect("it could be written once"), bytes);
    // It need not be equal: 4.0 is written as 4.
    let again = Event::from_json(&bytes, now()).expect("an event's own text is one");
    assert_eq!(again.to_canonical_json().expect("it could be written once"), bytes);
    assert_eq!((&again.event_id, &again.event_type), (&event.event_id, &event.event_type));
    assert_eq!((again.timestamp, again.version), (event.timestamp, event.version));
});

fn now() -> Timestamp {
    Timestamp::from_milliseconds(0).expect("1970 is in range")
}
