use serde_json::{Map, Value};

use crate::finding::{Code, Finding};
use crate::schema::{Attribute, EnumValue, Item, Kind, Requirement, Schema};
use crate::value_type::{Base, Mismatch, ValueType};
use crate::wording::{described, push_index, push_name, quoted, suggestion};

/// As deep as `serde_json` reads; only a value that was built in memory is deeper.
pub(crate) const MAX_DEPTH: usize = 128;

/// Where an enum lists more values, a message shows the first ones.
const SHOWN_VALUES: usize = 12;

/// The value of every enum that stands for what the enum doesn't have.
const OTHER: &str = "99";

/// On its way through a record, along the schema.
pub(crate) struct Walk<'a> {
    schema: &'static Schema,
    profiles: &'a [&'a str],
    /// Whether a missing recommended attribute is told.
    recommended: bool,
    /// Where it is.
    path: String,
    depth: usize,
    findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(schema: &'static Schema, profiles: &'a [&'a str], recommended: bool) -> Self {
        Self { schema, profiles, recommended, path: String::new(), depth: 0, findings: Vec::new() }
    }

    pub(crate) fn findings(mut self, class: &Item, record: &Map<String, Value>) -> Vec<Finding> {
        self.item(class, record);
        self.findings
    }

    fn item(&mut self, item: &Item, map: &Map<String, Value>) {
        let schema = self.schema;
        let here: Vec<&Attribute> =
            schema.attributes(item).filter(|attribute| attribute.is_in(self.profiles)).collect();
        for attribute in &here {
            self.attribute(attribute, map);
        }
        // What has no attributes at all, such as the object `object`, may have any.
        if !here.is_empty() {
            self.unknown_names(item, &here, map);
        }
        self.constraints(item, map);
    }

    fn attribute(&mut self, attribute: &Attribute, map: &Map<String, Value>) {
        let length = self.path.len();
        match (map.get(&attribute.name), attribute.requirement) {
            (None, Requirement::Required) => {
                push_name(&mut self.path, &attribute.name);
                let message = format!("expected {}, found nothing", self.expected(attribute));
                self.tell(Code::AttributeRequiredMissing, message);
            }
            (None, Requirement::Recommended) if self.recommended => {
                push_name(&mut self.path, &attribute.name);
                let message = format!("recommended is {}, found nothing", self.expected(attribute));
                self.tell(Code::AttributeRecommendedMissing, message);
            }
            (None, _) => {}
            (Some(value), _) => {
                push_name(&mut self.path, &attribute.name);
                self.present(attribute, value, map);
            }
        }
        self.path.truncate(length);
    }

    fn present(&mut self, attribute: &Attribute, value: &Value, map: &Map<String, Value>) {
        if value.is_null() {
            return self.null(attribute);
        }
        if let Some(gone) = &attribute.deprecated {
            self.tell(
                Code::AttributeDeprecated,
                format!("deprecated since {}: {}", gone.since, gone.message),
            );
        }
        match value {
            Value::Array(values) if attribute.is_array => {
                for (index, value) in values.iter().enumerate() {
                    let length = self.path.len();
                    push_index(&mut self.path, index);
                    self.value(attribute, value, map, Some(index));
                    self.path.truncate(length);
                }
            }
            _ if attribute.is_array => self.wrong_type(attribute, value),
            _ => self.value(attribute, value, map, None),
        }
    }

    /// JSON Schema knows null as a value of no type but `json_t`; the official server takes it for nothing.
    fn null(&mut self, attribute: &Attribute) {
        let is_json = |kind: Kind<'_>| matches!(kind, Kind::Type(of) if of.base == Base::Json);
        if attribute.requirement == Requirement::Required {
            let message = format!("expected {}, found null", self.expected(attribute));
            self.tell(Code::AttributeRequiredMissing, message);
        } else if attribute.is_array || !is_json(self.schema.kind(attribute)) {
            self.wrong_type(attribute, &Value::Null);
        }
    }

    /// `index` when the value is one of an array.
    fn value(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        map: &Map<String, Value>,
        index: Option<usize>,
    ) {
        match (self.schema.kind(attribute), value) {
            (Kind::Object(object), Value::Object(fields)) => self.object(object, fields),
            (Kind::Object(object), _) => {
                let message = format!("expected an object ({}), found {}", object.name, described(value));
                self.tell(Code::AttributeWrongType, message);
            }
            (Kind::Type(value_type), _) => {
                let mismatches = value_type.mismatches(value);
                if mismatches.is_empty()
                    && value.as_str() == Some("")
                    && is_told_when_empty(attribute, value_type)
                {
                    self.empty(attribute, index.is_some());
                }
                let is_of_type = !mismatches.contains(&Mismatch::Type);
                for mismatch in mismatches {
                    self.mismatch(value_type, value, &mismatch);
                }
                if is_of_type && let Some(values) = self.schema.enum_values(attribute) {
                    self.enum_value(attribute, values, value, map, index);
                }
            }
        }
    }

    fn object(&mut self, object: &Item, fields: &Map<String, Value>) {
        if self.depth == MAX_DEPTH {
            return self.tell(Code::NestedTooDeep, format!("nothing below {MAX_DEPTH} objects was checked"));
        }
        if let Some(gone) = &object.deprecated {
            let message =
                format!("the object {} is deprecated since {}: {}", object.name, gone.since, gone.message);
            self.tell(Code::ObjectDeprecated, message);
        }
        self.depth += 1;
        self.item(object, fields);
        self.depth -= 1;
    }

    fn mismatch(&mut self, of: &ValueType, value: &Value, mismatch: &Mismatch<'_>) {
        let found = described(value);
        let (code, message) = match mismatch {
            Mismatch::Type => (Code::AttributeWrongType, format!("expected {}, found {found}", of.name)),
            Mismatch::IntegerForFloat => {
                let message =
                    format!("expected {}, found {found}, which the official server refuses", of.name);
                (Code::FloatWrittenAsInteger, message)
            }
            Mismatch::Longer { length, max_len, is_super } => {
                let code = if *is_super {
                    Code::AttributeValueExceedsSuperTypeMaxLen
                } else {
                    Code::AttributeValueExceedsMaxLen
                };
                (code, format!("expected {} of at most {max_len} characters, found {length}", of.name))
            }
            Mismatch::Outside([low, high]) => {
                let message = format!("expected {} from {low} to {high}, found {found}", of.name);
                (Code::AttributeValueExceedsRange, message)
            }
            Mismatch::Pattern(pattern) => {
                let message = format!("expected {} as in {}, found {found}", of.name, quoted(pattern));
                (Code::AttributeValueRegexNotMatched, message)
            }
        };
        self.tell(code, message);
    }

    fn empty(&mut self, attribute: &Attribute, is_in_array: bool) {
        let (code, word) = match attribute.requirement {
            Requirement::Required if !is_in_array => (Code::AttributeRequiredEmpty, "required"),
            Requirement::Recommended => (Code::AttributeValueEmpty, "recommended"),
            _ => (Code::AttributeValueEmpty, "optional"),
        };
        self.tell(code, format!("the {word} attribute is an empty text"));
    }

    fn enum_value(
        &mut self,
        attribute: &Attribute,
        values: &[EnumValue],
        value: &Value,
        map: &Map<String, Value>,
        index: Option<usize>,
    ) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let Some(known) = values.iter().find(|known| known.value == text) else {
            let code = match index {
                None => Code::AttributeEnumValueUnknown,
                Some(_) => Code::AttributeEnumArrayValueUnknown,
            };
            let hint = suggestion(
                &text,
                values.iter().map(|known| known.value.as_str()).filter(|_| value.is_string()),
            );
            let message = format!("expected {}, found {}{hint}", expected_values(values), described(value));
            return self.tell(code, message);
        };
        if let Some(gone) = &known.deprecated {
            let code = match index {
                None => Code::AttributeEnumValueDeprecated,
                Some(_) => Code::AttributeEnumArrayValueDeprecated,
            };
            let message =
                format!("{} ({}) is deprecated since {}: {}", text, known.caption, gone.since, gone.message);
            self.tell(code, message);
        }
        let sibling = attribute.sibling.as_deref().and_then(|name| Some((name, map.get(name)?)));
        match (sibling, index) {
            (None, _) => {}
            (Some((name, sibling)), None) => self.sibling(known, name, sibling),
            (Some((name, sibling)), Some(index)) => self.array_sibling(known, name, sibling, index),
        }
    }

    fn sibling(&mut self, known: &EnumValue, name: &str, sibling: &Value) {
        let Some(found) = sibling.as_str() else { return };
        let is_caption = found == known.caption;
        let (code, message) = match (known.value == OTHER, is_caption) {
            (true, true) => {
                let message = format!("expected what the source calls it, found just {}", quoted(found));
                (Code::AttributeEnumSiblingSuspiciousOther, message)
            }
            (false, false) => {
                let message = format!(
                    "expected {} for {}, found {}",
                    quoted(&known.caption),
                    known.value,
                    quoted(found)
                );
                (Code::AttributeEnumSiblingIncorrect, message)
            }
            _ => return,
        };
        self.tell_beside(code, name, None, message);
    }

    fn array_sibling(&mut self, known: &EnumValue, name: &str, sibling: &Value, index: usize) {
        let Some(siblings) = sibling.as_array().filter(|_| known.value != OTHER) else { return };
        let expected = quoted(&known.caption);
        match siblings.get(index) {
            None | Some(Value::Null) => {
                let message = format!("expected {expected} for {}, found nothing", known.value);
                self.tell_beside(Code::AttributeEnumArraySiblingMissing, name, Some(index), message);
            }
            Some(found) if found.as_str() != Some(&known.caption) => {
                let message = format!("expected {expected} for {}, found {}", known.value, described(found));
                self.tell_beside(Code::AttributeEnumArraySiblingIncorrect, name, Some(index), message);
            }
            Some(_) => {}
        }
    }

    fn unknown_names(&mut self, item: &Item, here: &[&Attribute], map: &Map<String, Value>) {
        for name in map.keys() {
            if here.binary_search_by(|attribute| attribute.name.as_str().cmp(name)).is_ok() {
                continue;
            }
            let what = if item.uid.is_some() { "class" } else { "object" };
            let version = self.schema.version;
            let message = match self.schema.attribute(item, name) {
                Some(attribute) => format!(
                    "the {what} {} has it by the profile {}, which metadata.profiles doesn't name",
                    item.name,
                    attribute.profiles.join(" or ")
                ),
                None => {
                    let known = here.iter().map(|attribute| attribute.name.as_str());
                    let hint = suggestion(name, known);
                    format!("the {what} {} of OCSF {version} has no such attribute{hint}", item.name)
                }
            };
            let length = self.path.len();
            push_name(&mut self.path, name);
            self.tell(Code::AttributeUnknown, message);
            self.path.truncate(length);
        }
    }

    fn constraints(&mut self, item: &Item, map: &Map<String, Value>) {
        let count = |names: &[String]| names.iter().filter(|name| map.contains_key(*name)).count();
        if !item.at_least_one.is_empty() && count(&item.at_least_one) == 0 {
            let message = format!(
                "expected at least one of {} in {}, found none",
                item.at_least_one.join(", "),
                item.name
            );
            self.tell(Code::ConstraintFailed, message);
        }
        let found = count(&item.just_one);
        if !item.just_one.is_empty() && found != 1 {
            let message = format!(
                "expected exactly one of {} in {}, found {found}",
                item.just_one.join(", "),
                item.name
            );
            self.tell(Code::ConstraintFailed, message);
        }
    }

    fn wrong_type(&mut self, attribute: &Attribute, value: &Value) {
        let message = format!("expected {}, found {}", self.expected(attribute), described(value));
        self.tell(Code::AttributeWrongType, message);
    }

    fn expected(&self, attribute: &Attribute) -> String {
        let one = match self.schema.kind(attribute) {
            Kind::Object(object) => format!("an object ({})", object.name),
            Kind::Type(value_type) => value_type.name.clone(),
        };
        if attribute.is_array { format!("an array, each value {one}") } else { one }
    }

    fn tell(&mut self, code: Code, message: String) {
        self.findings.push(Finding::new(code, &self.path, message));
    }

    /// Of an attribute beside the one where the walk is.
    fn tell_beside(&mut self, code: Code, name: &str, index: Option<usize>, message: String) {
        let parent = self.path.rfind('.').unwrap_or(0);
        let mut path = self.path[..parent].to_owned();
        push_name(&mut path, name);
        if let Some(index) = index {
            push_index(&mut path, index);
        }
        self.findings.push(Finding::new(code, &path, message));
    }
}

/// What is called `value` (of a header, of a pair, of an observable) holds whatever the source has, and that may be
/// an empty text.
fn is_told_when_empty(attribute: &Attribute, of: &ValueType) -> bool {
    of.base != Base::Json && !(attribute.name == "value" && of.name == "string_t")
}

fn expected_values(values: &[EnumValue]) -> String {
    let shown: Vec<String> = values
        .iter()
        .take(SHOWN_VALUES)
        .map(|known| format!("{} ({})", known.value, known.caption))
        .collect();
    let more =
        if values.len() > SHOWN_VALUES { format!(", … ({} values)", values.len()) } else { String::new() };
    format!("one of {}{more}", shown.join(", "))
}
