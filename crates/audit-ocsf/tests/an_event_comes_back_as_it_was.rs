//! Event → OCSF → Event: nothing is lost, but for secrets that were masked.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod events;

use audit_model::{Event, Timestamp, Value};
use audit_ocsf::{Mapping, Recorded, Version, event_from_value};
use proptest::prelude::*;

fn there_and_back(event: &Event, version: Version) -> Event {
    let record = Mapping::new(version).to_value(event, Recorded::default()).unwrap();
    event_from_value(record, Timestamp::from_milliseconds(0).unwrap()).unwrap()
}

/// As JSON, so that a difference can be read.
fn json(event: &Event) -> Value {
    serde_json::from_slice(&event.to_canonical_json().unwrap()).unwrap()
}

#[test]
fn of_every_type_in_every_version() {
    for event_type in events::types() {
        for version in Version::ALL {
            for event in [events::minimal(&event_type), events::full(&event_type)] {
                assert_eq!(
                    json(&there_and_back(&event, *version)),
                    json(&event),
                    "{event_type} in {version}"
                );
            }
        }
    }
}

/// The event with the masks that `back` has in place of secrets; which texts are secrets, tests of the mask say. Only in
/// the request, and in what another's record had.
fn masked_as(event: &Event, back: &Value) -> Value {
    fn take_masks(value: &mut Value, back: &Value) {
        match (value, back) {
            (Value::Object(map), Value::Object(back)) => {
                for (name, value) in map {
                    if let Some(back) = back.get(name) {
                        take_masks(value, back);
                    }
                }
            }
            (Value::Array(items), Value::Array(back)) => {
                items.iter_mut().zip(back).for_each(|(item, back)| take_masks(item, back));
            }
            (Value::Null | Value::Bool(_), _) => {}
            (value, Value::String(text)) if text.contains("******") => *value = back.clone(),
            _ => {}
        }
    }
    let mut event = json(event);
    for place in ["/details/http_request", "/details/ocsf"] {
        if let (Some(value), Some(back)) = (event.pointer_mut(place), back.pointer(place)) {
            take_masks(value, back);
        }
    }
    event
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 1500 } else { 20_000 }))]

    #[test]
    fn whatever_is_in_it(event in events::any_event(), version in proptest::sample::select(Version::ALL)) {
        let back = json(&there_and_back(&event, version));
        prop_assert_eq!(&back, &masked_as(&event, &back));
    }
}
