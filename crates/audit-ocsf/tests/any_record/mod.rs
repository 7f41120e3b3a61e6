//! Strategies for whatever a record of a typed class may hold, made from the declarations in the source.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::source::{Struct, structs};

/// A record of one of the classes, objects within it nested four deep; on each level perhaps a few attributes that the
/// schema does not know, whose names begin with `zz`.
pub(crate) fn record() -> BoxedStrategy<Value> {
    let structs: BTreeMap<_, _> = structs().into_iter().map(|s| (s.name.clone(), s)).collect();
    let class = |name: &str| object(&structs, name, 3);
    prop_oneof![class("Authentication"), class("ApplicationLifecycle"), class("ApiActivity")].boxed()
}

fn object(structs: &BTreeMap<String, Struct>, name: &str, depth: usize) -> BoxedStrategy<Value> {
    let mut names = Vec::new();
    let mut values = Vec::new();
    for field in &structs[name].fields {
        let required = !field.rust_type.starts_with("Option<");
        let Some(value) = of_type(structs, &field.rust_type, depth) else { continue };
        names.push(field.name.clone());
        values.push(if required {
            value.prop_map(Some).boxed()
        } else {
            prop::option::weighted(0.3, value).boxed()
        });
    }
    let unknown = prop::collection::btree_map("zz.{0,6}", any_json(), 0..2);
    (values, unknown)
        .prop_map(move |(values, unknown)| {
            let known = names.iter().cloned().zip(values).filter_map(|(name, value)| Some((name, value?)));
            known.chain(unknown).collect::<Map<_, _>>().into()
        })
        .boxed()
}

/// None where it would nest too deep.
fn of_type(
    structs: &BTreeMap<String, Struct>,
    rust_type: &str,
    depth: usize,
) -> Option<BoxedStrategy<Value>> {
    if let Some((outer, inner)) = rust_type.strip_suffix('>').and_then(|text| text.split_once('<')) {
        return match outer {
            "ClassUid" => Some(Just(json!(inner.parse::<i64>().unwrap())).boxed()),
            "Vec" => Some(
                prop::collection::vec(of_type(structs, inner, depth)?, 0..3).prop_map(Value::from).boxed(),
            ),
            _ => of_type(structs, inner, depth),
        };
    }
    match rust_type {
        "String" => Some(any::<String>().prop_map(Value::from).boxed()),
        "i64" => Some(any::<i64>().prop_map(Value::from).boxed()),
        "bool" => Some(any::<bool>().prop_map(Value::from).boxed()),
        "Number" => {
            Some(prop_oneof![any::<i64>().prop_map(Value::from), (-1e9..1e9).prop_map(Value::from)].boxed())
        }
        "Value" => Some(any_json().prop_filter("null counts as absent", |value| !value.is_null()).boxed()),
        "Map" => Some(any_object().boxed()),
        id if id.ends_with("Id") => Some(any::<i64>().prop_map(Value::from).boxed()),
        _ if depth == 0 => None,
        name => Some(object(structs, name, depth - 1)),
    }
}

fn any_object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(any::<String>(), any_json(), 0..3)
        .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into())
}

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..3)
                .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// All places of typed attributes in the record, as steps with the Rust type there, `Option` taken off.
pub(crate) fn places(record: &Value) -> Vec<(Vec<Step>, String)> {
    let structs: BTreeMap<_, _> = structs().into_iter().map(|s| (s.name.clone(), s)).collect();
    let class = match record["class_uid"].as_i64() {
        Some(3002) => "Authentication",
        Some(6002) => "ApplicationLifecycle",
        _ => "ApiActivity",
    };
    let mut places = Vec::new();
    walk(&structs, class, record, &mut Vec::new(), &mut places);
    places
}

/// A step into an object or array.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Name(String),
    Index(usize),
}

/// In the form of an error's path.
pub(crate) fn in_words(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Name(name) if text.is_empty() => text.push_str(name),
            Step::Name(name) => text += &format!(".{name}"),
            Step::Index(index) => text += &format!("[{index}]"),
        }
    }
    text
}

/// What is at that place.
pub(crate) fn at<'a>(record: &'a mut Value, steps: &[Step]) -> &'a mut Value {
    steps.iter().fold(record, |value, step| match step {
        Step::Name(name) => &mut value[name],
        Step::Index(index) => &mut value[index],
    })
}

fn walk(
    structs: &BTreeMap<String, Struct>,
    rust_type: &str,
    value: &Value,
    steps: &mut Vec<Step>,
    places: &mut Vec<(Vec<Step>, String)>,
) {
    let inside = |outer: &str| {
        rust_type.strip_prefix(outer).and_then(|rest| rest.strip_prefix('<')?.strip_suffix('>'))
    };
    if let Some(inner) = inside("Option").or_else(|| inside("Box")) {
        return walk(structs, inner, value, steps, places);
    }
    if !steps.is_empty() {
        places.push((steps.clone(), rust_type.to_owned()));
    }
    if let Some(inner) = inside("Vec") {
        for (index, item) in value.as_array().unwrap().iter().enumerate() {
            steps.push(Step::Index(index));
            walk(structs, inner, item, steps, places);
            steps.pop();
        }
    } else if let Some(declared) = structs.get(rust_type) {
        for field in declared.fields.iter().filter(|field| value.get(&field.name).is_some()) {
            steps.push(Step::Name(field.name.clone()));
            walk(structs, &field.rust_type, &value[&field.name], steps, places);
            steps.pop();
        }
    }
}
