use audit_model::{JsonError, Value};
use serde::Deserialize;
use serde_path_to_error::Segment;

/// A text that is not a record of a class that has a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassError {
    /// It is not JSON, or JSON that we refuse.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It is JSON, and an attribute is wrong.
    #[error(transparent)]
    Attribute(#[from] AttributeError),
}

/// An attribute that is not what it should be: where, what was found, what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: found {found}; expected {expected}")]
pub struct AttributeError {
    path: String,
    found: String,
    expected: String,
}

impl AttributeError {
    pub(super) fn new(path: &str, found: Option<&Value>, expected: &str) -> Self {
        let path = if path.is_empty() { "$" } else { path };
        Self { path: path.to_owned(), found: in_words(found), expected: expected.to_owned() }
    }

    /// Where, as a JSON path such as `resources[0].name`; `$` is the whole record.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was there.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What should be there.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

/// Reads a typed record, and says where and what when that fails.
pub(super) fn read<'a, T: Deserialize<'a>>(value: &'a Value) -> Result<T, AttributeError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut path = String::new();
        let mut found = Some(value);
        for segment in error.path() {
            match segment {
                Segment::Map { key } => step_into(&mut path, &mut found, key),
                Segment::Seq { index } => {
                    path += &format!("[{index}]");
                    found = found.and_then(|value| value.get(index));
                }
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        let message = error.inner().to_string();
        if let Some(name) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            step_into(&mut path, &mut found, name);
            return AttributeError::new(&path, found, "it, as every version requires it");
        }
        let expected = message.rsplit_once(", expected ").map_or(message.as_str(), |(_, expected)| expected);
        AttributeError::new(&path, found, json_type(expected))
    })
}

fn step_into(path: &mut String, value: &mut Option<&Value>, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
    *value = value.and_then(|value| value.get(name));
}

/// What serde calls a type, as JSON calls it.
fn json_type(expected: &str) -> &str {
    match expected {
        "i64" => "an integer",
        "a sequence" => "an array",
        "a JSON number" => "a number",
        "a map" => "an object",
        name if name.starts_with("struct ") => "an object",
        other => other,
    }
}

fn in_words(found: Option<&Value>) -> String {
    match found {
        None => "nothing".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Array(_)) => "an array".to_owned(),
        Some(Value::Object(_)) => "an object".to_owned(),
        Some(Value::String(text)) if text.chars().count() > 60 => {
            format!("the string \"{}…\"", text.chars().take(60).collect::<String>().escape_debug())
        }
        Some(Value::String(text)) => format!("the string \"{}\"", text.escape_debug()),
        Some(scalar) => scalar.to_string(),
    }
}
