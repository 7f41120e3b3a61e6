use std::cell::OnceCell;

use audit_condition::{FieldValue, Path};
use audit_model::Event;
use audit_search::Hit;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::output::harmless;

/// What a record has in a field. In the order in which groups that are as large are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Cell {
    Text(String),
    /// A value that is no text, as JSON.
    Json(String),
    /// Nothing, or null.
    Missing,
}

/// What a record has in its fields.
pub(super) struct Fields<'h, 'l> {
    hit: &'h Hit<'l>,
    /// The whole event, when it was needed.
    event: OnceCell<Option<Event>>,
}

impl<'h, 'l> Fields<'h, 'l> {
    pub(super) fn of(hit: &'h Hit<'l>) -> Self {
        Self { hit, event: OnceCell::new() }
    }

    pub(super) fn get(&self, path: &Path) -> Cell {
        let Some(text) = self.hit.text(path) else { return Cell::Missing };
        if is_plain(&text) {
            return Cell::Text(text.into_owned());
        }
        // The text "7" or the number 7: only the event tells.
        let event = self.event.get_or_init(|| self.hit.event().ok());
        match event.as_ref().and_then(|event| path.get(event)) {
            None | Some(FieldValue::Text(_) | FieldValue::Time(_) | FieldValue::Json(Value::String(_))) => {
                Cell::Text(text.into_owned())
            }
            Some(_) => Cell::Json(text.into_owned()),
        }
    }
}

impl Cell {
    pub(super) fn to_json(&self) -> String {
        match self {
            Self::Text(text) => Value::from(text.as_str()).to_string(),
            Self::Json(json) => json.clone(),
            Self::Missing => "null".to_owned(),
        }
    }

    /// As it stands in a table: in quotation marks when it would look like something else.
    pub(super) fn to_shown(&self) -> String {
        match self {
            Self::Text(text) if text.is_empty() || text == "-" || text.starts_with('"') => {
                harmless(&Value::from(text.as_str()).to_string())
            }
            Self::Text(text) | Self::Json(text) => harmless(text),
            Self::Missing => "-".to_owned(),
        }
    }
}

/// Whether it can only be a text: what is no text is JSON.
pub(super) fn is_plain(text: &str) -> bool {
    let may_begin_json =
        |byte: &u8| matches!(byte, b'-' | b'0'..=b'9' | b'"' | b't' | b'f' | b'n' | b'[' | b'{');
    !text.as_bytes().first().is_some_and(may_begin_json) || serde_json::from_str::<IgnoredAny>(text).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_json_is_no_plain_text() {
        for text in ["7", "-1.5", "true", "null", "\"x\"", "[1]", "{\"a\":1}"] {
            assert!(!is_plain(text), "{text}");
        }
        for text in ["", "-", "bob", "7 of 9", "nobody", "tom", "019aa8c0-7d5c", "{", "a 1"] {
            assert!(is_plain(text), "{text}");
        }
    }

    #[test]
    fn nothing_is_shown_like_a_text() {
        let shown = |text: &str| Cell::Text(text.to_owned()).to_shown();
        assert_eq!(Cell::Missing.to_shown(), "-");
        assert_eq!((shown("-").as_str(), shown("").as_str()), ("\"-\"", "\"\""));
        assert_eq!(shown("\"-\""), "\"\\\"-\\\"\"");
        assert_eq!(shown("bob\u{1b}[2J\u{202e}"), "bob\\u{1b}[2J\\u{202e}");
    }
}
