use schemars::transform::transform_subschemas;
use schemars::{Schema, schema_for};
use serde_json::{Value, json};

use crate::Config;

/// The JSON Schema (draft 2020-12) of a configuration, for editors: bare, or under
/// `enterprise.audit` with or without `spec` above.
///
/// It says what [`parse`](crate::parse) says, but for what needs two values compared, a key left empty
/// (which `parse` passes over), and a number where a string is wanted (which is its text).
#[must_use]
pub fn schema() -> Value {
    let mut bare = schema_for!(Config);
    or_variable(&mut bare);
    let mut bare = bare.to_value();
    let definitions = bare.as_object_mut().and_then(|schema| schema.remove("$defs")).unwrap_or_default();
    let mut definitions = definitions.as_object().cloned().unwrap_or_default();
    if let Some(schema) = bare.as_object_mut() {
        schema.remove("$schema");
    }
    definitions.insert("Config".to_owned(), bare);
    let under = |key: &str, schema: Value| json!({ "type": "object", "required": [key], "properties": { key: schema } });
    let enterprise = under("enterprise", under("audit", json!({ "$ref": "#/$defs/Config" })));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "audit-log configuration",
        "anyOf": [enterprise, under("spec", enterprise.clone()), { "$ref": "#/$defs/Config" }],
        "$defs": definitions,
    })
}

/// Numbers and booleans may be given as `${VAR}`.
fn or_variable(schema: &mut Schema) {
    // Inner ones first, since this adds to them.
    transform_subschemas(&mut or_variable, schema);
    let Some(object) = schema.as_object_mut() else { return };
    let names = |value: &Value, name: &str| {
        value == name || value.as_array().is_some_and(|all| all.contains(&json!(name)))
    };
    let is_scalar = object
        .get("type")
        .is_some_and(|kind| (names(kind, "integer") || names(kind, "boolean")) && !names(kind, "string"));
    if is_scalar {
        let kept: serde_json::Map<_, _> =
            ["description", "default"].into_iter().filter_map(|key| object.remove_entry(key)).collect();
        let own = Value::Object(std::mem::take(object));
        *object = kept;
        object.insert("anyOf".to_owned(), json!([own, { "type": "string", "pattern": r"^\$\{[^}]+\}$" }]));
    }
}
