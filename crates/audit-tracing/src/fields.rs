use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;

use audit_model::{MAX_SAFE_INTEGER, Value};
use tracing_core::Field;
use tracing_core::field::Visit;

use crate::choice::{is_own, is_part};

/// What was recorded of a span or event: typed values by the names of their fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields(pub(crate) BTreeMap<&'static str, Value>);

impl Fields {
    /// Those that are handed on to what happens within: all of a span that is chosen, else the event's parts.
    pub(crate) fn handed_on(&self, is_chosen: bool) -> impl Iterator<Item = (&'static str, Value)> {
        self.0
            .iter()
            .filter(move |(name, _)| !is_own(name) && (is_chosen || is_part(name)))
            .map(|(name, value)| (*name, value.clone()))
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name(), value.into());
    }
}

/// Numbers that the log cannot hold exactly become texts.
impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.abs() <= MAX_SAFE_INTEGER as f64 {
            self.put(field, value);
        } else {
            self.put(field, value.to_string());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if value.unsigned_abs() <= MAX_SAFE_INTEGER {
            self.put(field, value);
        } else {
            self.put(field, value.to_string());
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if value <= MAX_SAFE_INTEGER {
            self.put(field, value);
        } else {
            self.put(field, value.to_string());
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.put(field, value.to_string()),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.put(field, value.to_string()),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        self.put(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }
}
