//! An interpreter of the part of the query DSL that translations use, over an index with the documented mapping. What
//! it does not know is an error, so that a translation can't use what nobody checked.

use std::collections::BTreeMap;

use audit_model::{Event, Timestamp};
use regex::Regex;
use serde_json::{Map, Value};

/// A document as it is indexed: arrays and objects are flattened, nulls left out.
type Document = BTreeMap<String, Vec<Value>>;

pub(crate) fn rows(bodies: &[String], events: &[Event], now: Timestamp, sealed: bool) -> Vec<String> {
    let documents: Vec<Document> = events
        .iter()
        .map(|event| {
            let value: Value = serde_json::from_slice(&event.to_canonical_json().unwrap()).unwrap();
            let mut document = Document::new();
            flatten(if sealed { "event" } else { "" }, &value, &mut document);
            document
        })
        .collect();
    bodies
        .iter()
        .map(|body| {
            let body: Value = serde_json::from_str(body).unwrap();
            let query = Query::read(only(body.as_object().unwrap(), "query"), now);
            documents.iter().map(|document| if query.matches(document) { '1' } else { '0' }).collect()
        })
        .collect()
}

fn flatten(name: &str, value: &Value, into: &mut Document) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| flatten(name, item, into)),
        Value::Object(members) => {
            for (key, value) in members {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, into);
            }
        }
        scalar => {
            into.entry(name.to_owned()).or_default().push(scalar.clone());
            if scalar.is_string() && !name.ends_with("timestamp") {
                into.entry(format!("{name}.keyword")).or_default().push(scalar.clone());
            }
        }
    }
}

#[derive(Debug)]
enum Query {
    All,
    None,
    Bool { filter: Vec<Query>, should: Vec<Query>, must_not: Vec<Query> },
    Terms(String, Vec<Value>),
    Range(String, Vec<(String, Value)>),
    Date(String, Vec<(String, i64)>),
    Pattern(String, Regex),
    Prefix(String, String),
    Exists(String),
}

fn only<'v>(object: &'v Map<String, Value>, name: &str) -> &'v Value {
    assert_eq!(object.len(), 1, "{object:?}");
    object.get(name).unwrap_or_else(|| panic!("{name} is missing: {object:?}"))
}

fn single(object: &Value) -> (&str, &Value) {
    let object = object.as_object().unwrap();
    assert_eq!(object.len(), 1, "{object:?}");
    object.iter().map(|(name, value)| (name.as_str(), value)).next().unwrap()
}

impl Query {
    fn read(clause: &Value, now: Timestamp) -> Self {
        let (kind, body) = single(clause);
        match kind {
            "match_all" | "match_none" => {
                assert!(body.as_object().unwrap().is_empty());
                if kind == "match_all" { Self::All } else { Self::None }
            }
            "bool" => {
                let clauses = |name: &str| -> Vec<Self> {
                    let list =
                        body.get(name).map(|list| list.as_array().unwrap().as_slice()).unwrap_or_default();
                    list.iter().map(|clause| Self::read(clause, now)).collect()
                };
                for (name, value) in body.as_object().unwrap() {
                    match name.as_str() {
                        "filter" | "should" | "must_not" => assert!(!value.as_array().unwrap().is_empty()),
                        "minimum_should_match" => assert_eq!(value, 1),
                        other => panic!("bool has no {other}"),
                    }
                }
                let should = clauses("should");
                assert_eq!(should.is_empty(), body.get("minimum_should_match").is_none());
                Self::Bool { filter: clauses("filter"), should, must_not: clauses("must_not") }
            }
            "exists" => Self::Exists(only(body.as_object().unwrap(), "field").as_str().unwrap().to_owned()),
            "term" => {
                let (field, value) = single(body);
                assert!(!value.is_object() && !value.is_array());
                Self::Terms(field.to_owned(), vec![value.clone()])
            }
            "terms" => {
                let (field, values) = single(body);
                Self::Terms(field.to_owned(), values.as_array().unwrap().clone())
            }
            "prefix" => {
                let (field, value) = single(body);
                let prefix = only(value.as_object().unwrap(), "value").as_str().unwrap();
                Self::Prefix(keyword(field), prefix.to_owned())
            }
            "wildcard" => {
                let (field, value) = single(body);
                let text = only(value.as_object().unwrap(), "value").as_str().unwrap();
                Self::Pattern(keyword(field), wildcard(text))
            }
            "regexp" => {
                let (field, value) = single(body);
                assert_eq!(value.as_object().unwrap().len(), 2);
                assert_eq!(value["flags"], "NONE");
                let text = value["value"].as_str().unwrap();
                assert!(text.chars().count() <= 1000);
                Self::Pattern(keyword(field), lucene(text))
            }
            "range" => {
                let (field, limits) = single(body);
                let limits = limits.as_object().unwrap().iter();
                assert!(limits.clone().all(|(op, _)| ["gt", "gte", "lt", "lte"].contains(&op.as_str())));
                if field.ends_with("timestamp") {
                    Self::Date(
                        field.to_owned(),
                        limits.map(|(op, v)| (op.clone(), date(v.as_str().unwrap(), now))).collect(),
                    )
                } else {
                    Self::Range(field.to_owned(), limits.map(|(op, v)| (op.clone(), v.clone())).collect())
                }
            }
            other => panic!("there is no query {other}"),
        }
    }

