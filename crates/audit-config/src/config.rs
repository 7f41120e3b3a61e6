use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use audit_model::EventPattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deserialize::{recover, recover_each};
use crate::origin::Origin;
use crate::scalar::{duration, patterns};
use crate::{
    Access, AlertRule, Destination, Integrity, LifecycleStep, Notifiers, Operations, RedactRule, Retention,
    Source,
};

/// A checked audit configuration.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Config {
    /// Whether anything is logged at all.
    #[serde(deserialize_with = "recover")]
    pub enabled: bool,
    /// The name of the chain that records are numbered and sealed in.
    #[serde(deserialize_with = "recover")]
    pub chain_id: Option<String>,
    /// Where the journal and the destinations' cursors live when no destination is the journal.
    #[serde(deserialize_with = "recover")]
    pub state_dir: Option<PathBuf>,
    /// Where to send audit logs: the only place.
    #[serde(deserialize_with = "recover", skip_serializing)]
    destination: Option<Destination>,
    /// Where to send audit logs. A single `destination` is in here too.
    #[serde(deserialize_with = "recover_each")]
    pub destinations: Vec<Destination>,
    /// What to log: event types and patterns such as `backup.*`; everything when empty.
    #[serde(with = "patterns")]
    #[schemars(with = "Vec<String>")]
    pub events: Vec<EventPattern>,
    /// What not to log, out of `events`.
    #[serde(with = "patterns")]
    #[schemars(with = "Vec<String>")]
    pub exclude_events: Vec<EventPattern>,
    /// Whose events to log: globs on `actor.id`; everybody's when empty.
    #[serde(deserialize_with = "recover")]
    pub actors: Vec<String>,
    /// Whose events not to log.
    #[serde(deserialize_with = "recover")]
    pub exclude_actors: Vec<String>,
    /// Which of those events to log, as a condition: `action.result != 'success' or actor.type = 'user'`.
    #[serde(rename = "where", deserialize_with = "recover")]
    pub condition: Option<String>,
    /// What to take out of an event before it is recorded.
    #[serde(deserialize_with = "recover_each")]
    pub redact: Vec<RedactRule>,
    /// Signatures and the chain of them.
    #[serde(deserialize_with = "recover")]
    pub integrity: Integrity,
    /// When an event counts as recorded.
    #[serde(deserialize_with = "recover")]
    pub durability: Durability,
    /// What to do with an event that can't be recorded.
    #[serde(deserialize_with = "recover")]
    pub on_failure: OnFailure,
    /// How many megabytes of events may wait in memory.
    #[serde(deserialize_with = "positive")]
    pub buffer_mb: NonZeroU32,
    /// How many megabytes of the log may wait for destinations before it takes no more; without end when left out.
    #[serde(deserialize_with = "recover")]
    pub max_spool_mb: Option<NonZeroU32>,
    /// How long stopping waits for destinations to get what they lack: `10s`, unless said otherwise.
    #[serde(with = "duration")]
    #[schemars(with = "Option<String>")]
    pub drain_timeout: Option<Duration>,
    /// How long an event waits for `required` destinations before `on_failure` decides: `10s`, unless said otherwise.
    #[serde(with = "duration")]
    #[schemars(with = "Option<String>")]
    pub required_timeout: Option<Duration>,
    /// How long to keep the log.
    #[serde(deserialize_with = "recover")]
    pub retention: Option<Retention>,
    /// S3 storage classes by age; moved into `retention`.
    #[serde(deserialize_with = "recover_each", skip_serializing)]
    lifecycle: Vec<LifecycleStep>,
    /// When to tell somebody.
    #[serde(deserialize_with = "recover_each")]
    pub alerts: Vec<AlertRule>,
    /// What the alerts' notifiers lack.
    #[serde(deserialize_with = "recover")]
    pub notifiers: Option<Notifiers>,
    /// The ways in for events of other programs.
    #[serde(deserialize_with = "recover_each")]
    pub sources: Vec<Source>,
    /// Who may use the service.
    #[serde(deserialize_with = "recover")]
    pub access: Access,
    /// Where it is told how the service is.
    #[serde(deserialize_with = "recover")]
    pub operations: Option<Operations>,
    #[serde(skip)]
    pub(crate) origin: Origin,
}

/// When an event counts as recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Durability {
    /// It is on the disk.
    #[default]
    Fsync,
    /// The operating system has it: survives the process, not the power.
    Os,
    /// It is in memory.
    None,
}

/// What to do with an event that can't be recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnFailure {
    /// Wait until it can.
    Block,
    /// Return an error, so that the caller can refuse the operation.
    #[default]
    Reject,
    /// Drop and count it, and record the loss later.
    Permit,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            chain_id: None,
            state_dir: None,
            destination: None,
            destinations: Vec::new(),
            events: Vec::new(),
            exclude_events: Vec::new(),
            actors: Vec::new(),
            exclude_actors: Vec::new(),
            condition: None,
            redact: Vec::new(),
            integrity: Integrity::default(),
            durability: Durability::default(),
            on_failure: OnFailure::default(),
            buffer_mb: DEFAULT_BUFFER_MB,
            max_spool_mb: None,
            drain_timeout: None,
            required_timeout: None,
            retention: None,
            lifecycle: Vec::new(),
            alerts: Vec::new(),
            notifiers: None,
            sources: Vec::new(),
            access: Access::default(),
            operations: None,
            origin: Origin::default(),
        }
    }
}

const DEFAULT_BUFFER_MB: NonZeroU32 = NonZeroU32::new(8).expect("8 is not 0");

fn positive<'de, D: serde::Deserializer<'de>>(from: D) -> Result<NonZeroU32, D::Error> {
    recover(from).map(|number: Option<NonZeroU32>| number.unwrap_or(DEFAULT_BUFFER_MB))
}

impl Config {
    /// Puts what may be written in two ways into one place, and says so where both were used.
    pub(crate) fn settle(&mut self, origin: Origin) -> Vec<crate::ConfigError> {
        let mut errors = Vec::new();
        if origin.has("destination") && origin.has("destinations") {
            errors.push(
                origin.error(
                    "destinations",
                    "found `destination` and `destinations`, expected only one of them",
                ),
            );
        }
        if origin.has("lifecycle") && origin.has("retention.lifecycle") {
            errors.push(origin.error(
                "lifecycle",
                "found `lifecycle` here and under `retention`, expected only one of them",
            ));
        }
        self.destinations.extend(self.destination.take());
        if !self.lifecycle.is_empty() {
            self.retention.get_or_insert_default().lifecycle.append(&mut self.lifecycle);
        }
        self.integrity.settle();
        self.origin = origin;
        errors
    }

    /// The path of a destination as it was written.
    pub(crate) fn destination_path(&self, index: usize) -> String {
        if self.origin.has("destinations") {
            format!("destinations[{index}]")
        } else {
            "destination".to_owned()
        }
    }

    pub(crate) fn lifecycle_path(&self) -> &'static str {
        if self.origin.has("lifecycle") { "lifecycle" } else { "retention.lifecycle" }
    }
}
