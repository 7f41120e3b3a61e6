//! An event from JSON: what is read can be written, and reads the same again.
#![no_main]

use audit_model::{Event, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(event) = Event::from_json(text, Timestamp::UNIX_EPOCH) else { return };
    let Ok(bytes) = event.to_canonical_json() else { return };
    let again = Event::from_json(&bytes, Timestamp::UNIX_EPOCH).expect("an event's own text is one");
    assert_eq!(again, event);
    assert_eq!(again.to_canonical_json().expect("it could be written once"), bytes);
});
