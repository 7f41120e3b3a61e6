//! The schema is made from the types; a validator (`check-jsonschema`, an editor) reads it outside.

#![allow(clippy::unwrap_used, reason = "a test that fails there fails")]

use audit_config::{parse, schema};
use serde_json::Value;

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str));
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let schema = schema();
    let mut found = Vec::new();
    references(&schema, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        assert!(schema.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[test]
fn every_key_in_it_is_one_that_parse_knows() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["anyOf"].as_array().unwrap().len(), 3);
    let config = &schema["$defs"]["Config"];
    assert_eq!(config["additionalProperties"], false);
    let keys = config["properties"].as_object().unwrap();
    assert_eq!(keys.len(), 25);
    for key in keys.keys() {
        parse(
            "a",
            &format!("enterprise: {{audit: {{enabled: true, {key}: }}}}")
                .replace("enabled: true, enabled", "enabled"),
            &|_| None,
        )
        .unwrap_or_else(|errors| panic!("{errors}"));
    }
}

#[test]
fn a_destination_is_told_apart_by_its_type() {
    let schema = schema();
    let kinds = schema["$defs"]["Destination"]["oneOf"].as_array().unwrap();
    let types: Vec<_> =
        kinds.iter().map(|kind| kind["properties"]["type"]["const"].as_str().unwrap()).collect();
    assert_eq!(types, ["file", "s3", "cloudwatch", "kafka", "syslog", "webhook", "stdout"]);
}
