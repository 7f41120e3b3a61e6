//! JSON as it was read, with names and texts left where they stand: of an event's names most are known, and need no copy.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::{JsonError, MAX_DEPTH, MAX_SAFE_INTEGER, Value};

#[derive(Debug)]
pub(crate) enum Tree<'a> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Entries<'a>),
    /// What came as a value.
    Value(Value),
}

/// In the order of the text. No name occurs twice.
pub(crate) type Entries<'a> = Vec<(Cow<'a, str>, Tree<'a>)>;

impl<'a> Tree<'a> {
    pub(crate) fn read(text: &'a [u8]) -> Result<Self, JsonError> {
        // Once for all of its strings. A text that is none is read up to there, for the place to be told.
        match std::str::from_utf8(text) {
            Ok(text) => Self::from_json(serde_json::Deserializer::from_str(text)),
            Err(_) => Self::from_json(serde_json::Deserializer::from_slice(text)),
        }
    }

    fn from_json<R: serde_json::de::Read<'a>>(
        mut json: serde_json::Deserializer<R>,
    ) -> Result<Self, JsonError> {
        let tree = Strict { depth: 0 }.deserialize(&mut json)?;
        json.end()?;
        Ok(tree)
    }

    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number),
            Self::String(text) => Value::String(text.into_owned()),
            Self::Array(items) => Value::Array(items.into_iter().map(Self::into_value).collect()),
            Self::Object(entries) => Value::Object(
                entries.into_iter().map(|(name, tree)| (name.into_owned(), tree.into_value())).collect(),
            ),
            Self::Value(value) => value,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::Value(Value::Null))
    }

    /// An object's entries, or what it is instead.
    pub(crate) fn into_entries(self) -> Result<Entries<'a>, Value> {
        match self {
            Self::Object(entries) => Ok(entries),
            Self::Value(Value::Object(map)) => {
                Ok(map.into_iter().map(|(name, value)| (name.into(), Self::Value(value))).collect())
            }
            other => Err(other.into_value()),
        }
    }
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
    type Value = Tree<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn number<E: Error>(found: impl fmt::Display + Into<Value>, is_exact: bool) -> Result<Tree<'static>, E> {
    if !is_exact {
        return Err(E::custom(format!(
            "the number {found} is beyond ±(2^53−1) and would lose digits; write it as a string"
        )));
    }
    Ok(match found.into() {
        Value::Number(number) => Tree::Number(number),
        value => Tree::Value(value),
    })
}

impl<'de> Visitor<'de> for Strict {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree<'de>, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree<'de>, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree<'de>, E> {
        number(value, value.unsigned_abs() <= MAX_SAFE_INTEGER)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree<'de>, E> {
        number(value, value <= MAX_SAFE_INTEGER)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree<'de>, E> {
        number(value, value.abs() <= MAX_SAFE_INTEGER as f64)
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Tree<'de>, E> {
        Ok(Tree::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree<'de>, E> {
        Ok(Tree::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Tree::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Tree<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut names = Names::default();
        let mut entries = Entries::with_capacity(8);
        while let Some(name) = fields.next_key_seed(Name)? {
            if names.are_repeated_by(&name, &entries) {
                return Err(A::Error::custom(format!("the name `{name}` occurs twice in one object")));
            }
            let tree = fields.next_value_seed(inner)?;
            entries.push((name, tree));
        }
        Ok(Tree::Object(entries))
    }
}

/// The names of an object so far: few are compared one by one.
#[derive(Default)]
struct Names {
    many: HashSet<String>,
}

impl Names {
    fn are_repeated_by(&mut self, name: &str, entries: &Entries<'_>) -> bool {
        const FEW: usize = 16;
        if entries.len() < FEW {
            return entries.iter().any(|(other, _)| other == name);
        }
        if self.many.is_empty() {
            self.many.extend(entries.iter().map(|(other, _)| other.clone().into_owned()));
        }
        !self.many.insert(name.to_owned())
    }
}

struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_occurs_twice_is_found_among_few_and_many() {
        for count in [1, 2, 15, 16, 17, 40] {
            let names: Vec<String> = (0..count).map(|number| format!("\"name{number}\":0")).collect();
            let whole = format!("{{{}}}", names.join(","));
            assert_eq!(Tree::read(whole.as_bytes()).unwrap().into_entries().unwrap().len(), count);
            for repeated in [0, count / 2, count - 1] {
                let text = format!("{{{},\"n\\u0061me{repeated}\":1}}", names.join(","));
                let error = Tree::read(text.as_bytes()).unwrap_err();
                assert_eq!(error.message(), format!("the name `name{repeated}` occurs twice in one object"));
            }
        }
    }
}
