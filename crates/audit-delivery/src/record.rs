//! What a place may want to know of a record without reading it.

use std::borrow::Cow;

use audit_model::{Severity, Timestamp};
use audit_sink::Record;
use serde::Deserialize;

/// The parts of an event that go with its record.
#[derive(Debug, Default, Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    event_id: Cow<'a, str>,
    #[serde(borrow, default)]
    event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    timestamp: Cow<'a, str>,
    #[serde(borrow, default)]
    action: Option<Action<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct Action<'a> {
    #[serde(borrow, default)]
    result: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
struct Sealed<'a> {
    #[serde(borrow)]
    event: Event<'a>,
    #[serde(rename = "integrity")]
    _integrity: serde::de::IgnoredAny,
}

/// A line of the log as a record. A line that is no event goes as it is: the place gets what the log holds.
pub(crate) fn record(sequence_number: u64, line: &[u8]) -> Record {
    Read::of(line).into_record(sequence_number)
}

/// A line of the log that has been looked into, and not copied.
#[derive(Debug)]
pub(crate) struct Read<'a> {
    line: &'a [u8],
    event: Event<'a>,
}

impl<'a> Read<'a> {
    pub(crate) fn of(line: &'a [u8]) -> Self {
        let event = match serde_json::from_slice::<Sealed<'_>>(line) {
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
        let result = event.action.as_ref().and_then(|action| action.result.as_deref());
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
