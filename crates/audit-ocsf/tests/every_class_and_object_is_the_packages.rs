//! All classes and all objects of all versions, with values of each kind in each attribute: the package and we refuse
//! the same ones. So nothing was lost when the schemas were made small.
#![cfg(feature = "validate")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod verdicts;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Read;

use audit_ocsf::{Code, FindingSeverity, SchemaVersion, validate};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use verdicts::Verdicts;

#[derive(Deserialize)]
struct Schema {
    profiles: Vec<String>,
    attributes: Vec<Attribute>,
    objects: BTreeMap<String, Item>,
    classes: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    uid: Option<i64>,
    #[serde(default)]
    attributes: Vec<usize>,
}

#[derive(Deserialize)]
struct Attribute {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    #[serde(default)]
    is_object: bool,
    #[serde(default)]
    is_array: bool,
}

/// Something for every type, and something for every type to refuse.
fn values() -> [Value; 8] {
    [
        json!({}),
        json!("x"),
        json!(1.5),
        json!(null),
        json!(-7),
        json!([{}]),
        json!(["x", -7, true, null]),
        json!(70_000),
    ]
}

#[test]
fn every_attribute_of_every_version_is_held_against_the_same_type() {
    let Some(mut theirs) = Verdicts::start() else { return };
    for version in SchemaVersion::all() {
        let schema = read(version);
        let mut records = 0;
        for class in &schema.classes {
            for turn in [0, 3] {
                let mut record = filled(&schema, class, turn);
                finish(&mut record, &schema, class, version);
                compare(&record, &mut theirs);
                records += 1;
            }
        }
        let reached = ways(&schema);
        for (name, (class, way)) in &reached {
            for turn in [0, 3] {
                let mut value = Value::Object(filled(&schema, &schema.objects[*name], turn));
                for attribute in way.iter().rev() {
                    value = if attribute.is_array { json!([value]) } else { value };
                    value = json!({&attribute.name: value});
                }
                let Value::Object(mut record) = value else { panic!("no object on the way to {name}") };
                finish(&mut record, &schema, class, version);
                compare(&record, &mut theirs);
                records += 1;
            }
        }
        // A few objects are there for other objects to extend, and no class has them.
        assert!(
            reached.len() * 10 > schema.objects.len() * 9,
            "{version}: {} objects reached",
            reached.len()
        );
        assert!(records > 200, "{version}: {records} records");
    }
}

fn read(version: SchemaVersion) -> Schema {
    let packed = std::fs::read(format!("{}/data/{version}.json.gz", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let mut text = String::new();
    GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn filled(schema: &Schema, item: &Item, turn: usize) -> Map<String, Value> {
    let values = values();
    let named = item.attributes.iter().enumerate();
    named
        .map(|(place, index)| {
            (schema.attributes[*index].name.clone(), values[(place + turn) % values.len()].clone())
        })
        .collect()
}

/// Without these there is nothing to hold the record against.
fn finish(record: &mut Map<String, Value>, schema: &Schema, class: &Item, version: SchemaVersion) {
    record.insert("class_uid".to_owned(), json!(class.uid));
    let metadata = record.entry("metadata").or_insert_with(|| json!({}));
    if !metadata.is_object() {
        *metadata = json!({});
    }
    metadata["version"] = json!(version.as_str());
    metadata["profiles"] = json!(schema.profiles);
}

/// For every object the shortest way to it from a class.
fn ways(schema: &Schema) -> BTreeMap<&str, (&Item, Vec<&Attribute>)> {
    let mut found: BTreeMap<&str, (&Item, Vec<&Attribute>)> = BTreeMap::new();
    let mut queue: VecDeque<(&Item, &Item, Vec<&Attribute>)> =
        schema.classes.iter().map(|class| (class, class, Vec::new())).collect();
    while let Some((class, item, way)) = queue.pop_front() {
        for index in &item.attributes {
            let attribute = &schema.attributes[*index];
            if !attribute.is_object || found.contains_key(attribute.type_name.as_str()) {
                continue;
            }
            let way: Vec<&Attribute> = way.iter().copied().chain([attribute]).collect();
            found.insert(&attribute.type_name, (class, way.clone()));
            queue.push_back((class, &schema.objects[&attribute.type_name], way));
        }
    }
    found
}

fn compare(record: &Map<String, Value>, theirs: &mut Verdicts) {
    let record = Value::Object(record.clone());
    // What JSON Schema can't say: how attributes go together, and that a required json_t isn't null.
    let is_only_ours = |code| {
        matches!(
            code,
            Code::TypeUidIncorrect
                | Code::AttributeEnumArraySiblingMissing
                | Code::ObservableNameInvalidReference
        )
    };
    let mut ours: BTreeSet<String> = BTreeSet::new();
    for finding in validate(&record) {
        let is_json_null = finding.message == "expected json_t, found null";
        if finding.severity == FindingSeverity::Error && !is_only_ours(finding.code) && !is_json_null {
            ours.insert(finding.path);
        }
    }
    let theirs: BTreeSet<String> = theirs.problems(&record).into_iter().map(|problem| problem.path).collect();
    assert_eq!(ours, theirs, "{record:#}");
}
