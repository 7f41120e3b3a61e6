//! The id of an event that came without one: the same each time that its record is read.

use audit_model::{Event, EventId, Value, parse_json};
use memchr::memmem;
use sha2::{Digest as _, Sha256};

/// Where a record is, and when it got there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// The record's timestamp, in milliseconds since 1970.
    pub(crate) milliseconds: i64,
}

/// Gives the event an id that a second reading of the record gives it, too, unless it came with one of its own.
pub(crate) fn settle(event: &mut Event, text: &[u8], origin: &Origin<'_>) {
    if !is_own(event.event_id.as_str(), text) {
        event.event_id = derived(text, origin);
    }
}

/// Whether an id stands in the text. One that was made up when the event was read does not.
fn is_own(id: &str, text: &[u8]) -> bool {
    if memmem::find(text, id.as_bytes()).is_some() {
        return true;
    }
    // It may be written with escapes.
    memchr::memchr(b'\\', text).is_some() && parse_json(text).is_ok_and(|value| says(&value, id))
}

fn says(value: &Value, id: &str) -> bool {
    match value {
        Value::String(text) => text == id,
        Value::Array(items) => items.iter().any(|item| says(item, id)),
        Value::Object(map) => map.values().any(|item| says(item, id)),
        _ => false,
    }
}

/// A UUID version 8 (RFC 9562 §5.8): it begins with the time, as those of version 7 do, so that ids still sort by it. The text is part of what
/// is hashed, since a topic that was deleted and made again has the same offsets.
fn derived(text: &[u8], origin: &Origin<'_>) -> EventId {
    let mut hash = Sha256::new();
    hash.update(b"audit-log/kafka/v1\0");
    hash.update(origin.topic.as_bytes());
    hash.update([0]);
    hash.update(origin.partition.to_be_bytes());
    hash.update(origin.offset.to_be_bytes());
    hash.update(origin.milliseconds.to_be_bytes());
    hash.update(text);
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&hash.finalize()[..16]);
    let time = u64::try_from(origin.milliseconds).unwrap_or(0).to_be_bytes();
    uuid[..6].copy_from_slice(&time[2..]);
    uuid[6] = 0x80 | (uuid[6] & 0x0f);
    uuid[8] = 0x80 | (uuid[8] & 0x3f);
    EventId::from(format!("evt_{}", const_hex::encode(uuid)))
}

#[cfg(test)]
mod tests {
    use audit_model::Timestamp;
    use audit_source::Format;

    use super::{Origin, settle};

    fn id(format: Format, text: &[u8], offset: i64) -> String {
        let at = Timestamp::from_milliseconds(1_700_000_000_000).unwrap();
        let mut event = format.read(text, at).unwrap();
        let origin = Origin { topic: "t", partition: 3, offset, milliseconds: at.as_milliseconds() };
        settle(&mut event, text, &origin);
        event.event_id.as_str().to_owned()
    }

    #[test]
    fn an_id_of_its_own_is_kept() {
        let native = |text: &str| id(Format::Native, text.as_bytes(), 1);
        assert_eq!(native(r#"{"event_type":"a.b","event_id":"mine"}"#), "mine");
        assert_eq!(native(r#"{"event_type":"a.b","event_id":"m\u0069ne\""}"#), "mine\"");
        let ocsf = br#"{"class_uid":6003,"metadata":{"uid":"theirs"}}"#;
        assert_eq!(id(Format::Ocsf, ocsf, 1), "theirs");
    }

    #[test]
    fn without_one_it_is_the_same_each_time_and_another_elsewhere() {
        let text = br#"{"event_type":"a.b","details":{"path":"C:\\evt_"}}"#;
        let first = id(Format::Native, text, 7);
        assert_eq!(first, id(Format::Native, text, 7));
        assert_ne!(first, id(Format::Native, text, 8));
        assert_ne!(first, id(Format::Native, br#"{"event_type":"a.c"}"#, 7));
        // 1,700,000,000,000 as 48 bits, and the version.
        assert!(first.starts_with("evt_018bcfe56800") && &first[16..17] == "8", "{first}");
        assert_eq!(first.len(), 36);
        let ocsf = br#"{"class_uid":6003,"metadata":{"product":{}}}"#;
        assert_eq!(id(Format::Ocsf, ocsf, 7), id(Format::Ocsf, ocsf, 7));
    }
}
