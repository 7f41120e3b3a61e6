use serde_json::{Map, Value};

use crate::finding::{Code, Finding};
use crate::schema::{Item, Schema};
use crate::schema_version::{Nearest, SchemaVersion};
use crate::walk::Walk;
use crate::wording::{described, quoted, suggestion};
use crate::{observable, suspicion};

/// Everything that is wrong, or odd, about a record, held against the schema of its own `metadata.version`.
///
/// [`Validator`] has what else can be chosen; [`Code`] lists what is told.
///
/// ```
/// use audit_ocsf::{FindingSeverity, validate};
/// use serde_json::json;
///
/// let findings = validate(&json!({"class_uid": 3002, "class": "Authentication"}));
/// assert!(findings.iter().any(|finding| finding.to_string().starts_with("error attribute_unknown at class:")));
/// assert!(findings.iter().all(|finding| finding.severity == FindingSeverity::Error));
/// ```
#[must_use]
pub fn validate(record: &Value) -> Vec<Finding> {
    Validator::new().validate(record)
}

/// [`validate()`] with choices.
#[derive(Debug, Clone, Default)]
pub struct Validator {
    recommended: bool,
    version: Option<SchemaVersion>,
}

impl Validator {
    /// Of the record's own version, silent about missing recommended attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a missing recommended attribute is told (`attribute_recommended_missing`, a warning).
    #[must_use]
    pub fn recommended(mut self, is_told: bool) -> Self {
        self.recommended = is_told;
        self
    }

    /// Holds every record against this version, whatever its `metadata.version` says. A record that says another
    /// is told so.
    #[must_use]
    pub fn version(mut self, version: impl Into<SchemaVersion>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Everything that is wrong, or odd, about the record: first its version, class and profiles, then its
    /// attributes in the order of their names, then what they are together. Without a known class there is
    /// nothing to hold the attributes against, and only that is told.
    #[must_use]
    pub fn validate(&self, record: &Value) -> Vec<Finding> {
        let mut findings = Vec::new();
        let Value::Object(record) = record else {
            let message = format!("expected an object, found {}", described(record));
            return vec![Finding::new(Code::RecordWrongType, "", message)];
        };
        let schema = Schema::of(self.schema_version(record, &mut findings));
        let Some(class) = class_of(schema, record, &mut findings) else { return findings };
        findings.extend(unknown_profiles(schema, record));
        let profiles = schema.profiles_of(record.get("metadata"));
        if let Some(gone) = &class.deprecated {
            let message =
                format!("the class {} is deprecated since {}: {}", class.name, gone.since, gone.message);
            findings.push(Finding::new(Code::ClassDeprecated, "class_uid", message));
        }
        findings.extend(Walk::new(schema, &profiles, self.recommended).findings(class, record));
        findings.extend(type_uid(record));
        findings.extend(observable::findings(schema, class, &profiles, record));
        findings.extend(suspicion::findings(record));
        findings
    }

    fn schema_version(&self, record: &Map<String, Value>, findings: &mut Vec<Finding>) -> SchemaVersion {
        let version = record.get("metadata").and_then(|metadata| metadata.get("version"));
        let Some(text) = version.and_then(Value::as_str) else {
            return self.version.unwrap_or(SchemaVersion::NEWEST);
        };
        let nearest = SchemaVersion::nearest(text);
        let (held_against, code) = match (&nearest, self.version) {
            (Nearest::Known(known), None) => return *known,
            (Nearest::Known(known), Some(chosen)) if *known == chosen => return chosen,
            (Nearest::Known(known) | Nearest::Between(known), Some(chosen)) if *known > chosen => {
                (chosen, Code::VersionIncompatible)
            }
            (Nearest::Known(known) | Nearest::Between(known), chosen) => {
                (chosen.unwrap_or(*known), Code::VersionIncorrect)
            }
            (Nearest::Outside(known), chosen) => (chosen.unwrap_or(*known), Code::VersionIncompatible),
            (Nearest::NotAVersion(known), chosen) => (chosen.unwrap_or(*known), Code::VersionInvalidFormat),
        };
        let expected = match (self.version, &nearest) {
            (Some(chosen), _) => format!("{chosen}, which was chosen"),
            (None, Nearest::NotAVersion(known)) => format!("a version such as {known}"),
            (None, _) if held_against.has_numbers_of(text) => held_against.to_string(),
            (None, _) => format!(
                "one of {}",
                SchemaVersion::all().map(SchemaVersion::as_str).collect::<Vec<_>>().join(", ")
            ),
        };
        let message = format!("expected {expected}, found {}; held against {held_against}", quoted(text));
        findings.push(Finding::new(code, "metadata.version", message));
        held_against
    }
}

fn class_of<'a>(
    schema: &'a Schema,
    record: &Map<String, Value>,
    findings: &mut Vec<Finding>,
) -> Option<&'a Item> {
    let (code, message) = match record.get("class_uid") {
        None | Some(Value::Null) => {
            (Code::AttributeRequiredMissing, "a record needs its class; nothing else was checked".to_owned())
        }
        Some(value) => match value.as_i64() {
            None => {
                let message =
                    format!("expected integer_t, found {}; nothing else was checked", described(value));
                (Code::AttributeWrongType, message)
            }
            Some(uid) => match schema.class(uid) {
                Some(class) => return Some(class),
                None => (Code::ClassUidUnknown, unknown_class(schema, uid)),
            },
        },
    };
    findings.push(Finding::new(code, "class_uid", message));
    None
}

fn unknown_class(schema: &Schema, uid: i64) -> String {
    let newer = Schema::of(SchemaVersion::NEWEST).class(uid);
    let hint = newer
        .map_or_else(String::new, |class| format!(" (in {} it is {})", SchemaVersion::NEWEST, class.name));
    format!("OCSF {} has no class {uid}{hint}; nothing else was checked", schema.version)
}

fn unknown_profiles(schema: &Schema, record: &Map<String, Value>) -> Vec<Finding> {
    let named =
        record.get("metadata").and_then(|metadata| metadata.get("profiles")).and_then(Value::as_array);
    let known = || schema.profiles.iter().map(String::as_str);
    let mut findings = Vec::new();
    for (index, profile) in named.into_iter().flatten().enumerate() {
        // One that is no string is told of with the attribute itself.
        let Some(name) = profile.as_str().filter(|name| known().all(|known| known != *name)) else {
            continue;
        };
        let message =
            format!("OCSF {} has no profile {}{}", schema.version, quoted(name), suggestion(name, known()));
        findings.push(Finding::new(Code::ProfileUnknown, &format!("metadata.profiles[{index}]"), message));
    }
    findings
}

fn type_uid(record: &Map<String, Value>) -> Option<Finding> {
    let integer = |name| record.get(name).and_then(Value::as_i64).map(i128::from);
    let (class, activity, found) = (integer("class_uid")?, integer("activity_id")?, integer("type_uid")?);
    let expected = class * 100 + activity;
    (found != expected).then(|| {
        let message =
            format!("expected {expected} (class_uid {class} × 100 + activity_id {activity}), found {found}");
        Finding::new(Code::TypeUidIncorrect, "type_uid", message)
    })
}
