use std::fmt;

use audit_model::{Map, Value};

use crate::mapping::LOG_PROVIDER;
use crate::target::OTHER;
use crate::{Class, Mapping, MappingError, NativeRecord, Rule, Version};

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

/// At most so many are told.
const MOST: usize = 100;

/// What in a record that a [`Mapping`] made is not what the log's line in its `raw_data` says: the line's seal proves the
/// line, and this the attributes around it. `None` when there is nothing to compare: another made the record, or it
/// has no `raw_data`.
///
/// Class and activity of custom types are taken as they are unless one of the `rules` decides them. Of records that
/// were coalesced, times and counts cannot be told from the first line alone.
///
/// # Errors
/// When `raw_data` is no record of an audit log.
pub fn contradictions(record: &Value, rules: &[Rule]) -> Result<Option<Vec<Contradiction>>, MappingError> {
    let text = |path: &str| record.pointer(path).and_then(Value::as_str);
    let is_own = text("/metadata/log_provider") == Some(LOG_PROVIDER);
    let version = text("/metadata/version").and_then(|version| version.parse::<Version>().ok());
    let line = text("/raw_data").or(text("/unmapped/audit_log/raw_data"));
    let (true, Some(version), Some(line)) = (is_own, version, line) else { return Ok(None) };

    let native = NativeRecord::parse(line.as_bytes())?;
    let mut mapping = Mapping::new(version).product_json(&record["metadata"]["product"]);
    for rule in rules {
        mapping = mapping.rule(rule.clone());
    }
    if native.event.event_type.is_custom()
        && let Some(rule) = rule_of(record, native.event.event_type.as_str())
    {
        mapping = mapping.rule(rule);
    }
    let mut recorded = native.recorded();
    recorded.last_sequence_number =
        record.pointer("/unmapped/audit_log/last_sequence").and_then(Value::as_u64);
    let expected = mapping.to_value(&native.event, recorded)?;

    let is_coalesced = recorded.last_sequence_number.is_some();
    let cannot_be_told =
        |name: &str| is_coalesced && matches!(name, "count" | "time" | "start_time" | "end_time");
    let mut found = Vec::new();
    if let (Value::Object(expected), Value::Object(record)) = (&expected, record) {
        compare_objects(expected, record, "", &cannot_be_told, &mut found);
    }
    found.truncate(MOST);
    Ok(Some(found))
}

/// What the record itself says that its type becomes.
fn rule_of(record: &Value, event_type: &str) -> Option<Rule> {
    let uid = record.get("class_uid")?.as_u64()?;
    let class = Class::ALL.iter().copied().find(|class| u64::from(class.uid()) == uid)?;
    let activity = record.get("activity_id")?.as_u64().and_then(|id| u8::try_from(id).ok()).unwrap_or(OTHER);
    let rule = Rule::new(event_type.parse().ok()?, class, activity);
    Some(match record.get("activity_name").and_then(Value::as_str) {
        Some(name) => rule.activity_name(name),
        None => rule,
    })
}

fn compare(expected: &Value, found: &Value, path: &str, contradictions: &mut Vec<Contradiction>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            compare_objects(expected, found, path, &|_| false, contradictions);
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(expected, found, &format!("{path}[{index}]"), contradictions);
            }
        }
        // 5 and 5.0 are one number, and whoever copied the record may have written either.
        _ if expected == found || (expected.is_number() && expected.as_f64() == found.as_f64()) => {}
        _ => contradictions.push(Contradiction { path: path.to_owned(), kind: ContradictionKind::Changed }),
    }
}

fn compare_objects(
    expected: &Map,
    found: &Map,
    path: &str,
    passed_over: &dyn Fn(&str) -> bool,
    contradictions: &mut Vec<Contradiction>,
) {
    let joined = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for (name, value) in expected.iter().filter(|(name, _)| !passed_over(name)) {
        match found.get(name) {
            Some(found) => compare(value, found, &joined(name), contradictions),
            None => {
                contradictions.push(Contradiction { path: joined(name), kind: ContradictionKind::Removed });
            }
        }
    }
    for name in found.keys().filter(|name| !passed_over(name) && !expected.contains_key(*name)) {
        contradictions.push(Contradiction { path: joined(name), kind: ContradictionKind::Added });
    }
}
