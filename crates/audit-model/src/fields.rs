//! Taking an object apart into known fields of known types and whatever is left.

use crate::tree::{Entries, Tree};
use crate::{FieldError, Map, Value};

pub(crate) struct Fields<'a> {
    path: &'static str,
    entries: Entries<'a>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(path: &'static str, tree: Tree<'a>) -> Result<Self, FieldError> {
        let entries = tree.into_entries();
        let entries = entries.map_err(|other| FieldError::new(path.to_owned(), &other, "an object"))?;
        Ok(Self { path, entries })
    }

    fn error(&self, key: &str, found: &Value, expected: &str) -> FieldError {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        FieldError::new(path, found, expected)
    }

    /// The field; JSON's `null` counts as absent.
    pub(crate) fn take(&mut self, key: &str) -> Option<Tree<'a>> {
        let place = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.swap_remove(place).1).filter(|tree| !tree.is_null())
    }

    fn value(&mut self, key: &str) -> Option<Value> {
        self.take(key).map(Tree::into_value)
    }

    pub(crate) fn string(&mut self, key: &str) -> Result<Option<String>, FieldError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.error(key, &other, "a string")),
        }
    }

    pub(crate) fn strings(&mut self, key: &str) -> Result<Vec<String>, FieldError> {
        const EXPECTED: &str = "an array of strings";
        match self.value(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text),
                    other => Err(self.error(key, &other, EXPECTED)),
                })
                .collect(),
            Some(other) => Err(self.error(key, &other, EXPECTED)),
        }
    }

    pub(crate) fn milliseconds(&mut self, key: &str) -> Result<Option<u64>, FieldError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let whole = value.as_f64().filter(|f| f.fract() == 0.0 && (0.0..=9e15).contains(f)).map(|f| f as u64);
        value
            .as_u64()
            .or(whole)
            .map(Some)
            .ok_or_else(|| self.error(key, &value, "a number of milliseconds, from 0"))
    }

    pub(crate) fn parsed<T: std::str::FromStr>(
        &mut self,
        key: &str,
        expected: &str,
    ) -> Result<Option<T>, FieldError> {
        let Some(text) = self.string(key)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.error(key, &Value::String(text.clone()), expected))
    }

    pub(crate) fn object(&mut self, key: &str) -> Result<Map, FieldError> {
        match self.value(key) {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map),
            Some(other) => Err(self.error(key, &other, "an object")),
        }
    }

    pub(crate) fn rest(self) -> Map {
        self.entries.into_iter().map(|(name, tree)| (name.into_owned(), tree.into_value())).collect()
    }
}
