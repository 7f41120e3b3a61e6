//! What `observables` says about the record, held against the record.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

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
    let mut places = Places::new(record);
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
        if let Some(value) = value.filter(|value| !is_object && !places.has(&reference.steps, value)) {
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

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
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
}

/// What the record has where names lead to.
///
/// A hundred thousand observables may go through an array of as many resources: each step is taken once, however
/// many names begin with it.
struct Places<'a> {
    /// The record is the first.
    places: Vec<Place<'a>>,
}

#[derive(Default)]
struct Place<'a> {
    values: Vec<&'a Value>,
    fields: Option<&'a Map<String, Value>>,
    next: HashMap<Step<'a>, usize>,
    /// By the name of an array: what its values have, by their index.
    by_index: HashMap<&'a str, HashMap<usize, Vec<&'a Value>>>,
    texts: Option<HashSet<Cow<'a, str>>>,
}

impl<'a> Places<'a> {
    fn new(record: &'a Map<String, Value>) -> Self {
        Self { places: vec![Place { fields: Some(record), ..Place::default() }] }
    }

    fn has(&mut self, steps: &[Step<'a>], text: &str) -> bool {
        let mut at = 0;
        for step in steps {
            at = match self.places[at].next.get(step) {
                Some(next) => *next,
                None => {
                    let values = self.places[at].step(*step);
                    let next = self.places.len();
                    self.places.push(Place { values, ..Place::default() });
                    self.places[at].next.insert(*step, next);
                    next
                }
            };
        }
        self.places[at].texts().contains(text)
    }
}

impl<'a> Place<'a> {
    fn step(&mut self, step: Step<'a>) -> Vec<&'a Value> {
        match step.index {
            None => {
                let mut values = Vec::new();
                self.fields_named(step.name).for_each(|value| flatten(value, &mut values));
                values
            }
            Some(index) => {
                if !self.by_index.contains_key(step.name) {
                    let mut by_index: HashMap<usize, Vec<&Value>> = HashMap::new();
                    for array in self.fields_named(step.name).filter_map(Value::as_array) {
                        for (index, value) in array.iter().enumerate() {
                            flatten(value, by_index.entry(index).or_default());
                        }
                    }
                    self.by_index.insert(step.name, by_index);
                }
                // An index comes once: what was written in another way is the same step.
                let by_index = self.by_index.get_mut(step.name);
                by_index.and_then(|by_index| by_index.remove(&index)).unwrap_or_default()
            }
        }
    }

    fn fields_named<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'a Value> + 'b {
        let objects = self.values.iter().filter_map(|value| value.as_object());
        self.fields.into_iter().chain(objects).filter_map(move |fields| fields.get(name))
    }

    fn texts(&mut self) -> &HashSet<Cow<'a, str>> {
        let values = &self.values;
        self.texts.get_or_insert_with(|| {
            let text = |value: &&'a Value| match value {
                Value::String(text) => Some(Cow::Borrowed(text.as_str())),
                Value::Number(number) => Some(Cow::Owned(number.to_string())),
                Value::Bool(true) => Some(Cow::Borrowed("true")),
                Value::Bool(false) => Some(Cow::Borrowed("false")),
                _ => None,
            };
            values.iter().filter_map(text).collect()
        })
    }
}

/// What is in an array, and in arrays in it; only a record that is wrong has those.
fn flatten<'a>(value: &'a Value, into: &mut Vec<&'a Value>) {
    let mut todo = vec![value];
    while let Some(value) = todo.pop() {
        match value {
            Value::Array(values) => todo.extend(values),
            other => into.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_many_names_lead_to_is_collected_once() {
        let owner =
            |n: usize| json!({"uid": n, "owner": {"groups": [{"uid": n.to_string()}, {"uid": true}]}});
        let record = json!({"resources": (0..100).map(owner).collect::<Vec<_>>()});
        let mut places = Places::new(record.as_object().unwrap());
        let step = |name, index| Step { name, index };
        for n in 0..100 {
            assert!(places.has(&[step("resources", None), step("uid", None)], &n.to_string()));
            assert!(places.has(&[step("resources", Some(n)), step("uid", None)], &n.to_string()));
            assert!(!places.has(&[step("resources", Some(n)), step("uid", None)], "100"));
        }
        // The record, its resources, their ids; and each resource with its id.
        assert_eq!(places.places.len(), 3 + 2 * 100);
        let groups =
            |index| [step("resources", None), step("owner", None), step("groups", index), step("uid", None)];
        for _ in 0..2 {
            assert!(places.has(&groups(Some(0)), "99") && !places.has(&groups(Some(0)), "true"));
            assert!(places.has(&groups(Some(1)), "true") && !places.has(&groups(Some(2)), "true"));
            assert!(places.has(&groups(None), "99") && places.has(&groups(None), "true"));
        }
        assert!(!places.has(&[step("resources", None)], "99"));
        assert!(!places.has(&[step("nothing", None), step("uid", Some(7))], "99"));
    }
}
