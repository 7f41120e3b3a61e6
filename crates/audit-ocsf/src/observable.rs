//! What `observables` says about the record, held against the record.

use serde_json::{Map, Value};

use crate::finding::{Code, Finding};
use crate::schema::{Attribute, Item, Kind, Schema};
use crate::wording::quoted;

/// `type_id`s that say nothing: Unknown and Other.
const ANY_TYPE: [i64; 2] = [0, 99];

pub(crate) fn findings(
    schema: &Schema,
    class: &Item,
    profiles: &[&str],
    record: &Map<String, Value>,
) -> Vec<Finding> {
    let observables = record.get("observables").and_then(Value::as_array);
    let mut findings = Vec::new();
    for (index, observable) in observables.into_iter().flatten().enumerate() {
        let Some(name) = observable.get("name").and_then(Value::as_str) else { continue };
        let Some(reference) = Reference::find(schema, class, profiles, name) else {
            let message = format!("{} is no path of an attribute of the class {}", quoted(name), class.name);
            let path = format!("observables[{index}].name");
            findings.push(Finding::new(Code::ObservableNameInvalidReference, &path, message));
            continue;
        };
        let type_id = observable.get("type_id").and_then(Value::as_i64);
        if let Some(found) = type_id.filter(|id| !ANY_TYPE.contains(id)) {
            let expected = reference.type_ids(schema);
            if !expected.is_empty() && !expected.contains(&found) {
                let expected: Vec<String> = expected.iter().map(i64::to_string).collect();
                let message =
                    format!("expected {} for {}, found {found}", expected.join(" or "), quoted(name));
                let path = format!("observables[{index}].type_id");
                findings.push(Finding::new(Code::ObservableTypeIdMismatch, &path, message));
            }
        }
        let value = observable.get("value").and_then(Value::as_str);
        let is_object = matches!(schema.kind(reference.attribute), Kind::Object(_));
        if let Some(value) = value.filter(|value| !is_object && !reference.has(record, value)) {
            let message = format!("the record has no {} at {}", quoted(value), quoted(name));
            let path = format!("observables[{index}].value");
            findings.push(Finding::new(Code::ObservableValueMismatch, &path, message));
        }
    }
    findings
}

/// The attribute that a name such as `resources[].uid` means.
struct Reference<'a> {
    steps: Vec<Step<'a>>,
    attribute: &'a Attribute,
}

struct Step<'a> {
    name: &'a str,
    /// Of `resources[0]`; without one, every value of the array.
    index: Option<usize>,
}

impl<'a> Reference<'a> {
    /// The schema lets an array be written as `resources`, `resources[]` and `resources[0]`.
    fn find(schema: &'a Schema, class: &'a Item, profiles: &[&str], name: &'a str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut item = Some(class);
        let mut last = None;
        for part in name.split('.') {
            let (name, brackets) = match part.split_once('[') {
                Some((name, rest)) => (name, Some(rest.strip_suffix(']')?)),
                None => (part, None),
            };
            let index = match brackets {
                None | Some("") => None,
                Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                    Some(digits.parse().ok()?)
                }
                Some(_) => return None,
            };
            let attribute = schema.attribute(item?, name).filter(|attribute| attribute.is_in(profiles))?;
            if brackets.is_some() && !attribute.is_array {
                return None;
            }
            item = match schema.kind(attribute) {
                Kind::Object(object) => Some(object),
                Kind::Type(_) => None,
            };
            last = Some(attribute);
            steps.push(Step { name, index });
        }
        Some(Self { steps, attribute: last? })
    }

    /// The `type_id`s that fit; none where the schema gives none.
    fn type_ids(&self, schema: &Schema) -> Vec<i64> {
        let of_kind = match schema.kind(self.attribute) {
            Kind::Object(object) => object.observable,
            Kind::Type(value_type) => value_type.observable,
        };
        let mut ids: Vec<i64> = self.attribute.observable.into_iter().chain(of_kind).collect();
        ids.dedup();
        ids
    }

    fn has(&self, record: &Map<String, Value>, text: &str) -> bool {
        let Some((first, rest)) = self.steps.split_first() else { return false };
        record.get(first.name).is_some_and(|value| is_there(value, first.index, rest, text))
    }
}

fn is_there(value: &Value, index: Option<usize>, steps: &[Step<'_>], text: &str) -> bool {
    match (value, index, steps.split_first()) {
        (Value::Array(values), Some(index), _) => {
            values.get(index).is_some_and(|value| is_there(value, None, steps, text))
        }
        (Value::Array(values), None, _) => values.iter().any(|value| is_there(value, None, steps, text)),
        (Value::Object(fields), _, Some((step, rest))) => {
            fields.get(step.name).is_some_and(|value| is_there(value, step.index, rest, text))
        }
        (Value::String(found), _, None) => found == text,
        (Value::Number(found), _, None) => found.to_string() == text,
        (Value::Bool(found), _, None) => text.parse() == Ok(*found),
        _ => false,
    }
}
