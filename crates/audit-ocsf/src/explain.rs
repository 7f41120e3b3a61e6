use std::fmt;

use audit_model::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::schema::{Attribute, Item, Kind, Requirement, Schema};
use crate::schema_version::{Nearest, SchemaVersion};
use crate::walk::MAX_DEPTH;
use crate::wording::{push_index, push_name};

/// A record with its ids in words.
///
/// Displays as indented lines for a terminal, in which control characters of the record are escaped.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The version of the schema that the words are from: the record's own, or else the nearest known.
    pub version: &'static str,
    /// The class's caption, such as `Authentication`; none when the version has no such class.
    pub class: Option<&'static str>,
    /// The caption of the class's category, such as `Identity & Access Management`.
    pub category: Option<&'static str>,
    /// Every attribute of the record, objects and arrays before what is in them.
    pub lines: Vec<Line>,
}

/// One attribute, or one value of an array.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Line {
    /// Where, written as the path of a [`Finding`](crate::Finding).
    pub path: String,
    /// How deep it is in the record; the record's own attributes are at 0.
    pub depth: usize,
    /// The attribute's name, or `[0]` for a value of an array.
    pub name: String,
    /// The value, when it isn't an object or array with something in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What the value means: the caption of an enum's value, or a time in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// How much the schema asks for the attribute; none for what the schema doesn't have, and in an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirement: Option<Requirement>,
    /// What is odd about it, such as `not in OCSF 1.0.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The record with its ids in words, by the schema of its own `metadata.version`.
///
/// Anything can be explained; what no schema has stands there as it is, and says so.
///
/// ```
/// use serde_json::json;
///
/// let record = json!({"class_uid": 3002, "time": 1700533469078_i64, "colour": "red", "metadata": {"version": "1.0.0"}});
/// assert_eq!(
///     audit_ocsf::explain(&record).to_string(),
///     "Authentication (Identity & Access Management), OCSF 1.0.0
///   class_uid: 3002 (Authentication)
///   colour: \"red\" (not in OCSF 1.0.0)
///   metadata:
///     version: \"1.0.0\"
///   time: 1700533469078 (2023-11-21T02:24:29.078Z)
/// "
/// );
/// ```
#[must_use]
pub fn explain(record: &Value) -> Explanation {
    let text = record.get("metadata").and_then(|metadata| metadata.get("version")).and_then(Value::as_str);
    let version = match text.map(SchemaVersion::nearest) {
        Some(
            Nearest::Known(known)
            | Nearest::Between(known)
            | Nearest::Outside(known)
            | Nearest::NotAVersion(known),
        ) => known,
        None => SchemaVersion::NEWEST,
    };
    let schema = Schema::of(version);
    let class = record.get("class_uid").and_then(Value::as_i64).and_then(|uid| schema.class(uid));
    let profiles = schema.profiles_of(record.get("metadata"));
    let mut walk = Walk { schema, profiles, path: String::new(), depth: 0, lines: Vec::new() };
    match record {
        Value::Object(fields) => walk.fields(class.map_or(Place::Nowhere, Place::In), fields),
        other => walk.value("", other, Meaning::default()),
    }
    Explanation {
        version: version.as_str(),
        class: class.map(|class| class.caption.as_str()),
        category: class.and_then(|class| class.category.as_deref()),
        lines: walk.lines,
    }
}

struct Walk {
    schema: &'static Schema,
    profiles: Vec<&'static str>,
    path: String,
    depth: usize,
    lines: Vec<Line>,
}

/// Where the walk is in the schema.
#[derive(Clone, Copy)]
enum Place {
    In(&'static Item),
    /// In what the schema leaves open, or doesn't have: there, nothing is unknown.
    Nowhere,
}

/// What the schema says of a value.
#[derive(Clone, Default)]
struct Meaning {
    attribute: Option<&'static Attribute>,
    requirement: Option<Requirement>,
    note: Option<String>,
}

impl Walk {
    fn fields(&mut self, place: Place, fields: &Map<String, Value>) {
        for (name, value) in fields {
            let length = self.path.len();
            push_name(&mut self.path, name);
            let meaning = self.meaning(place, name);
            self.value(name, value, meaning);
            self.path.truncate(length);
        }
    }

    fn meaning(&self, place: Place, name: &str) -> Meaning {
        let schema = self.schema;
        let Place::In(item) = place else { return Meaning::default() };
        match schema.attribute(item, name) {
            Some(attribute) => {
                let is_in = attribute.is_in(&self.profiles);
                let gone = attribute.deprecated.as_ref();
                Meaning {
                    attribute: Some(attribute),
                    requirement: Some(attribute.requirement),
                    note: (!is_in)
                        .then(|| format!("only with the profile {}", attribute.profiles.join(" or ")))
                        .or_else(|| gone.map(|gone| format!("deprecated since {}", gone.since))),
                }
            }
            None => {
                let is_open = schema.attributes(item).next().is_none();
                let note = (!is_open).then(|| format!("not in OCSF {}", schema.version));
                Meaning { note, ..Meaning::default() }
            }
        }
    }

    fn value(&mut self, name: &str, value: &Value, meaning: Meaning) {
        let Meaning { attribute, requirement, note } = meaning;
        let is_leaf = match value {
            Value::Array(values) => values.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => true,
        };
        let is_cut = !is_leaf && self.depth == MAX_DEPTH;
        self.lines.push(Line {
            path: self.path.clone(),
            depth: self.depth,
            name: name.to_owned(),
            value: is_leaf.then(|| value.clone()),
            words: attribute.and_then(|attribute| words(self.schema, attribute, value)),
            requirement,
            note: if is_cut { Some("nested deeper than is shown".to_owned()) } else { note },
        });
        if is_cut {
            return;
        }
        self.depth += 1;
        match value {
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    let length = self.path.len();
                    push_index(&mut self.path, index);
                    self.value(&format!("[{index}]"), value, Meaning { attribute, ..Meaning::default() });
                    self.path.truncate(length);
                }
            }
            Value::Object(fields) => {
                let place = match attribute.map(|attribute| self.schema.kind(attribute)) {
                    Some(Kind::Object(object)) => Place::In(object),
                    Some(Kind::Type(_)) | None => Place::Nowhere,
                };
                self.fields(place, fields);
            }
            _ => {}
        }
        self.depth -= 1;
    }
}

fn words(schema: &Schema, attribute: &Attribute, value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if let Some(values) = schema.enum_values(attribute) {
        let known = values.iter().find(|known| known.value == text)?;
        // `GET (GET)` says nothing.
        return (known.caption != text).then(|| known.caption.clone());
    }
    match schema.kind(attribute) {
        Kind::Type(of) if of.name == "timestamp_t" => {
            Some(Timestamp::from_milliseconds(value.as_i64()?).ok()?.to_string())
        }
        _ => None,
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.class, self.category) {
            (Some(class), Some(category)) => write!(f, "{class} ({category})")?,
            (Some(class), None) => write!(f, "{class}")?,
            (None, _) => write!(f, "no known class")?,
        }
        writeln!(f, ", OCSF {}", self.version)?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Indented by its depth, without a line's end.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = 2 * (self.depth + 1);
        write!(f, "{:indent$}{}:", "", self.name.escape_debug())?;
        match &self.value {
            Some(Value::String(text)) => write!(f, " {text:?}")?,
            Some(value) => write!(f, " {value}")?,
            None => {}
        }
        for aside in self.words.iter().chain(&self.note) {
            write!(f, " ({})", aside.escape_debug())?;
        }
        Ok(())
    }
}
