//! What a place may want to know of a record without reading it.

use std::borrow::Cow;

use audit_model::{Severity, Timestamp};
use audit_sink::Record;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The parts of an event that go with its record. One that is not what it should be spoils none of the others: anybody's
/// lines may be in a log.
#[derive(Debug, Default, Deserialize)]
struct Event<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    event_id: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    event_type: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    timestamp: Cow<'a, str>,
    #[serde(borrow, default)]
    action: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
struct Action<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    result: Cow<'a, str>,
}

/// A string, and an empty one where there is something else.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Cow<'de, str>, D::Error> {
    #[derive(Default, Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let raw: &RawValue = Deserialize::deserialize(from)?;
    Ok(serde_json::from_str::<Text<'_>>(raw.get()).unwrap_or_default().0)
}

#[derive(Debug, Deserialize)]
struct Sealed<E> {
    event: E,
    #[serde(rename = "integrity")]
    _integrity: serde::de::IgnoredAny,
}

/// A line of the log as a record. A line that is no event goes as it is: the place gets what the log holds.
pub(crate) fn record(sequence_number: u64, line: &[u8]) -> Record {
    Read::of(line).into_record(sequence_number)
}

/// The event of a line of a log, sealed or not; `None` for a line that is no event.
#[must_use]
pub fn event_of(line: &[u8]) -> Option<audit_model::Event> {
    let event = serde_json::from_slice::<Sealed<&RawValue>>(line)
        .map_or(line, |sealed| sealed.event.get().as_bytes());
    // A line of a log has its own time.
    audit_model::Event::from_json(event, Timestamp::from_milliseconds(0).ok()?).ok()
}

/// A line of the log that has been looked into, and not copied.
#[derive(Debug)]
pub(crate) struct Read<'a> {
    line: &'a [u8],
    event: Event<'a>,
}

impl<'a> Read<'a> {
    pub(crate) fn of(line: &'a [u8]) -> Self {
        let event = match serde_json::from_slice::<Sealed<Event<'_>>>(line) {
            Ok(sealed) => sealed.event,
            Err(_) => serde_json::from_slice(line).unwrap_or_default(),
        };
        Self { line, event }
    }

    pub(crate) fn event_type(&self) -> &str {
        &self.event.event_type
    }

    pub(crate) fn into_record(self, sequence_number: u64) -> Record {
        let Self { line, event } = self;
        let action = event.action.and_then(|action| serde_json::from_str::<Action<'_>>(action.get()).ok());
        let result = action.as_ref().map(|action| &*action.result);
        Record {
            sequence_number,
            // Some places take no records of other times than these.
            timestamp_ms: event.timestamp.parse().unwrap_or_else(|_| Timestamp::now()).as_milliseconds(),
            severity: Severity::of(&event.event_type, result),
            event_id: event.event_id.into_owned(),
            event_type: event.event_type.into_owned(),
            bytes: line.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_it_should_be_spoils_nothing_beside_it() {
        for odd in [
            r#""action":"login""#,
            r#""action":{"result":5}"#,
            r#""action":[]"#,
            r#""action":null"#,
            r#""timestamp":5"#,
            r#""event_id":{"a":[1]}"#,
        ] {
            let line = format!(r#"{{{odd},"event_type":"auth.lo\u0067in"}}"#);
            for line in [format!(r#"{{"event":{line},"integrity":{{}}}}"#), line] {
                let record = record(7, line.as_bytes());
                assert_eq!(
                    (record.event_type.as_str(), record.event_id.as_str()),
                    ("auth.login", ""),
                    "{line}"
                );
            }
        }
        assert_eq!(record(7, br#"{"event_id":"evt_1","event_type":7}"#).event_id, "evt_1");
    }

    #[test]
    fn sealed_unsealed_and_foreign_lines() {
        let event = r#"{"action":{"operation":"restore","result":"failure"},"event_id":"evt_1","event_type":"restore.started","timestamp":"2024-12-01T10:00:00.000Z","version":"1.0"}"#;
        let sealed = format!(r#"{{"event":{event},"integrity":{{"sequence_number":7}}}}"#);
        for line in [event, &sealed] {
            let record = record(7, line.as_bytes());
            assert_eq!(record.event_id, "evt_1");
            assert_eq!(record.event_type, "restore.started");
            assert_eq!(record.timestamp_ms, 1_733_047_200_000);
            assert_eq!(record.severity, Severity::Medium, "it failed");
            assert_eq!(record.bytes, line.as_bytes());
        }
        let foreign = record(8, b"\xff not JSON");
        assert_eq!((foreign.event_type.as_str(), foreign.bytes.as_slice()), ("", &b"\xff not JSON"[..]));
    }
}
