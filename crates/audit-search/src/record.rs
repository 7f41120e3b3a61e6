//! A record read whole. What is found in a hurry has to agree with this.

use audit_model::{Event, EventId, Timestamp, Value, parse_json};
use audit_ocsf::{MappingError, NativeRecord, event_from_value};

/// A text that is no event: why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoEvent(pub(crate) String);

/// The event of a record: sealed, unsealed, or OCSF. One that has no id gets the id `""`.
///
/// # Errors
/// When it is none of these, or tells no time.
pub fn read_event(record: &[u8]) -> Result<Event, NoEvent> {
    let no_native = match NativeRecord::parse(record) {
        Ok(native) => return Ok(native.event),
        Err(MappingError::Line(why)) => why,
        Err(other) => other.to_string(),
    };
    let value = parse_json(record).map_err(|error| {
        let place = match error.line() {
            1 => format!(" at column {}", error.column()),
            line => format!(" in its line {line} at column {}", error.column()),
        };
        NoEvent(other_than_utf8(record).map_or_else(|| error.message().to_owned() + &place, str::to_owned))
    })?;
    if value.get("class_uid").is_none() {
        return Err(NoEvent(no_native));
    }
    if value.get("time").is_none_or(Value::is_null) {
        return Err(NoEvent("time: found nothing; expected the record's own time".to_owned()));
    }
    let ids = ["/metadata/uid", "/unmapped/event_id"].map(|path| value.pointer(path).cloned());
    let unused = Timestamp::from_milliseconds(0).expect("1970 is in range");
    let mut event = event_from_value(value, unused).map_err(|error| NoEvent(error.to_string()))?;
    if !ids.iter().flatten().any(|id| id.as_str() == Some(event.event_id.as_str())) {
        // Not a new one each time that the record is read.
        event.event_id = EventId::from("");
    }
    Ok(event)
}

/// What a text is that is not plain UTF-8.
fn other_than_utf8(text: &[u8]) -> Option<&'static str> {
    match text {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16 text; expected UTF-8"),
        [0xef, 0xbb, 0xbf, ..] => Some("begins with a byte order mark; expected UTF-8 without one"),
        _ if std::str::from_utf8(text).is_err() => Some("not UTF-8 text"),
        _ => None,
    }
}
