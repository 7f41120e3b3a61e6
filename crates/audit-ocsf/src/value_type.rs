use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

/// A type of the schema's dictionary, such as `ip_t`.
#[derive(Debug)]
pub(crate) struct ValueType {
    pub(crate) name: String,
    pub(crate) base: Base,
    pub(crate) observable: Option<i64>,
    max_len: Option<usize>,
    /// That of `string_t`, which binds where the type has none of its own.
    super_max_len: Option<usize>,
    range: Option<[i64; 2]>,
    pattern: Option<String>,
    regex: OnceLock<Regex>,
}

/// The primitive type that a value has in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Base {
    #[serde(rename = "boolean_t")]
    Boolean,
    #[serde(rename = "float_t")]
    Float,
    /// From −2^63 to 2^63−1.
    #[serde(rename = "integer_t")]
    Integer,
    /// Any value at all.
    #[serde(rename = "json_t")]
    Json,
    /// Of 128 bits, of which JSON numbers here have 64.
    #[serde(rename = "long_t")]
    Long,
    #[serde(rename = "string_t")]
    String,
}

/// A type as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawType {
    base: Base,
    #[serde(rename = "caption")]
    _caption: Option<String>,
    pub(crate) max_len: Option<usize>,
    observable: Option<i64>,
    range: Option<[i64; 2]>,
    regex: Option<String>,
}

/// What is wrong with a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mismatch<'a> {
    /// It is of another type altogether.
    Type,
    /// An integer where a fraction is expected. JSON can't tell the two apart.
    IntegerForFloat,
    Longer {
        length: usize,
        max_len: usize,
        is_super: bool,
    },
    Outside([i64; 2]),
    Pattern(&'a str),
}

impl ValueType {
    pub(crate) fn new(name: String, raw: RawType, string_max_len: Option<usize>) -> Self {
        Self {
            super_max_len: string_max_len.filter(|_| raw.base == Base::String && name != "string_t"),
            name,
            base: raw.base,
            observable: raw.observable,
            max_len: raw.max_len,
            range: raw.range,
            pattern: raw.regex,
            regex: OnceLock::new(),
        }
    }

    pub(crate) fn regex(&self) -> Option<&Regex> {
        let compile = |pattern| Regex::new(pattern).expect("a test compiles every pattern");
        self.pattern.as_deref().map(|pattern| self.regex.get_or_init(|| compile(pattern)))
    }

    /// Everything that is wrong with a value that isn't null.
    pub(crate) fn mismatches(&self, value: &Value) -> Vec<Mismatch<'_>> {
        match (self.base, value) {
            (Base::Json, _) | (Base::Boolean, Value::Bool(_)) => Vec::new(),
            (Base::String, Value::String(text)) => self.string_mismatches(text),
            (Base::Float, Value::Number(number)) if number.is_f64() => Vec::new(),
            (Base::Float, Value::Number(_)) => vec![Mismatch::IntegerForFloat],
            (Base::Integer, Value::Number(number)) => match number.as_i64() {
                Some(integer) => self.outside(integer),
                None => vec![Mismatch::Type],
            },
            (Base::Long, Value::Number(number)) if !number.is_f64() => {
                // Beyond 63 bits it is beyond every range, too.
                self.outside(number.as_i64().unwrap_or(i64::MAX))
            }
            _ => vec![Mismatch::Type],
        }
    }

    fn outside(&self, integer: i64) -> Vec<Mismatch<'_>> {
        let is_outside = |range: &[i64; 2]| !(range[0]..=range[1]).contains(&integer);
        self.range.filter(is_outside).map(Mismatch::Outside).into_iter().collect()
    }

    fn string_mismatches(&self, text: &str) -> Vec<Mismatch<'_>> {
        let mut found = Vec::new();
        if let Some(max_len) = self.max_len.or(self.super_max_len) {
            let length = text.chars().count();
            if length > max_len {
                found.push(Mismatch::Longer { length, max_len, is_super: self.max_len.is_none() });
            }
        }
        if let (Some(pattern), Some(regex)) = (&self.pattern, self.regex())
            && !regex.is_match(text)
        {
            found.push(Mismatch::Pattern(pattern));
        }
        found
    }
}
