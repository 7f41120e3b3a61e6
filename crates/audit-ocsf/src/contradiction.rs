use std::fmt;

use audit_model::{Map, Value};

use crate::mapping::LOG_PROVIDER;
use crate::object::Product;
use crate::{Mapping, MappingError, NativeRecord, Recorded, Rule, Version};

/// An attribute of a record that is not what the log's own line, in its `raw_data`, says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contradiction {
    /// Where, as a JSON path.
    pub path: String,
    /// What became of it.
    pub kind: ContradictionKind,
}

/// What became of an attribute since it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ContradictionKind {
    /// It has another value.
    Changed,
    /// It is gone.
    Removed,
    /// It was not there: somebody enriched the record, or forged it.
    Added,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let became = match self.kind {
            ContradictionKind::Changed => "is not what raw_data says",
            ContradictionKind::Removed => "is gone, and raw_data says that it was there",
            ContradictionKind::Added => "was added: raw_data does not say it",
        };
        write!(f, "{} {became}", self.path)
    }
}

/// What in a record that a [`Mapping`] made is not what the log's line in its `raw_data` says: the line's seal proves the
/// line, and this the attributes around it. `None` when there is nothing to compare: `raw_data` holds no sealed line of
/// an audit log.
///
/// The `rules` are those of the mapping that made it. So is the product; without it, `metadata.product` is taken as it is.
/// What was coalesced is believed where it can be: its times have to lie around the line's, and its count has to be two
/// or more.
///
/// # Errors
/// When the line has no record, which one that was sealed always has.
pub fn contradictions(
    record: &Value,
    rules: &[Rule],
    product: Option<&Product>,
) -> Result<Option<Vec<Contradiction>>, MappingError> {
    let Some(line) = carried_line(record) else { return Ok(None) };
    let Ok(native) = NativeRecord::parse(line.as_bytes()) else { return Ok(None) };
    if native.sequence_number.is_none() {
        return Ok(None);
    }
    let text = |path: &str| record.pointer(path).and_then(Value::as_str);
    let mut found = Found::default();
    let Some(version) = text("/metadata/version").and_then(|version| version.parse::<Version>().ok()) else {
        // There is no telling what the record was in that version.
        if text("/metadata/log_provider") != Some(LOG_PROVIDER) {
            found.add(ContradictionKind::Changed, &["metadata", "log_provider"]);
        }
        found.add(ContradictionKind::Changed, &["metadata", "version"]);
        return Ok(Some(found.contradictions));
    };
    let mapping = Mapping::new(version);
    let mapping = match product {
        Some(product) => mapping.product(product),
        None => mapping.product_json(&record["metadata"]["product"]),
    };
    let mapping = rules.iter().cloned().fold(mapping, Mapping::rule);
    let last = merged_through(record, &native);
    let recorded = Recorded { last_sequence_number: last, ..native.recorded() };
    let expected = mapping.to_value(&native.event, recorded)?;
    let is_passed_over =
        |name: &str| last.is_some() && matches!(name, "count" | "time" | "start_time" | "end_time");
    if let (Value::Object(expected), Value::Object(record)) = (&expected, record) {
        found.compare_objects(expected, record, &mut Vec::new(), &is_passed_over);
    }
    Ok(Some(found.contradictions))
}

/// The log's own line that a record carries: `raw_data`, or `unmapped.audit_log.raw_data` of a long one.
#[must_use]
pub fn carried_line(record: &Value) -> Option<&str> {
    record.get("raw_data").or_else(|| record.pointer("/unmapped/audit_log/raw_data"))?.as_str()
}

/// The number of the last of several that were coalesced, if that can be.
fn merged_through(record: &Value, native: &NativeRecord<'_>) -> Option<u64> {
    let number = |path: &str| record.pointer(path).and_then(Value::as_i64);
    let last = record.pointer("/unmapped/audit_log/last_sequence").and_then(Value::as_u64)?;
    let (start, end) = (number("/start_time")?, number("/end_time")?);
    let can_be = last > native.sequence_number?
        && number("/count")? >= 2
        && number("/time")? == start
        && (start..=end).contains(&native.event.timestamp.as_milliseconds());
    can_be.then_some(last)
}

/// Contradictions as they are found, up to a number that anybody wants to read: so many edits, and as many additions, so
/// that additions hide no edit.
#[derive(Default)]
struct Found {
    contradictions: Vec<Contradiction>,
    added: usize,
}

/// Where one is: names and places in arrays, joined only when there is something to tell.
type Path<'a> = Vec<Segment<'a>>;

#[derive(Clone, Copy)]
enum Segment<'a> {
    Name(&'a str),
    Index(usize),
}

impl Found {
    const MOST: usize = 100;

    fn is_full(&self) -> bool {
        self.contradictions.len() - self.added >= Self::MOST
    }

    fn add(&mut self, kind: ContradictionKind, names: &[&str]) {
        let path: Path<'_> = names.iter().map(|name| Segment::Name(name)).collect();
        self.tell(kind, &path);
    }

    fn tell(&mut self, kind: ContradictionKind, path: &Path<'_>) {
        let is_addition = kind == ContradictionKind::Added;
        if if is_addition { self.added >= Self::MOST } else { self.is_full() } {
            return;
        }
        self.added += usize::from(is_addition);
        let mut joined = String::new();
        for segment in path {
            match segment {
                Segment::Name(name) if joined.is_empty() => joined.push_str(name),
                Segment::Name(name) => joined.extend([".", name]),
                Segment::Index(index) => joined.push_str(&format!("[{index}]")),
            }
        }
        self.contradictions.push(Contradiction { path: joined, kind });
    }

    fn compare<'a>(&mut self, expected: &'a Value, found: &'a Value, path: &mut Path<'a>) {
        match (expected, found) {
            (Value::Object(expected), Value::Object(found)) => {
                self.compare_objects(expected, found, path, &|_| false);
            }
            (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
                for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                    path.push(Segment::Index(index));
                    self.compare(expected, found, path);
                    path.pop();
                    if self.is_full() {
                        return;
                    }
                }
            }
            // 5 and 5.0 are one number, and whoever copied the record may have written either.
            _ if expected == found || (expected.is_number() && expected.as_f64() == found.as_f64()) => {}
            _ => self.tell(ContradictionKind::Changed, path),
        }
    }

    fn compare_objects<'a>(
        &mut self,
        expected: &'a Map,
        found: &'a Map,
        path: &mut Path<'a>,
        passed_over: &dyn Fn(&str) -> bool,
    ) {
        for (name, value) in expected.iter().filter(|(name, _)| !passed_over(name)) {
            path.push(Segment::Name(name));
            match found.get(name) {
                Some(found) => self.compare(value, found, path),
                None => self.tell(ContradictionKind::Removed, path),
            }
            path.pop();
            if self.is_full() {
                return;
            }
        }
        for name in found.keys().filter(|name| !passed_over(name) && !expected.contains_key(*name)) {
            path.push(Segment::Name(name));
            self.tell(ContradictionKind::Added, path);
            path.pop();
        }
    }
}