    fn matches(&self, document: &Document) -> bool {
        let values = |field: &str| document.get(field).map(Vec::as_slice).unwrap_or_default();
        match self {
            Self::All => true,
            Self::None => false,
            Self::Bool { filter, should, must_not } => {
                filter.iter().all(|query| query.matches(document))
                    && (should.is_empty() || should.iter().any(|query| query.matches(document)))
                    && !must_not.iter().any(|query| query.matches(document))
            }
            Self::Terms(field, terms) => {
                values(field).iter().any(|value| terms.iter().any(|term| order(field, value, term).is_eq()))
            }
            Self::Range(field, limits) => values(field)
                .iter()
                .any(|value| limits.iter().all(|(op, limit)| holds(op, order(field, value, limit)))),
            Self::Date(field, limits) => values(field).iter().any(|value| {
                let time: Timestamp = value.as_str().unwrap().parse().unwrap();
                limits.iter().all(|(op, limit)| holds(op, time.as_milliseconds().cmp(limit)))
            }),
            Self::Pattern(field, regex) => {
                values(field).iter().any(|value| regex.is_match(value.as_str().unwrap()))
            }
            Self::Prefix(field, prefix) => {
                values(field).iter().any(|value| value.as_str().unwrap().starts_with(prefix))
            }
            // An empty text is no value of the field of words.
            Self::Exists(field) if field.ends_with(".keyword") => !values(field).is_empty(),
            Self::Exists(field) => {
                let object = format!("{field}.");
                values(field).iter().any(|value| value != "")
                    || document
                        .keys()
                        .any(|name| name.starts_with(&object) && name != &format!("{field}.keyword"))
            }
        }
    }
}

/// Only there whole texts are compared.
fn keyword(field: &str) -> String {
    assert!(field.ends_with(".keyword"), "{field}");
    field.to_owned()
}

fn holds(op: &str, order: std::cmp::Ordering) -> bool {
    match op {
        "gt" => order.is_gt(),
        "gte" => order.is_ge(),
        "lt" => order.is_lt(),
        _ => order.is_le(),
    }
}

/// A field has one type, and what it is compared with has the same.
fn order(field: &str, value: &Value, other: &Value) -> std::cmp::Ordering {
    match (value, other) {
        (Value::String(a), Value::String(b)) => {
            keyword(field);
            a.as_bytes().cmp(b.as_bytes())
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64().unwrap().total_cmp(&b.as_f64().unwrap()),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => panic!("{field}: {value} and {other}"),
    }
}

/// A date, or `now` plus a count of one unit.
fn date(text: &str, now: Timestamp) -> i64 {
    let Some(math) = text.strip_prefix("now") else {
        return text.parse::<Timestamp>().unwrap().as_milliseconds();
    };
    if math.is_empty() {
        return now.as_milliseconds();
    }
    let (count, unit) = math.split_at(math.len() - 1);
    let unit = match unit {
        "d" => 86_400_000,
        "h" => 3_600_000,
        "m" => 60_000,
        "s" => 1000,
        other => panic!("no unit {other}"),
    };
    assert!(count.starts_with(['+', '-']));
    now.as_milliseconds() + i64::from(count.parse::<i32>().unwrap()) * unit
}

fn wildcard(text: &str) -> Regex {
    let mut regex = String::from(r"(?s)\A");
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '\\' => regex.push_str(&regex::escape(&chars.next().unwrap().to_string())),
            c => regex.push_str(&regex::escape(&c.to_string())),
        }
    }
    Regex::new(&(regex + r"\z")).unwrap()
}

/// Lucene's regular expressions with all optional operators off: they match the whole term, a dot is any character,
/// and what is not an operator is escaped, to be safe from those that another version may have.
fn lucene(text: &str) -> Regex {
    let mut regex = String::from(r"(?s)\A(?:");
    let mut chars = text.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let escaped = chars.next().unwrap();
                assert!(escaped.is_ascii_punctuation(), "\\{escaped} is no plain character: {text}");
                regex.push_str(&if in_class {
                    format!(r"\x{{{:x}}}", u32::from(escaped))
                } else {
                    regex::escape(&escaped.to_string())
                });
            }
            '[' if !in_class => {
                in_class = true;
                regex.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    regex.push('^');
                }
            }
            ']' if in_class => {
                in_class = false;
                regex.push(']');
            }
            '-' if in_class => regex.push('-'),
            '.' | '*' | '+' | '?' | '(' | ')' | '|' if !in_class => regex.push(c),
            '{' if !in_class => {
                regex.push('{');
                for c in chars.by_ref() {
                    assert!(c.is_ascii_digit() || c == ',' || c == '}', "{text}");
                    regex.push(c);
                    if c == '}' {
                        break;
                    }
                }
            }
            c => {
                assert!(!c.is_ascii_punctuation(), "{c} is not escaped: {text}");
                regex.push(c);
            }
        }
    }
    Regex::new(&(regex + r")\z")).unwrap()
}
