//! Canonical JSON: RFC 8785, with two things refused that would let two events share one text.

use crate::{MAX_DEPTH, Map, Value};

/// 2^53 − 1: beyond it, two integers can have one canonical text (RFC 8785 §3.2.2.3 writes
/// every number as an IEEE 754 double), hence one signature.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A value that has no canonical text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CanonicalError {
    /// A number that canonical JSON cannot tell from its neighbours.
    #[error("{path}: the number {found} is beyond ±(2^53−1) and would lose digits; write it as a string")]
    Number {
        /// Where, as a JSON path.
        path: String,
        /// The number.
        found: String,
    },
    /// Nested too deeply.
    #[error("{path}: nested more than {MAX_DEPTH} deep")]
    Depth {
        /// Where, as a JSON path.
        path: String,
    },
    /// An extra field with the name of a field that the event has of its own.
    #[error("{path}: this name belongs to the event itself; set the field instead of adding an extra one")]
    ReservedName {
        /// Where, as a JSON path.
        path: String,
    },
}

impl CanonicalError {
    fn within(mut self, segment: &str) -> Self {
        let (Self::Number { path, .. } | Self::Depth { path } | Self::ReservedName { path }) = &mut self;
        let joint = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        *path = format!("{segment}{joint}{path}");
        self
    }
}

/// The canonical text of `value`.
///
/// ```
/// let value = serde_json::json!({"b": 5.0, "a": "é\u{1}"});
/// assert_eq!(audit_model::canonical_json(&value)?, r#"{"a":"é\u0001","b":5}"#.as_bytes());
/// # Ok::<(), audit_model::CanonicalError>(())
/// ```
///
/// # Errors
/// When a number is beyond ±(2^53−1), or the nesting is deeper than [`MAX_DEPTH`].
pub fn canonical_json(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::new();
    write_canonical(value, &mut out)?;
    Ok(out)
}

/// Appends the canonical text of `value` to `out`. On an error `out` holds a part of it.
///
/// # Errors
/// As [`canonical_json`].
pub fn write_canonical(value: &Value, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    write_value(value, out, 0)
}

/// As [`write_canonical`], for a value that will stand in `depth` arrays and objects.
///
/// # Errors
/// As [`canonical_json`], of the whole.
pub fn write_canonical_within(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), CanonicalError> {
    write_value(value, out, depth)
}

fn write_value(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), CanonicalError> {
    match value {
        // As deep as `parse_json` reads: what can be written can be read again.
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => {
            return Err(CanonicalError::Depth { path: String::new() });
        }
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_json_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item, out, depth + 1).map_err(|e| e.within(&format!("[{index}]")))?;
            }
            out.push(b']');
        }
        Value::Object(map) => write_map(map, out, depth)?,
    }
    Ok(())
}

fn write_map(map: &Map, out: &mut Vec<u8>, depth: usize) -> Result<(), CanonicalError> {
    let start = out.len();
    // The map is sorted by UTF-8 bytes unless a feature of serde_json makes it keep insertion order.
    let mut previous: Option<&String> = None;
    let mut left = map.len();
    let ordered = map.iter().map_while(|(key, value)| {
        let follows = previous.is_none_or(|previous| utf16_order(previous, key).is_lt());
        previous = Some(key);
        left -= usize::from(follows);
        follows.then_some((key, value))
    });
    write_entries(ordered, out, depth)?;
    if left > 0 {
        out.truncate(start);
        write_entries(sorted(map).into_iter(), out, depth)?;
    }
    Ok(())
}

fn write_entries<'a>(
    entries: impl Iterator<Item = (&'a String, &'a Value)>,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), CanonicalError> {
    out.push(b'{');
    for (index, (key, value)) in entries.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_json_string(key, out);
        out.push(b':');
        write_value(value, out, depth + 1).map_err(|e| e.within(key))?;
    }
    out.push(b'}');
    Ok(())
}

fn sorted(map: &Map) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by(|a, b| utf16_order(a.0, b.0));
    entries
}

