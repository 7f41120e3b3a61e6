use audit_model::{Event, EventError, EventId, JsonError, Timestamp, Value, parse_json};
use audit_ocsf::event_from_value;

use crate::cloud_event::event_from_cloud_event;

/// The longest event that is taken, in bytes of its text.
pub const MAX_EVENT: usize = 16 << 20;

/// What an event is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// As `audit-log` has events.
    #[default]
    Native,
    /// Records of the Open Cybersecurity Schema Framework, of any version.
    Ocsf,
    /// `CloudEvents` 1.0 in JSON, whose data may be a native event, an OCSF record, or anything else.
    CloudEvents,
    /// Any of these, told apart by their members: `specversion` makes it a `CloudEvent`, `class_uid` without `event_type` an OCSF
    /// record, and whatever else is native.
    Any,
}

impl Format {
    /// Reads one event; what it lacks (its id, its time) is filled in.
    ///
    /// # Errors
    /// What is wrong with it, where in it, and what was expected: a sentence for whoever wrote it.
    pub fn read(self, text: &[u8], now: Timestamp) -> Result<Event, String> {
        if self == Self::Native || self == Self::Any && is_native(text) {
            let event = Event::from_json(text, now).map_err(|error| match error {
                EventError::Json(error) => describe(&error, text),
                other => other.to_string(),
            });
            return event.map(identified);
        }
        self.read_value(parse_json(text).map_err(|error| describe(&error, text))?, now)
    }

    /// As [`Format::read`], from JSON that has been read already.
    ///
    /// # Errors
    /// As [`Format::read`].
    pub fn read_value(self, value: Value, now: Timestamp) -> Result<Event, String> {
        match self {
            Self::Native => Event::from_value(value, now).map(identified).map_err(|error| error.to_string()),
            Self::Ocsf => event_from_value(value, now).map(identified).map_err(|error| error.to_string()),
            Self::CloudEvents => event_from_cloud_event(value, now),
            Self::Any => Self::of(&value).read_value(value, now),
        }
    }

    /// What this is, by its members.
    fn of(value: &Value) -> Self {
        let has = |name: &str| value.get(name).is_some_and(|member| !member.is_null());
        if has("specversion") {
            Self::CloudEvents
        } else if has("class_uid") && !has("event_type") {
            Self::Ocsf
        } else {
            Self::Native
        }
    }
}

/// Whether that can be told without reading it, as of most: no member has a name by which the others are known, nor one that is escaped.
fn is_native(text: &[u8]) -> bool {
    let has = |part: &[u8]| memchr::memmem::find(text, part).is_some();
    !has(b"specversion") && !has(b"class_uid") && !has(br"\u")
}

/// An empty id is none.
fn identified(mut event: Event) -> Event {
    if event.event_id.as_str().is_empty() {
        event.event_id = EventId::generate(event.timestamp);
    }
    event
}

/// What is wrong with the JSON of an event, for whoever wrote it. Where events come one a line, the line's number is told beside: of the
/// place in it, the column is what helps.
#[must_use]
pub fn describe(error: &JsonError, text: &[u8]) -> String {
    const ONE_A_LINE: &str = "expected one JSON object a line (`jq -c .` makes that)";
    let (message, line, column) = (error.message(), error.line(), error.column());
    if let Some(encoding) = other_than_utf8(text) {
        return encoding.to_owned();
    }
    if line > 1 {
        return format!("{message} at line {line} column {column}");
    }
    if message.starts_with("EOF") || message.starts_with("trailing characters") {
        return format!("{message} at column {column}; {ONE_A_LINE}");
    }
    format!("{message} at column {column}")
}

/// What a text is that is not plain UTF-8.
#[must_use]
pub fn other_than_utf8(text: &[u8]) -> Option<&'static str> {
    match text {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16 text; expected UTF-8"),
        [0xef, 0xbb, 0xbf, ..] => Some("begins with a byte order mark; expected UTF-8 without one"),
        _ if std::str::from_utf8(text).is_err() => Some("not UTF-8 text"),
        _ => None,
    }
}
