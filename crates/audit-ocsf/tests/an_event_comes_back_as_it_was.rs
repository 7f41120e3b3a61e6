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

/// The same with every secret masked, as the mapping masks them.
fn masked(event: &Event) -> Event {
    fn mask(value: &mut Value, name: &str) {
        const NAMES: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];
        let is_secret = |name: &str| NAMES.contains(&name.to_ascii_lowercase().as_str());
        match value {
            Value::Object(map) => {
                let secret = map.get("name").and_then(Value::as_str).is_some_and(is_secret);
                for (key, value) in map {
                    if secret && key == "value" {
                        *value = "******".into();
                    } else {
                        mask(value, key);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| mask(item, "")),
            _ if is_secret(name) => *value = "******".into(),
            _ => {}
        }
    }
    let mut event = event.clone();
    if let Some(request) = event.details.get_mut("http_request") {
        mask(request, "");
    }
    event
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 1500 } else { 20_000 }))]

    #[test]
    fn whatever_is_in_it(event in events::any_event(), version in proptest::sample::select(Version::ALL)) {
        let back = there_and_back(&event, version);
        prop_assert_eq!(json(&back), json(&masked(&event)));
    }
}
