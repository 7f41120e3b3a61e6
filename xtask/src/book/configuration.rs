//! The JSON Schema of configurations as a page.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

pub(crate) fn page(schema: &Value) -> Result<String> {
    let definitions = schema["$defs"].as_object().context("the schema has definitions")?;
    let mut page = "# Configuration keys\n\n\
        All of them, as `audit-log config schema` has them for editors. They stand below `enterprise.audit` (in a `KafkaBackup` resource \
        below `spec.enterprise.audit`), or at the top of a file of their own. `${VAR}` and `${VAR:-default}` may stand for any value; \
        durations are written `500ms`, `30s`, `5m`, `12h`, `7d`. `audit-log config check` says what is wrong in a file, and \
        `audit-log config show` what is in effect. With explanations: [all keys](../examples/all-keys.yaml), \
        [destinations](../examples/destinations.yaml), [alerts](../examples/alerts.yaml), [the service](../examples/service.yaml).\n"
        .to_owned();
    // In the order in which a reader comes across them.
    let mut names = vec!["Config".to_owned()];
    let mut place = 0;
    while let Some(name) = names.get(place).cloned() {
        let definition =
            definitions.get(&name).with_context(|| format!("the schema does not define {name}"))?;
        let mut section = Section { text: String::new(), names: &mut names };
        section.definition(&name, definition);
        page += &section.text;
        place += 1;
    }
    Ok(page)
}

struct Section<'a> {
    text: String,
    /// What is told on the page; whatever is mentioned is added.
    names: &'a mut Vec<String>,
}

impl Section<'_> {
    fn definition(&mut self, name: &str, definition: &Value) {
        let title = if name == "Config" { "enterprise.audit" } else { name };
        self.text += &format!("\n## {title}\n\n{}\n", sentence(definition));
        if let Some(properties) = definition["properties"].as_object() {
            self.properties(properties, definition);
        }
        let values: Vec<&Value> = definition["enum"].as_array().into_iter().flatten().collect();
        if !values.is_empty() {
            let values: Vec<String> = values.iter().map(|value| shown(value)).collect();
            self.text += &format!("\nOne of {}.\n", values.join(", "));
        }
        let variants: Vec<&Value> = definition["oneOf"].as_array().into_iter().flatten().collect();
        if variants.iter().any(|variant| variant.get("const").is_some()) {
            self.text += "\n| value | meaning |\n|---|---|\n";
        }
        for variant in variants {
            if let Some(value) = variant.get("const") {
                self.text += &format!("| {} | {} |\n", shown(value), cell(&sentence(variant)));
            } else if let Some(properties) = variant["properties"].as_object() {
                let kind = properties.get("type").map(|kind| shown(&kind["const"])).unwrap_or_default();
                self.text +=
                    &format!("\n### {title}, type {}\n\n{}\n", kind.trim_matches('`'), sentence(variant));
                self.properties(properties, variant);
            } else if let Some(name) = referred(variant) {
                let link = self.link(&name);
                self.text += &format!("\n{link}\n");
            }
        }
    }

    fn properties(&mut self, properties: &Map<String, Value>, of: &Value) {
        let keys: Vec<(&String, &Value)> =
            properties.iter().filter(|(key, value)| *key != "type" || value.get("const").is_none()).collect();
        if keys.is_empty() {
            return;
        }
        self.text += "\n| key | takes | default | meaning |\n|---|---|---|---|\n";
        for (key, value) in keys {
            let required =
                of["required"].as_array().is_some_and(|names| names.iter().any(|name| name == key));
            let default = match value.get("default") {
                _ if required => "required".to_owned(),
                None | Some(Value::Null) => String::new(),
                Some(Value::Array(list)) if list.is_empty() => "none".to_owned(),
                Some(Value::String(text)) if text.is_empty() => "none".to_owned(),
                // What an object is when it is left out is told with its own keys.
                Some(Value::Object(_)) => String::new(),
                Some(other) => shown(other),
            };
            let takes = self.takes(value);
            self.text += &format!("| `{key}` | {takes} | {default} | {} |\n", cell(&sentence(value)));
        }
    }

    fn takes(&mut self, value: &Value) -> String {
        if let Some(name) = referred(value) {
            return if name == "Secret" { "text, a secret".to_owned() } else { self.link(&name) };
        }
        if let Some(alternatives) = value["anyOf"].as_array() {
            let mut takes: Vec<String> = Vec::new();
            // A variable in the place of a number or of `true`, which the page says of all, and nothing at all.
            let told = |it: &&Value| it.get("pattern").is_none() && it["type"] != "null";
            for alternative in alternatives.iter().filter(told) {
                takes.push(self.takes(alternative));
            }
            return takes.join(" or ");
        }
        let kind = match &value["type"] {
            Value::String(kind) => kind.as_str(),
            Value::Array(kinds) => {
                kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("")
            }
            _ => "",
        };
        match kind {
            "array" => format!("list of {}", self.takes(&value["items"])),
            "object" => format!("map to {}", self.takes(&value["additionalProperties"])),
            "string" => "text".to_owned(),
            "integer" => "number".to_owned(),
            "boolean" => "`true`, `false`".to_owned(),
            _ => "anything".to_owned(),
        }
    }

    fn link(&mut self, name: &str) -> String {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
        format!("[{name}](#{})", name.to_lowercase())
    }
}

fn referred(value: &Value) -> Option<String> {
    Some(value["$ref"].as_str()?.rsplit('/').next()?.to_owned())
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

fn sentence(value: &Value) -> String {
    value["description"].as_str().unwrap_or_default().replace('\n', " ")
}

fn cell(text: &str) -> String {
    text.replace('|', r"\|")
}
