//! Reading JSON strictly: what a lenient reader would pass over silently is an error here.

use crate::Value;
use crate::tree::Tree;

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 120;

/// A text that is not the JSON we accept: what is wrong, at which line and column (from 1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line} column {column}")]
pub struct JsonError {
    message: String,
    line: usize,
    column: usize,
}

impl JsonError {
    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line in the text that was given, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in that line in bytes, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        let message = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        Self {
            message: message.strip_suffix(&place).unwrap_or(&message).to_owned(),
            line: error.line().max(1),
            column: error.column().max(1),
        }
    }
}

/// Reads one JSON text, refusing what would make two texts look like one event: a name that
/// occurs twice in an object, and numbers beyond ±(2^53−1).
///
/// ```
/// assert!(audit_model::parse_json(br#"{"actor": "a", "actor": "b"}"#).is_err());
/// assert!(audit_model::parse_json(b"9007199254740993").is_err());
/// ```
///
/// # Errors
/// When the text is not JSON (RFC 8259), repeats a name, has such a number, or nests deeper
/// than [`MAX_DEPTH`].
pub fn parse_json(text: &[u8]) -> Result<Value, JsonError> {
    Ok(Tree::read(text)?.into_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_is_wrong_and_where() {
        let error = parse_json(b"{\n  \"a\": 1,\n  \"a\": 2\n}").unwrap_err();
        assert_eq!((error.message(), error.line()), ("the name `a` occurs twice in one object", 3));
        let error = parse_json(br#"{"n": 18446744073709551615}"#).unwrap_err();
        assert!(error.message().contains("18446744073709551615"), "{error}");
        assert!(parse_json(b"{} {}").is_err());
        assert!(parse_json(b"").is_err());
        assert!(parse_json(b"\xff").is_err());
        assert!(parse_json("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn everything_within_bounds_can_be_written_canonically() {
        let deep = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
        assert_eq!(crate::canonical_json(&parse_json(deep.as_bytes()).unwrap()).unwrap(), deep.as_bytes());
    }
}
