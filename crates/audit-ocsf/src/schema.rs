//! The schemas as `data/make.py` writes them, read when first asked for.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schema_version::{COUNT, SchemaVersion};
use crate::value_type::{RawType, ValueType};

/// One version of the schema.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) version: SchemaVersion,
    pub(crate) profiles: Vec<String>,
    types: Vec<ValueType>,
    enums: Vec<Vec<EnumValue>>,
    attributes: Vec<Attribute>,
    objects: Vec<Item>,
    classes: Vec<Item>,
}

/// A class or an object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) caption: String,
    /// Only classes have one.
    pub(crate) uid: Option<i64>,
    pub(crate) category: Option<String>,
    #[serde(rename = "category_uid")]
    _category_uid: Option<i64>,
    #[serde(default)]
    pub(crate) at_least_one: Vec<String>,
    #[serde(default)]
    pub(crate) just_one: Vec<String>,
    pub(crate) deprecated: Option<Deprecation>,
    /// The `type_id` of an observable that is such an object.
    pub(crate) observable: Option<i64>,
    /// In the order of their names.
    #[serde(default)]
    attributes: Vec<usize>,
}

/// Since when something should not be used, and what instead.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deprecation {
    pub(crate) since: String,
    pub(crate) message: String,
}

/// One value of an enum.
#[derive(Debug, Deserialize)]
#[serde(from = "EnumRow")]
pub(crate) struct EnumValue {
    pub(crate) value: String,
    pub(crate) caption: String,
    pub(crate) deprecated: Option<Deprecation>,
}

/// An attribute as a class or object has it; those that are the same everywhere are stored once.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    #[serde(rename = "type")]
    type_name: String,
    #[serde(default)]
    is_object: bool,
    /// The place of `type_name` among the objects or the types.
    #[serde(skip)]
    type_index: usize,
    #[serde(default)]
    pub(crate) is_array: bool,
    #[serde(default)]
    pub(crate) requirement: Requirement,
    /// The profiles that bring it; without any it is always there.
    #[serde(default)]
    pub(crate) profiles: Vec<String>,
    #[serde(rename = "enum")]
    enum_index: Option<usize>,
    pub(crate) sibling: Option<String>,
    pub(crate) deprecated: Option<Deprecation>,
    /// The `type_id` of an observable that is this attribute.
    pub(crate) observable: Option<i64>,
}

/// What an attribute's value is; of an array, each value in it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind<'a> {
    Object(&'a Item),
    Type(&'a ValueType),
}

/// How much the schema asks for an attribute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Requirement {
    /// A record without it is wrong.
    Required,
    /// A record should have it.
    Recommended,
    /// A record may have it.
    #[default]
    Optional,
}

impl Schema {
    /// Reads the version's schema the first time, which takes some milliseconds.
    pub(crate) fn of(version: SchemaVersion) -> &'static Self {
        static SCHEMAS: [OnceLock<Schema>; COUNT] = [const { OnceLock::new() }; COUNT];
        SCHEMAS[version.index].get_or_init(|| {
            read(version, PACKED[version.index]).expect("a test reads every schema that the crate carries")
        })
    }

    pub(crate) fn class(&self, uid: i64) -> Option<&Item> {
        self.classes
            .binary_search_by_key(&Some(uid), |class| class.uid)
            .ok()
            .map(|found| &self.classes[found])
    }

    /// Those of `metadata.profiles` that the version has, each once: every attribute is held against them.
    pub(crate) fn profiles_of(&self, metadata: Option<&Value>) -> Vec<&str> {
        let named = metadata.and_then(|metadata| metadata.get("profiles")).and_then(Value::as_array);
        let named: HashSet<&str> = named.into_iter().flatten().filter_map(Value::as_str).collect();
        self.profiles.iter().map(String::as_str).filter(|name| named.contains(name)).collect()
    }

    /// In the order of their names.
    pub(crate) fn attributes<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = &'a Attribute> {
        item.attributes.iter().map(|index| &self.attributes[*index])
    }

    pub(crate) fn attribute<'a>(&'a self, item: &Item, name: &str) -> Option<&'a Attribute> {
        let name_of = |index: &usize| self.attributes[*index].name.as_str();
        let found = item.attributes.binary_search_by(|index| name_of(index).cmp(name)).ok()?;
        Some(&self.attributes[item.attributes[found]])
    }

    pub(crate) fn kind(&self, attribute: &Attribute) -> Kind<'_> {
        if attribute.is_object {
            Kind::Object(&self.objects[attribute.type_index])
        } else {
            Kind::Type(&self.types[attribute.type_index])
        }
    }

    /// The values that the attribute may have, when the schema lists them.
    pub(crate) fn enum_values(&self, attribute: &Attribute) -> Option<&[EnumValue]> {
        attribute.enum_index.map(|index| self.enums[index].as_slice())
    }
}

impl Attribute {
    /// Whether a record of these profiles may have the attribute.
    pub(crate) fn is_in(&self, profiles: &[&str]) -> bool {
        self.profiles.is_empty() || self.profiles.iter().any(|name| profiles.contains(&name.as_str()))
    }
}

