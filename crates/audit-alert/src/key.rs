//! Which group of a rule an event is in.

use audit_condition::{FieldValue, Path};
use audit_model::{Event, Map, Value, canonical_json, write_json_string};
use sha2::{Digest, Sha256};

/// A longer value is cut: thousands of groups are kept, and their values are anybody's.
const LONGEST: usize = 256;

/// The values of those fields as a canonical JSON array; what an event lacks is null there.
pub(crate) fn key(paths: &[Path], event: &Event) -> String {
    let mut out = Vec::with_capacity(32);
    out.push(b'[');
    for (index, path) in paths.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match path.get(event) {
            None => out.extend_from_slice(b"null"),
            Some(FieldValue::Text(text)) => write_text(text, &mut out),
            Some(value) => write_value(&value.to_value(), &mut out),
        }
    }
    out.push(b']');
    String::from_utf8(out).unwrap_or_default()
}

/// The same as an object for people and templates: path to value.
pub(crate) fn group(paths: &[Path], key: &str) -> Option<Map> {
    if paths.is_empty() {
        return None;
    }
    let values: Vec<Value> = serde_json::from_str(key).unwrap_or_default();
    Some(paths.iter().map(ToString::to_string).zip(values).collect())
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    if let Value::String(text) = value {
        return write_text(text, out);
    }
    // A number that has no canonical text has at least its own.
    let text = canonical_json(value).unwrap_or_else(|_| value.to_string().into_bytes());
    if text.len() <= LONGEST && is_flat(value) {
        out.extend_from_slice(&text);
    } else {
        write_text(&String::from_utf8_lossy(&text), out);
    }
}

/// What nests would nest deeper in the record of an alert, and could be too deep for it.
fn is_flat(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.iter().any(|item| item.is_array() || item.is_object()),
        Value::Object(_) => false,
        _ => true,
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    if text.len() <= LONGEST {
        return write_json_string(text, out);
    }
    // Two long values must not become one group.
    let digest = const_hex::encode(&Sha256::digest(text.as_bytes())[..16]);
    let cut = (0..=LONGEST - 56).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    write_json_string(&format!("{}… (sha256:{digest})", &text[..cut]), out);
}

#[cfg(test)]
mod tests {
    use audit_model::{Action, Actor, EventType};

    use super::*;

    fn event(actor: &str) -> Event {
        Event::new(
            EventType::ACCESS_DENIED,
            Actor::user(actor).role("b").role("a"),
            Action::denied("restore"),
        )
        .detail("size", 5.0)
        .detail("topics", vec!["x", "y"])
    }

    fn paths(of: &[&str]) -> Vec<Path> {
        of.iter().map(|path| Path::parse(path).unwrap()).collect()
    }

    #[test]
    fn values_keep_their_type_and_what_is_missing_is_null() {
        let paths =
            paths(&["actor.id", "actor.roles", "details.size", "details.topics", "context.environment"]);
        let key = key(&paths, &event("bob \"b\""));
        assert_eq!(key, r#"["bob \"b\"",["b","a"],5,["x","y"],null]"#);
        let group = group(&paths, &key).unwrap();
        assert_eq!(group["actor.id"], "bob \"b\"");
        assert_eq!(group["context.environment"], Value::Null);
        assert_eq!(super::group(&[], "[]"), None);
    }

    #[test]
    fn long_values_are_cut_and_stay_different() {
        let paths = paths(&["actor.id"]);
        let long = "ä".repeat(100_000);
        let (one, other) = (key(&paths, &event(&long)), key(&paths, &event(&format!("{long}x"))));
        assert!(one != other && one.len() <= LONGEST + 4, "{}", one.len());
        let topics = paths_of_topics();
        let many = event("bob").detail("topics", vec!["topic"; 1000]);
        assert!(key(&topics, &many).len() <= LONGEST + 60);
        assert!(group(&topics, &key(&topics, &many)).unwrap()["details.topics"].is_string());
    }

    #[test]
    fn what_nests_becomes_text() {
        let topics = paths_of_topics();
        for (value, expected) in [
            (serde_json::json!([[1]]), r#"["[[1]]"]"#),
            (serde_json::json!({"b": 1.0, "a": 2}), r#"["{\"a\":2,\"b\":1}"]"#),
            (serde_json::json!([1, null]), "[[1,null]]"),
        ] {
            assert_eq!(key(&topics, &event("bob").detail("topics", value)), expected);
        }
    }

    fn paths_of_topics() -> Vec<Path> {
        paths(&["details.topics"])
    }
}
