//! What the documentation of each class, object and field says is what the schemas say: the attribute's name, what is
//! demanded of it in which version, its type; and no attribute is missing.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::{BTreeMap, BTreeSet};

use audit_ocsf::Version;
use serde_json::Value;

use source::{Field, structs};

mod schema;
mod source;

#[test]
fn as_it_is_in_every_version() {
    let structs = structs();
    assert_eq!(structs.len(), 37, "{:?}", structs.iter().map(|s| &s.name).collect::<Vec<_>>());
    let names: Vec<_> = structs.iter().map(|s| s.ocsf_name.as_str()).collect();
    let Some(tables) = schema::tables(&names) else { return };
    let objects: BTreeMap<_, _> = structs.iter().map(|s| (s.name.as_str(), s.ocsf_name.as_str())).collect();

    let mut wrong = Vec::new();
    for owner in &structs {
        let owner_name = &owner.ocsf_name;
        let documented: BTreeSet<_> = owner.fields.iter().map(|field| field.name.as_str()).collect();
        let untyped = untyped(&owner.docs);
        for name in attributes(&tables, owner_name) {
            let versions = schema::attribute(&tables, owner_name, &name);
            let newest = versions.last().unwrap().1;
            match (documented.contains(name.as_str()), untyped.contains(name.as_str())) {
                (true, false) => {}
                (false, true) if newest["kind"] == "object_t" => {}
                (false, true) => {
                    wrong.push(format!("{owner_name}.{name}: a scalar must not be left untyped"));
                }
                (true, true) => {
                    wrong.push(format!("{owner_name}.{name}: has a field, and is said to have none"));
                }
                (false, false) => {
                    wrong.push(format!("{owner_name}.{name}: neither has a field nor is said to have none"));
                }
            }
        }
        for name in &untyped {
            if schema::attribute(&tables, owner_name, name).is_empty() {
                wrong.push(format!("{owner_name}.{name}: is in no schema"));
            }
        }
        let since = first_version(&tables, owner_name);
        let expected = if since == Version::V1_0_0 { String::new() } else { format!(" (since {since})") };
        if !owner.docs.contains(&format!("object `{owner_name}`{expected}:"))
            && !owner.docs.contains(&format!("class `{owner_name}` ("))
        {
            wrong.push(format!("{owner_name}: should be documented as{expected}"));
        }
        for field in &owner.fields {
            let name = format!("{owner_name}.{}", field.name);
            let versions = schema::attribute(&tables, owner_name, &field.name);
            if versions.is_empty() {
                wrong.push(format!("{name}: is in no schema"));
                continue;
            }
            let head = format!("`{}` ({}): ", field.name, requirement(&versions));
            if !field.docs.starts_with(&head) {
                wrong.push(format!("{name}: should begin with {head:?}; is {:?}", field.docs));
            }
            if let Some(complaint) = type_complaint(field, &versions, since, &objects) {
                wrong.push(format!("{name}: is of type {}; {complaint}", field.rust_type));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn untyped(docs: &str) -> BTreeSet<&str> {
    let list = docs.split_once("Left untyped in `extra`: ").map_or("", |(_, list)| list);
    list.split('`').skip(1).step_by(2).collect()
}

/// The union of the attributes of all versions.
fn attributes(tables: &Value, owner: &str) -> BTreeSet<String> {
    let of = |version: &Version| {
        let tables = &tables[version.as_str()];
        let owner = tables["classes"].get(owner).or_else(|| tables["objects"].get(owner));
        owner
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|table| table.keys().cloned())
            .collect::<Vec<_>>()
    };
    Version::ALL.iter().flat_map(of).collect()
}

fn first_version(tables: &Value, owner: &str) -> Version {
    let has = |version: &&Version| {
        let tables = &tables[version.as_str()];
        tables["classes"].get(owner).or_else(|| tables["objects"].get(owner)).is_some()
    };
    *Version::ALL.iter().find(has).unwrap()
}

/// In the form of the documentation, such as `required in 1.0.0, recommended since 1.1.0`.
fn requirement(versions: &[(Version, &Value)]) -> String {
    let mut runs: Vec<(&str, Version, Version)> = Vec::new();
    for (version, attribute) in versions {
        let requirement = attribute["requirement"].as_str().unwrap();
        match runs.last_mut() {
            Some((last, _, end)) if *last == requirement => *end = *version,
            _ => runs.push((requirement, *version, *version)),
        }
    }
    assert_eq!(
        versions.last().unwrap().0,
        *Version::ALL.last().unwrap(),
        "the form has no word for what was removed"
    );
    let last = runs.len() - 1;
    let in_words = |(index, (requirement, first, end)): (usize, &(&str, Version, Version))| match (first, end)
    {
        (Version::V1_0_0, _) if last == 0 => (*requirement).to_owned(),
        (first, _) if last == 0 => format!("{requirement}; since {first}"),
        (first, _) if index == last => format!("{requirement} since {first}"),
        (first, end) if first == end => format!("{requirement} in {first}"),
        (Version::V1_0_0, end) => format!("{requirement} up to {end}"),
        (first, end) => format!("{requirement} from {first} to {end}"),
    };
    let mut text = runs.iter().enumerate().map(in_words).collect::<Vec<_>>().join(", ");
    let profiles: BTreeSet<_> = versions
        .iter()
        .flat_map(|(_, a)| a["profiles"].as_array().unwrap())
        .map(|p| p.as_str().unwrap())
        .collect();
    if !profiles.is_empty() {
        let names: Vec<_> = profiles.iter().map(|profile| format!("`{profile}`")).collect();
        text += &format!("; with the profile {}", names.join(" or "));
    }
    if let Some((version, _)) = versions.iter().find(|(_, attribute)| attribute["deprecated"] == true) {
        text += &format!("; deprecated since {version}");
    }
    text
}

/// What is wrong with the field's type, given the schemas.
fn type_complaint(
    field: &Field,
    versions: &[(Version, &Value)],
    since: Version,
    objects: &BTreeMap<&str, &str>,
) -> Option<String> {
    let always = versions[0].0 == since
        && versions
            .iter()
            .all(|(_, a)| a["requirement"] == "required" && a["profiles"] == Value::Array(Vec::new()));
    let inside = |text: &str, outer: &str| {
        text.strip_prefix(outer).and_then(|rest| rest.strip_prefix('<')?.strip_suffix('>')).map(str::to_owned)
    };
    let optional = inside(&field.rust_type, "Option");
    if optional.is_none() != always {
        return Some(format!("required in every version: {always}"));
    }
    let mut rust_type = optional.unwrap_or_else(|| field.rust_type.clone());
    rust_type = inside(&rust_type, "Box").unwrap_or(rust_type);
    let element = inside(&rust_type, "Vec");
    let array = element.is_some();
    let element = element.unwrap_or(rust_type);
    let has_captions = versions.iter().any(|(_, a)| a["captions"].as_object().is_some_and(|c| c.len() > 2));
    for (version, attribute) in versions {
        if attribute["array"] != array {
            return Some(format!("an array in {version}: {}", attribute["array"]));
        }
        let kind = attribute["kind"].as_str().unwrap();
        let fits = match kind {
            "string_t" => element == "String",
            "boolean_t" => element == "bool",
            "float_t" => element == "Number",
            "json_t" => element == "Value",
            "integer_t" | "long_t" if element.starts_with("ClassUid<") => field.name == "class_uid",
            "integer_t" | "long_t" if has_captions && !array && field.name != "type_uid" => {
                element.ends_with("Id")
            }
            "integer_t" | "long_t" => element == "i64",
            "object_t" if attribute["object"] == "object" => element == "Map",
            "object_t" => objects.get(element.as_str()).is_some_and(|name| attribute["object"] == *name),
            _ => false,
        };
        if !fits {
            return Some(format!("{kind} {} in {version}", attribute["object"]));
        }
    }
    None
}
