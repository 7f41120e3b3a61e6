//! What a source takes in: in each format, text and the value in it are the same event or none, and an event can be written.
#![no_main]

use audit_model::{Event, Timestamp, parse_json};
use audit_source::Format;
use libfuzzer_sys::fuzz_target;

const FORMATS: [Format; 4] = [Format::Any, Format::CloudEvents, Format::Native, Format::Ocsf];

fuzz_target!(|text: &[u8]| {
    let value = parse_json(text).ok();
    for format in FORMATS {
        let from_value = value.clone().map(|value| format.read_value(value, now()));
        let event = match (format.read(text, now()), from_value) {
            (Err(reason), None | Some(Err(_))) => {
                assert!(!reason.is_empty());
                continue;
            }
            (Ok(event), Some(Ok(mut from_value))) => {
                // One that came without an identifier gets another each time.
                if format.read(text, now()).is_ok_and(|again| again.event_id != event.event_id) {
                    from_value.event_id = event.event_id.clone();
                }
                assert_eq!(from_value, event, "{format:?}");
                event
            }
            (read, from_value) => panic!("{format:?}: {read:?}, but of the value {from_value:?}"),
        };
        let bytes = event.to_canonical_json().expect("what was read can be written");
        let again = Event::from_json(&bytes, now()).expect("an event's own text is one");
        assert_eq!(again.to_canonical_json().expect("it could be written once"), bytes);
    }
});

fn now() -> Timestamp {
    Timestamp::from_milliseconds(0).expect("1970 is in range")
}
