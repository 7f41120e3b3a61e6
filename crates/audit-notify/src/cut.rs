/// At most so many characters, counted as UTF-16 does, which is never fewer than other ways to count; with a `…` where some are
/// left out.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let mut length = 0;
    let mut fits = 0;
    for (at, c) in text.char_indices() {
        length += c.len_utf16();
        if length < most {
            fits = at + c.len_utf8();
        }
        if length > most {
            return format!("{}…", &text[..fits]);
        }
    }
    text.to_owned()
}

/// As [`cut`], of a text with entities such as `&lt;`, of which none is cut in half.
#[cfg(feature = "slack")]
pub(crate) fn cut_entities(text: &str, most: usize) -> String {
    let mut short = cut(text, most);
    if short.len() < text.len() || short != text {
        short.pop();
        // An ampersand farther from the end is the template's own.
        const LONGEST: usize = "&quot;".len();
        let begins = |entity: &usize| short.len() - entity < LONGEST && !short[*entity..].contains(';');
        if let Some(entity) = short.rfind('&').filter(begins) {
            short.truncate(entity);
        }
        short.push('…');
    }
    short
}

/// At most about so many bytes of JSON: texts, arrays and objects lose their ends, and say so with a `…`.
#[cfg(feature = "pagerduty")]
pub(crate) fn cut_json(value: &audit_model::Value, bytes: usize) -> audit_model::Value {
    let mut left = bytes;
    shorten(value, &mut left)
}

#[cfg(feature = "pagerduty")]
fn shorten(value: &audit_model::Value, left: &mut usize) -> audit_model::Value {
    use audit_model::{Map, Value};
    /// So that one long text does not take the place of everything behind it.
    const MOST_OF_A_TEXT: usize = 16 << 10;
    let spend = |left: &mut usize, bytes: usize| *left = left.saturating_sub(bytes);
    match value {
        Value::String(text) => {
            let mut end = 0;
            let mut written = 2;
            for (at, c) in text.char_indices() {
                written += if c < ' ' || c == '"' || c == '\\' { 6 } else { c.len_utf8() };
                if written > (*left).min(MOST_OF_A_TEXT) {
                    spend(left, written);
                    return Value::String(format!("{}…", &text[..end]));
                }
                end = at + c.len_utf8();
            }
            spend(left, written);
            Value::String(text.clone())
        }
        Value::Array(items) => {
            let mut kept = Vec::new();
            spend(left, 2);
            for item in items {
                if *left == 0 {
                    kept.push(Value::from("…"));
                    break;
                }
                spend(left, 1);
                kept.push(shorten(item, left));
            }
            Value::Array(kept)
        }
        Value::Object(members) => {
            let mut kept = Map::new();
            spend(left, 2);
            for (name, member) in members {
                // A name is kept whole or not at all: half a name is another one.
                let cost = 4 + name.len() * 6;
                if *left < cost {
                    *left = 0;
                    kept.insert("…".to_owned(), Value::from("…"));
                    break;
                }
                spend(left, cost);
                kept.insert(name.clone(), shorten(member, left));
            }
            Value::Object(kept)
        }
        scalar => {
            spend(left, 25);
            scalar.clone()
        }
    }
}

#[cfg(all(test, feature = "slack"))]
mod tests {
    use super::{cut, cut_entities};

    #[test]
    fn nothing_is_cut_in_half() {
        assert_eq!((cut("abcd", 4), cut("abcde", 4)), ("abcd".to_owned(), "abc…".to_owned()));
        // A character outside the basic plane counts as two.
        assert_eq!(
            (cut("\u{1f6a8}ab", 4), cut("\u{1f6a8}abc", 4)),
            ("\u{1f6a8}ab".to_owned(), "\u{1f6a8}a…".to_owned())
        );
        assert_eq!(
            (cut_entities("ab&lt;", 6), cut_entities("ab&lt;c", 6)),
            ("ab&lt;".to_owned(), "ab…".to_owned())
        );
        assert_eq!(cut_entities("&lt;&gt;", 7), "&lt;…");
        assert_eq!(cut_entities("R&D alerts: abc", 13), "R&D alerts: …");
    }
}