/// The files of `data`, the oldest version first.
const PACKED: [&[u8]; COUNT] = [
    include_bytes!("../data/1.0.0.json.gz"),
    include_bytes!("../data/1.1.0.json.gz"),
    include_bytes!("../data/1.2.0.json.gz"),
    include_bytes!("../data/1.3.0.json.gz"),
    include_bytes!("../data/1.4.0.json.gz"),
    include_bytes!("../data/1.5.0.json.gz"),
    include_bytes!("../data/1.6.0.json.gz"),
    include_bytes!("../data/1.7.0.json.gz"),
    include_bytes!("../data/1.8.0.json.gz"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSchema {
    version: String,
    profiles: Vec<String>,
    #[serde(rename = "extensions")]
    _extensions: Vec<String>,
    types: BTreeMap<String, RawType>,
    enums: Vec<Vec<EnumValue>>,
    attributes: Vec<Attribute>,
    objects: BTreeMap<String, Item>,
    classes: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum EnumRow {
    Plain((String, String)),
    Deprecated((String, String, Deprecation)),
}

impl From<EnumRow> for EnumValue {
    fn from(row: EnumRow) -> Self {
        match row {
            EnumRow::Plain((value, caption)) => Self { value, caption, deprecated: None },
            EnumRow::Deprecated((value, caption, gone)) => Self { value, caption, deprecated: Some(gone) },
        }
    }
}

fn read(version: SchemaVersion, packed: &[u8]) -> Result<Schema, Box<dyn std::error::Error>> {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text)?;
    let raw: RawSchema = serde_json::from_str(&text)?;
    if raw.version != version.as_str() {
        return Err(format!("the file of {version} is that of {}", raw.version).into());
    }
    let string_max_len = raw.types.get("string_t").and_then(|string| string.max_len);
    let types: Vec<ValueType> =
        raw.types.into_iter().map(|(name, raw)| ValueType::new(name, raw, string_max_len)).collect();
    let objects: Vec<Item> = raw.objects.into_iter().map(|(name, object)| Item { name, ..object }).collect();
    let mut attributes = raw.attributes;
    for attribute in &mut attributes {
        let name = attribute.type_name.as_str();
        let found = if attribute.is_object {
            objects.binary_search_by(|object| object.name.as_str().cmp(name))
        } else {
            types.binary_search_by(|known| known.name.as_str().cmp(name))
        };
        attribute.type_index =
            found.map_err(|_| format!("{} is {name}, which is nothing", attribute.name))?;
    }
    let mut schema = Schema {
        version,
        profiles: raw.profiles,
        types,
        enums: raw.enums,
        attributes,
        objects,
        classes: raw.classes,
    };
    for class in 0..schema.classes.len() {
        derive_type_uids(&mut schema, class);
    }
    Ok(schema)
}

/// Each class has its own enum of `type_uid`, which is told from its uid and its activities; the file leaves it out.
fn derive_type_uids(schema: &mut Schema, class: usize) {
    let class = &mut schema.classes[class];
    let attributes = &schema.attributes;
    let place = |name: &str| class.attributes.iter().position(|index| attributes[*index].name == name);
    let (Some(uid), Some(activity), Some(type_uid)) = (class.uid, place("activity_id"), place("type_uid"))
    else {
        return;
    };
    let Some(activities) = attributes[class.attributes[activity]].enum_index else { return };
    let derived = |activity: &EnumValue| EnumValue {
        value: activity.value.parse().map_or_else(|_| String::new(), |id: i64| (uid * 100 + id).to_string()),
        caption: format!("{}: {}", class.caption, activity.caption),
        deprecated: None,
    };
    let values = schema.enums[activities].iter().map(derived).collect();
    let mut attribute = attributes[class.attributes[type_uid]].clone();
    attribute.enum_index = Some(schema.enums.len());
    class.attributes[type_uid] = schema.attributes.len();
    schema.enums.push(values);
    schema.attributes.push(attribute);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_read_and_its_tables_are_in_order() {
        for version in SchemaVersion::all() {
            let schema = Schema::of(version);
            assert!(schema.classes.is_sorted_by(|a, b| a.uid < b.uid), "{version}");
            for item in schema.objects.iter().chain(&schema.classes) {
                assert!(
                    schema.attributes(item).is_sorted_by(|a, b| a.name < b.name),
                    "{version} {}",
                    item.name
                );
            }
            assert!(!schema.profiles.is_empty(), "{version}");
        }
    }

    #[test]
    fn only_known_profiles_count_and_each_once() {
        let schema = Schema::of(SchemaVersion::OLDEST);
        let names =
            ["host", "nothing", "cloud", "host", "Cloud", "nothing"].map(|name| vec![name; 1000]).concat();
        let metadata = serde_json::json!({"profiles": names});
        assert_eq!(schema.profiles_of(Some(&metadata)), ["cloud", "host"]);
        for metadata in [serde_json::json!(1), serde_json::json!({"profiles": [1, null]})] {
            assert!(schema.profiles_of(Some(&metadata)).is_empty());
        }
        for version in SchemaVersion::all() {
            let schema = Schema::of(version);
            let is_known =
                |attribute: &Attribute| attribute.profiles.iter().all(|name| schema.profiles.contains(name));
            assert!(schema.attributes.iter().all(is_known), "{version}");
        }
    }

    #[test]
    fn every_pattern_compiles() {
        let mut patterns = 0;
        for version in SchemaVersion::all() {
            for value_type in &Schema::of(version).types {
                patterns += usize::from(value_type.regex().is_some());
            }
        }
        assert!(patterns >= 6 * COUNT, "{patterns}");
    }

    #[test]
    fn the_classes_of_authentication_are_told_with_their_type_uids() {
        let schema = Schema::of(SchemaVersion::OLDEST);
        let class = schema.class(3002).unwrap();
        assert_eq!(
            (class.name.as_str(), class.category.as_deref()),
            ("authentication", Some("Identity & Access Management"))
        );
        let type_uid = schema.attribute(class, "type_uid").unwrap();
        let logoff =
            schema.enum_values(type_uid).unwrap().iter().find(|value| value.value == "300202").unwrap();
        assert_eq!(logoff.caption, "Authentication: Logoff");
    }
}
