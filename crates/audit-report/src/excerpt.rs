//! No more of a text than a report has room for.

use audit_model::{Event, Value};

/// How many characters of a text are kept.
const MOST: usize = 500;

/// The text, or its beginning and an ellipsis.
pub(crate) fn excerpt(text: &str) -> String {
    shortened(text, MOST)
}

/// A name to count by: of one that is longer than any should be, the beginning.
pub(crate) fn bounded(name: &str) -> &str {
    const MOST_BYTES: usize = 2048;
    if name.len() <= MOST_BYTES {
        return name;
    }
    let end = (0..=MOST_BYTES).rev().find(|end| name.is_char_boundary(*end));
    &name[..end.unwrap_or(0)]
}

/// The first `most` characters, the last of which is an ellipsis where there were more.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A value as a person reads it: a text as it is, the elements of a list of texts one after the other, all else as JSON.
pub(crate) fn readable(value: &Value) -> String {
    match value {
        Value::String(text) => excerpt(text),
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_string) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).take(MOST).collect();
            excerpt(&texts.join(", "))
        }
        other => excerpt(&other.to_string()),
    }
}

/// A value of a configuration: a text as it is, all else as JSON.
pub(crate) fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => excerpt(text),
        other => excerpt(&other.to_string()),
    }
}

/// The first of these details that there is and that says something.
pub(crate) fn detail(event: &Event, names: &[&str]) -> Option<String> {
    let values = names.iter().filter_map(|name| event.details.get(*name));
    values.filter(|value| !value.is_null() && value.as_str() != Some("")).map(readable).next()
}

pub(crate) fn actor(event: &Event) -> Option<String> {
    event.actor.as_ref().and_then(|actor| actor.id.as_deref()).map(excerpt)
}

pub(crate) fn ip_address(event: &Event) -> Option<String> {
    event.actor.as_ref().and_then(|actor| actor.ip_address.as_deref()).map(excerpt)
}

pub(crate) fn operation(event: &Event) -> Option<String> {
    event.action.as_ref().and_then(|action| action.operation.as_deref()).map(excerpt)
}

/// `backup:production-backup-20241201`, as the specification writes resources in one word.
pub(crate) fn resource(event: &Event) -> Option<String> {
    let resource = event.resource.as_ref()?;
    let id = resource.id.as_deref().or(resource.path.as_deref());
    match (resource.resource_type.as_deref(), id) {
        (Some(kind), Some(id)) => Some(excerpt(&format!("{kind}:{id}"))),
        (one, other) => one.or(other).map(excerpt),
    }
}