/// RFC 8785 §3.2.3 sorts names by UTF-16 code units. That is the order of the UTF-8 bytes but
/// for characters beyond U+FFFF, whose surrogates sort before U+E000.
fn utf16_order(a: &str, b: &str) -> std::cmp::Ordering {
    if a.is_ascii() || b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

fn write_number(number: &serde_json::Number, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    let refused = || CanonicalError::Number { path: String::new(), found: number.to_string() };
    if let Some(integer) = number.as_i64() {
        if integer.unsigned_abs() > MAX_SAFE_INTEGER {
            return Err(refused());
        }
        write_integer(integer, out);
        return Ok(());
    }
    let float = number.as_f64().filter(|f| f.abs() <= MAX_SAFE_INTEGER as f64).ok_or_else(refused)?;
    if float.fract() == 0.0 {
        write_integer(float as i64, out);
    } else {
        out.extend_from_slice(ryu_js::Buffer::new().format_finite(float).as_bytes());
    }
    Ok(())
}

/// Appends `integer` in decimal.
pub(crate) fn write_integer(integer: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(integer).as_bytes());
}

/// Appends `text` as a JSON string, with the escapes of RFC 8785 §3.2.2.2.
pub fn write_json_string(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + 2);
    out.push(b'"');
    while let Some(at) = first_to_escape(rest) {
        out.extend_from_slice(&rest[..at]);
        write_escape(rest[at], out);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cold]
fn write_escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        0x08 => out.extend_from_slice(b"\\b"),
        b'\t' => out.extend_from_slice(b"\\t"),
        b'\n' => out.extend_from_slice(b"\\n"),
        0x0c => out.extend_from_slice(b"\\f"),
        b'\r' => out.extend_from_slice(b"\\r"),
        control => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(control >> 4)], HEX[usize::from(control & 15)]]);
        }
    }
}

/// Eight bytes at a time: most text has nothing to escape, and a byte-wise loop over it costs
/// more than all the rest of the encoding.
fn first_to_escape(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        if let Some(at) = escape_in_word(*word) {
            return Some(index * 8 + at);
        }
    }
    if let Some(last) = bytes.last_chunk::<8>() {
        // The last eight overlap those before, in which there was nothing.
        return if rest.is_empty() { None } else { escape_in_word(*last).map(|at| bytes.len() - 8 + at) };
    }
    rest.iter().position(|b| *b < 0x20 || *b == b'"' || *b == b'\\')
}

fn escape_in_word(word: [u8; 8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(word);
    // Marks the high bit of every byte that is below the one subtracted. A borrow may mark the byte above a true one
    // as well, and only that: the lowest mark is always true.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let found = below(word, 0x20) | equal(b'"') | equal(b'\\');
    (found != 0).then(|| (found.trailing_zeros() / 8) as usize)
}

/// Writes one JSON object whose fields come in canonical order, with extra fields put in
/// where they belong.
pub(crate) struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    /// How many objects this one stands in.
    depth: usize,
    /// The extra fields that are still to come, the next one last.
    extra: Vec<(&'a String, &'a Value)>,
    empty: bool,
    error: Option<Box<CanonicalError>>,
}

impl<'a> ObjectWriter<'a> {
    /// `names` are those of the type's own fields: an extra field may have none of them.
    #[inline]
    pub(crate) fn new(out: &'a mut Vec<u8>, extra: &'a Map, names: &[&str], depth: usize) -> Self {
        out.push(b'{');
        let mut object = Self { out, depth, extra: Vec::new(), empty: true, error: None };
        if !extra.is_empty() {
            object.set_extra(extra, names);
        }
        object
    }

    #[cold]
    fn set_extra(&mut self, extra: &'a Map, names: &[&str]) {
        self.extra = sorted(extra);
        self.extra.reverse();
        if let Some(name) = extra.keys().find(|name| names.contains(&name.as_str())) {
            self.fail(CanonicalError::ReservedName { path: name.clone() });
        }
    }

    /// Begins a field of the type's own, after every extra field that sorts before it. `start` is
    /// `"key":`.
    // Inlined always, so that the compiler knows the text's length and copies it in a few moves.
    #[inline(always)]
    pub(crate) fn field(&mut self, key: &str, start: &'static str) -> &mut Vec<u8> {
        if !self.extra.is_empty() {
            self.extra_fields_before(Some(key));
        }
        self.comma();
        self.out.extend_from_slice(start.as_bytes());
        self.out
    }

