use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::bounded::Bounded;

/// What an expression comes to.
#[derive(Clone, Debug)]
pub(crate) enum Val<'a> {
    /// A field that is not there, and JSON's `null`.
    Absent,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    List(&'a [Value]),
    Object(&'a Map<String, Value>),
}

impl<'a> Val<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Absent,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(number) => Self::Int(number),
                None => number.as_f64().map_or(Self::Absent, Self::Float),
            },
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(items) => Self::List(items),
            Value::Object(members) => Self::Object(members),
        }
    }

    pub(crate) fn member(&self, name: &str) -> Self {
        match self {
            Self::Object(members) => members.get(name).map_or(Self::Absent, Self::of),
            _ => Self::Absent,
        }
    }

    /// Go's truth: what is empty, zero or not there is false.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Absent => false,
            Self::Bool(value) => *value,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Object(members) => !members.is_empty(),
        }
    }

    /// Nothing equals what is absent, and nothing what is of another type; lists and objects are not compared.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            _ => self.order(other) == Some(Ordering::Equal),
        }
    }

    /// Of two numbers or two texts.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            // Beyond 2^53 a digit is lost, which matters only between an integer and a fraction.
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            // A cast saturates.
            Self::Float(number) if number.is_finite() => Some(*number as i64),
            _ => None,
        }
    }

    /// As `print` writes it. What is absent is nothing.
    pub(crate) fn write(&self, out: &mut Bounded) {
        match self {
            Self::Absent => {}
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(number) => write!(out, "{number}").expect("a bounded text takes anything"),
            Self::Float(number) => out.push_str(&float(*number)),
            Self::Text(text) => out.push_str(text),
            Self::List(items) => write_list(items, out),
            Self::Object(members) => write_object(members, out),
        }
    }

    /// As text, without a copy where it is one.
    pub(crate) fn text(self, limit: usize) -> Cow<'a, str> {
        if let Self::Text(text) = self {
            return text;
        }
        let mut out = Bounded::new(limit);
        self.write(&mut out);
        Cow::Owned(out.into_string())
    }
}

/// By name, as Go has them, whatever order the map keeps.
pub(crate) fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    sorted
}

/// As people write numbers, not as Go does: 1500000, not 1.5e+06.
fn float(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        format!("{number:.0}")
    } else {
        serde_json::json!(number).to_string()
    }
}

fn write_list(items: &[Value], out: &mut Bounded) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if out.is_full() {
            return;
        }
        if index > 0 {
            out.push(' ');
        }
        write_inner(item, out);
    }
    out.push(']');
}

fn write_object(members: &Map<String, Value>, out: &mut Bounded) {
    out.push_str("map[");
    for (index, (name, value)) in sorted(members).into_iter().enumerate() {
        if out.is_full() {
            return;
        }
        if index > 0 {
            out.push(' ');
        }
        out.push_str(name);
        out.push(':');
        write_inner(value, out);
    }
    out.push(']');
}

fn write_inner(value: &Value, out: &mut Bounded) {
    match value {
        Value::Null => out.push_str("<nil>"),
        value => Val::of(value).write(out),
    }
}
