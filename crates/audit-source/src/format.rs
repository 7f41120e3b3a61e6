use audit_model::{Event, EventError, JsonError, Timestamp, parse_json};
use audit_ocsf::event_from_value;

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
}

impl Format {
    /// Reads one event; what it lacks (its id, its time) is filled in.
    ///
    /// # Errors
    /// What is wrong with it, where in it, and what was expected: a sentence for whoever wrote it.
    pub fn read(self, text: &[u8], now: Timestamp) -> Result<Event, String> {
        match self {
            Self::Native => Event::from_json(text, now).map_err(|error| match error {
                EventError::Json(error) => describe(&error, text),
                other => other.to_string(),
            }),
            Self::Ocsf => {
                let record = parse_json(text).map_err(|error| describe(&error, text))?;
                event_from_value(record, now).map_err(|error| error.to_string())
            }
        }
    }
}

/// An event is one line, whose number is told beside: of the place in it, the column is what helps.
fn describe(error: &JsonError, line: &[u8]) -> String {
    const ONE_A_LINE: &str = "expected one JSON object a line (`jq -c .` makes that)";
    let (message, column) = (error.message(), error.column());
    if let Some(encoding) = other_than_utf8(line) {
        return encoding.to_owned();
    }
    if message.starts_with("EOF") || message.starts_with("trailing characters") {
        return format!("{message} at column {column}; {ONE_A_LINE}");
    }
    format!("{message} at column {column}")
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
