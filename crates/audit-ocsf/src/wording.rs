//! How messages name what a record has: short, and with nothing that a terminal would obey.

use std::fmt::Write;

use serde_json::Value;

/// Longer texts of records are cut in messages.
const SHOWN: usize = 60;

/// `` `text` ``, cut and escaped.
pub(crate) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN).collect();
    format!("`{}{}`", cut.escape_debug(), if cut.len() < text.len() { "…" } else { "" })
}

/// What a value is, for "found …".
pub(crate) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(boolean) => format!("the boolean {boolean}"),
        Value::Number(number) if number.is_f64() => format!("the float {number}"),
        Value::Number(number) if !number.is_i64() => format!("the integer {number}, which is beyond 63 bits"),
        Value::Number(number) => format!("the integer {number}"),
        Value::String(text) => format!("the string {}", quoted(text)),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Appends the attribute to the path of its object.
pub(crate) fn push_name(path: &mut String, name: &str) {
    let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let written = if !is_plain {
        write!(path, "[\"{}\"]", name.escape_debug())
    } else if path.is_empty() {
        write!(path, "{name}")
    } else {
        write!(path, ".{name}")
    };
    written.expect("a String takes all that is written");
}

/// Appends the place in an array.
pub(crate) fn push_index(path: &mut String, index: usize) {
    write!(path, "[{index}]").expect("a String takes all that is written");
}

/// `; did you mean …?` when one of the names is much like `text`, and else nothing.
pub(crate) fn suggestion<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(text, names).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// Of names as near as each other the first. A long text is no slip of the keys, and comparing costs its length.
fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > SHOWN {
        return None;
    }
    let lower = text.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= name.len().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