    #[inline(always)]
    fn comma(&mut self) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
    }

    /// Writes the extra fields that sort before `key`, or all.
    #[cold]
    fn extra_fields_before(&mut self, key: Option<&str>) {
        while let Some((name, value)) =
            self.extra.pop_if(|(name, _)| key.is_none_or(|key| name.as_str() < key))
        {
            self.comma();
            write_json_string(name, self.out);
            self.out.push(b':');
            if let Err(error) = write_value(value, self.out, self.depth + 1) {
                self.fail(error.within(name));
            }
        }
    }

    #[cold]
    fn fail(&mut self, error: CanonicalError) {
        self.error.get_or_insert_with(|| Box::new(error));
    }

    /// Writes a nested part, naming it in its error.
    #[inline(always)]
    pub(crate) fn part<T: WriteCanonical>(&mut self, key: &str, start: &'static str, part: &T) {
        if let Err(error) = part.write(self.field(key, start)) {
            self.fail(error.within(key));
        }
    }

    #[inline]
    pub(crate) fn end(mut self) -> Result<(), CanonicalError> {
        if !self.extra.is_empty() {
            self.extra_fields_before(None);
        }
        self.out.push(b'}');
        self.error.map_or(Ok(()), |error| Err(*error))
    }
}

/// The event's parts, each of which can write itself.
pub(crate) trait WriteCanonical {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), CanonicalError>;
}

/// A part as a JSON value; null when it has no canonical text.
pub(crate) fn to_value(part: &impl WriteCanonical) -> Value {
    let mut text = Vec::new();
    match part.write(&mut text) {
        Ok(()) => serde_json::from_slice(&text).unwrap_or_default(),
        Err(_) => Value::Null,
    }
}

impl WriteCanonical for Map {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
        write_map(self, out, 1)
    }
}

/// `field!(object, "id", value)`: a string field.
macro_rules! field {
    ($object:ident, $key:literal, $text:expr) => {
        $crate::canonical::write_json_string($text, $object.field($key, concat!("\"", $key, "\":")))
    };
}

/// `part!(object, "actor", value)`: a field that is an object.
macro_rules! part {
    ($object:ident, $key:literal, $part:expr) => {
        $object.part($key, concat!("\"", $key, "\":"), $part)
    };
}

pub(crate) use {field, part};

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(value: &Value) -> String {
        String::from_utf8(canonical_json(value).unwrap()).unwrap()
    }

    #[test]
    fn rfc_8785_section_3_2_2_sample() {
        let value = json!({
            "numbers": [333_333_333.333_333_3, 4.50, 2e-3, 0.000_000_000_000_000_000_000_000_001],
            "string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/",
            "literals": [null, true, false]
        });
        assert_eq!(
            text(&value),
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
    }

    #[test]
    fn rfc_8785_section_3_2_3_sorts_by_utf16_code_units() {
        let value =
            json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        assert_eq!(
            text(&value),
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
        );
    }

    #[test]
    fn the_safe_integers_and_no_others() {
        assert_eq!(
            text(&json!([9_007_199_254_740_991_i64, -9_007_199_254_740_991_i64, -0.0])),
            "[9007199254740991,-9007199254740991,0]"
        );
        for value in [
            json!(9_007_199_254_740_992_u64),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1e21),
            json!(-9007199254740992.0),
        ] {
            let error = canonical_json(&json!({"details": {"sizes": [1, value]}})).unwrap_err();
            assert!(error.to_string().starts_with("details.sizes[1]: the number"), "{error}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let mut value = Value::Null;
        for _ in 0..10_000 {
            value = Value::Array(vec![value]);
        }
        assert!(matches!(canonical_json(&value), Err(CanonicalError::Depth { .. })));
        // Dropping it recurses as well; take it apart from outside.
        while let Value::Array(mut items) = value {
            value = items.pop().unwrap_or(Value::Null);
        }
    }

    #[test]
    fn finds_every_byte_to_escape_at_every_place() {
        for length in 0..24 {
            for at in 0..length {
                for byte in 0..=255_u8 {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    let escaped = byte < 0x20 || byte == b'"' || byte == b'\\';
                    assert_eq!(
                        first_to_escape(&bytes),
                        escaped.then_some(at),
                        "{byte:#x} at {at} of {length}"
                    );
                }
            }
        }
    }
}
