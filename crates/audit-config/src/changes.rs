//! What is different between two configurations.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::secret::{self, MASK};
use crate::{Config, ConfigError, Environment};

/// A field of a configuration that is not what it was.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// Which: `destinations[siem].batch.max_records`. What has a name stands under that, or else under its type.
    pub field: String,
    /// What it was, secrets masked; null when it was not there.
    pub old: Value,
    /// What it is, secrets masked; null when it is gone.
    pub new: Value,
}

impl Change {
    /// A field that was `old` and is `new`.
    #[must_use]
    pub fn new(field: impl Into<String>, old: Value, new: Value) -> Self {
        Self { field: field.into(), old, new }
    }
}

impl Config {
    /// What is different from `old`, field by field, with the defaults of both. A secret that changed is a change, whose values are
    /// both shown masked.
    #[must_use]
    pub fn changes_since(&self, old: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        compare("", &fingerprinted(old), &fingerprinted(self), &mut changes);
        changes
    }

    /// Whether a destination is the same as one of another configuration, secrets included.
    ///
    /// # Panics
    /// When one of them has not so many destinations.
    #[must_use]
    pub fn is_same_destination(&self, index: usize, other: &Self, other_index: usize) -> bool {
        let value = |config: &Self, index: usize| fingerprinted(&config.destinations[index]);
        value(self, index) == value(other, other_index)
    }

    /// Whether a source is the same as one of another configuration, secrets included.
    ///
    /// # Panics
    /// When one of them has not so many sources.
    #[must_use]
    pub fn is_same_source(&self, index: usize, other: &Self, other_index: usize) -> bool {
        fingerprinted(&self.sources[index]) == fingerprinted(&other.sources[other_index])
    }

    /// The keys that differ from `old` and that a log which is open cannot change: those of the file itself, its chain and its keys. Each is
    /// told where it stands in this configuration's file, with what to do.
    #[must_use]
    pub fn needs_restart_since(&self, old: &Self, environment: Environment<'_>) -> Vec<ConfigError> {
        let same = |one: &dyn Fn(&Self) -> Value| one(self) == one(old);
        let mut keys = Vec::new();
        let mut unless = |same: bool, key: &str| {
            if !same {
                keys.push(self.origin.error(key, FIXED));
            }
        };
        unless(self.enabled == old.enabled, "enabled");
        unless(self.chain_id == old.chain_id, "chain_id");
        unless(self.state_dir == old.state_dir, "state_dir");
        unless(same(&|config| fingerprinted(&config.integrity)), "integrity");
        unless(self.durability == old.durability, "durability");
        unless(self.buffer_mb == old.buffer_mb, "buffer_mb");
        let is_moved = {
            let journal = |config: &Self| config.journal_identity(environment);
            journal(self) != journal(old)
        };
        if is_moved {
            let key = self.journal_key(environment);
            keys.push(self.origin.error(&key, format!("the path and rotation of the log itself {FIXED}")));
        }
        keys
    }

    /// Where the journal is configured: as a destination, or beside all of them.
    fn journal_key(&self, environment: Environment<'_>) -> String {
        #[cfg(feature = "pipeline")]
        if let Some(index) = self.journal(environment).and_then(|journal| journal.destination) {
            return self.destination_path(index);
        }
        let _ = environment;
        "destinations".to_owned()
    }

    /// Which file is the journal and when it is rotated.
    fn journal_identity(&self, environment: Environment<'_>) -> Option<String> {
        #[cfg(feature = "pipeline")]
        {
            let journal = self.journal(environment)?;
            Some(format!("{:?} {:?} {}", journal.path, journal.rotation, journal.destination.is_some()))
        }
        #[cfg(not(feature = "pipeline"))]
        {
            let _ = environment;
            None
        }
    }
}

/// Of a key that a log keeps for as long as it is open.
const FIXED: &str = "cannot change while the log is open; change it back, or restart the service";

/// As JSON in which secrets are told apart.
pub(crate) fn fingerprinted(what: &impl serde::Serialize) -> Value {
    secret::fingerprinted(|| serde_json::to_value(what))
        .expect("the types have string keys and write without fail")
}

fn compare(field: &str, old: &Value, new: &Value, changes: &mut Vec<Change>) {
    match (members(old), members(new)) {
        _ if old == new => {}
        (Some(old), Some(new)) => {
            let mut names: Vec<_> = old.keys().chain(new.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let below = match name.strip_prefix('[') {
                    Some(_) => format!("{field}{name}"),
                    None if field.is_empty() => name.clone(),
                    None => format!("{field}.{name}"),
                };
                let side = |members: &BTreeMap<String, Value>| members.get(name).cloned().unwrap_or_default();
                compare(&below, &side(&old), &side(&new), changes);
            }
        }
        _ => changes.push(Change::new(field, masked(old), masked(new))),
    }
}

/// The members of an object, or those of a list whose items have names.
fn members(value: &Value) -> Option<BTreeMap<String, Value>> {
    match value {
        Value::Object(members) => {
            Some(members.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        Value::Array(items) => {
            let named = items.iter().map(|item| {
                let name = item.get("name").filter(|name| !name.is_null()).or_else(|| item.get("type"))?;
                Some((format!("[{}]", name.as_str()?), item.clone()))
            });
            let named: Option<BTreeMap<_, _>> = named.collect();
            // Two of one name cannot be told apart.
            named.filter(|named| !items.is_empty() && named.len() == items.len())
        }
        _ => None,
    }
}

fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) if secret::is_fingerprint(text) => MASK.into(),
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), masked(value)))
            .collect(),
        other => other.clone(),
    }
}
