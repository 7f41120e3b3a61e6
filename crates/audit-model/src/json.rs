//! Reading JSON strictly: what a lenient reader would pass over silently is an error here.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::{MAX_SAFE_INTEGER, Map, Value};

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
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value =
        Strict { depth: 0 }.deserialize(&mut deserializer).and_then(|v| deserializer.end().map(|()| v));
    value.map_err(|error| {
        let message = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        JsonError {
            message: message.strip_suffix(&place).unwrap_or(&message).to_owned(),
            line: error.line().max(1),
            column: error.column().max(1),
        }
    })
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format!("nested more than {MAX_DEPTH} deep")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn number_error<E: Error>(found: impl fmt::Display) -> E {
    E::custom(format!("the number {found} is beyond ±(2^53−1) and would lose digits; write it as a string"))
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() > MAX_SAFE_INTEGER { Err(number_error(value)) } else { Ok(value.into()) }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        if value > MAX_SAFE_INTEGER { Err(number_error(value)) } else { Ok(value.into()) }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        if value.abs() > MAX_SAFE_INTEGER as f64 { Err(number_error(value)) } else { Ok(value.into()) }
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the name `{key}` occurs twice in one object")));
            }
            let value = entries.next_value_seed(inner)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
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
