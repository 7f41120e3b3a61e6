//! The settings of backups, and what a change of them changed.

use audit_model::{ConfigChange, Value};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) compression_level: u8,
    pub(crate) topics: Topics,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topics {
    include: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { compression_level: 3, topics: Topics { include: vec!["orders".to_owned()] } }
    }
}

impl Settings {
    /// Field by field, what is different in `new`.
    pub(crate) fn changes(&self, new: &Self) -> Vec<ConfigChange> {
        let mut changes = Vec::new();
        let value = |settings: &Self| serde_json::to_value(settings).expect("plain data");
        compare("", value(self), value(new), &mut changes);
        changes
    }
}

fn compare(path: &str, old: Value, new: Value, changes: &mut Vec<ConfigChange>) {
    match (old, new) {
        (Value::Object(mut old), Value::Object(new)) => {
            for (name, new) in new {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&path, old.remove(&name).unwrap_or_default(), new, changes);
            }
        }
        (old, new) if old != new => {
            changes.push(ConfigChange {
                field: path.to_owned(),
                old_value: old,
                new_value: new,
                ..ConfigChange::default()
            });
        }
        _ => {}
    }
}
