//! Typed details, and constructors of whole events that leave no way to pair the wrong ones.

use serde::{Deserialize, Serialize, de::DeserializeOwned, ser::Error as _};

use crate::{Action, ActionResult, Actor, Event, EventType, Map, Resource, Value};

/// Details that are not those of the type asked for.
#[derive(Debug, thiserror::Error)]
#[error("details: {source}")]
pub struct DetailsError {
    #[from]
    source: serde_json::Error,
}

/// How far a backup has come: one for each `backup.*` event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackupStage {
    /// `backup.started`
    Started,
    /// `backup.checkpoint`
    Checkpoint,
    /// `backup.completed`
    Completed,
    /// `backup.failed`
    Failed,
    /// `backup.cancelled`
    Cancelled,
}

/// How far a restore has come: one for each `restore.*` event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreStage {
    /// `restore.started`
    Started,
    /// `restore.completed`
    Completed,
    /// `restore.failed`
    Failed,
    /// `restore.cancelled`
    Cancelled,
}

/// Details of `backup.*`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackupDetails {
    /// Which backup.
    pub backup_id: String,
    /// The topics in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// Records written so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_backed_up: Option<u64>,
    /// Bytes read so far, before compression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_backed_up: Option<u64>,
    /// Bytes written so far, after compression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressed_bytes: Option<u64>,
    /// `bytes_backed_up` over `compressed_bytes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression_ratio: Option<f64>,
    /// How long it has taken, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_secs: Option<f64>,
    /// How many checkpoints were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<u64>,
    /// What went wrong, of a failed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Fields that this crate has no name for.
    #[serde(flatten)]
    pub extra: Map,
}

/// Details of `restore.*`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RestoreDetails {
    /// Which backup was restored.
    pub backup_id: String,
    /// Into which cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_cluster: Option<String>,
    /// Which topics.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics_restored: Vec<String>,
    /// Records written so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_restored: Option<u64>,
    /// Whether it is a restore to a point in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pitr_enabled: Option<bool>,
    /// The earliest record time restored (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_window_start: Option<String>,
    /// The latest record time restored (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_window_end: Option<String>,
    /// Old topic name to new.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub topic_mapping: Map,
    /// What went wrong, of a failed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Fields that this crate has no name for.
    #[serde(flatten)]
    pub extra: Map,
}

/// Details of `access.denied`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessDeniedDetails {
    /// What was asked for.
    pub operation: String,
    /// On what.
    pub resource: String,
    /// The permission that it needs.
    pub required_permission: String,
    /// The permissions that the actor had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_permissions: Vec<String>,
    /// Why it was refused, as a stable word such as `insufficient_permissions`.
    pub reason: String,
    /// Fields that this crate has no name for.
    #[serde(flatten)]
    pub extra: Map,
}

/// Details of `config.changed`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigChangedDetails {
    /// Which configuration.
    pub config_type: String,
    /// What changed, field by field.
    pub changes: Vec<ConfigChange>,
    /// Fields that this crate has no name for.
    #[serde(flatten)]
    pub extra: Map,
}

/// One changed field of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConfigChange {
    /// The field's path, such as `topics.include`.
    pub field: String,
    /// What it was; null when it was not there.
    #[serde(default)]
    pub old_value: Value,
    /// What it is now; null when it is gone.
    #[serde(default)]
    pub new_value: Value,
    /// Fields that this crate has no name for.
    #[serde(flatten)]
    pub extra: Map,
}

impl Event {
    /// A `backup.*` event with its details; type, operation and result follow from the stage. As
    /// [`Event::new`], it reads the system clock.
    ///
    /// # Errors
    /// When the details hold a number that JSON cannot (not finite).
    pub fn backup(stage: BackupStage, actor: Actor, details: &BackupDetails) -> Result<Self, DetailsError> {
        for (name, number) in
            [("compression_ratio", details.compression_ratio), ("duration_secs", details.duration_secs)]
        {
            if let Some(number) = number.filter(|number| !number.is_finite()) {
                return Err(serde_json::Error::custom(format!(
                    "{name}: found {number}; expected a finite number"
                ))
                .into());
            }
        }
        let (event_type, result) = match stage {
            BackupStage::Started => (EventType::BACKUP_STARTED, ActionResult::IN_PROGRESS),
            BackupStage::Checkpoint => (EventType::BACKUP_CHECKPOINT, ActionResult::IN_PROGRESS),
            BackupStage::Completed => (EventType::BACKUP_COMPLETED, ActionResult::SUCCESS),
            BackupStage::Failed => (EventType::BACKUP_FAILED, ActionResult::FAILURE),
            BackupStage::Cancelled => (EventType::BACKUP_CANCELLED, ActionResult::CANCELLED),
        };
        Self::new(event_type, actor, Action::new("backup", result))
            .resource(Resource::new("backup", &details.backup_id))
            .with_details(details)
    }

    /// A `restore.*` event with its details; type, operation and result follow from the stage. As
    /// [`Event::new`], it reads the system clock.
    ///
    /// # Errors
    /// When the details cannot be written as JSON.
    pub fn restore(
        stage: RestoreStage,
        actor: Actor,
        details: &RestoreDetails,
    ) -> Result<Self, DetailsError> {
        let (event_type, result) = match stage {
            RestoreStage::Started => (EventType::RESTORE_STARTED, ActionResult::IN_PROGRESS),
            RestoreStage::Completed => (EventType::RESTORE_COMPLETED, ActionResult::SUCCESS),
            RestoreStage::Failed => (EventType::RESTORE_FAILED, ActionResult::FAILURE),
            RestoreStage::Cancelled => (EventType::RESTORE_CANCELLED, ActionResult::CANCELLED),
        };
        Self::new(event_type, actor, Action::new("restore", result))
            .resource(Resource::new("backup", &details.backup_id))
            .with_details(details)
    }

    /// An `access.denied` event with its details. As [`Event::new`], it reads the system clock.
    ///
    /// # Errors
    /// When the details cannot be written as JSON.
    pub fn access_denied(actor: Actor, details: &AccessDeniedDetails) -> Result<Self, DetailsError> {
        Self::new(EventType::ACCESS_DENIED, actor, Action::denied(&details.operation)).with_details(details)
    }

    /// A `config.changed` event with its details. As [`Event::new`], it reads the system clock.
    ///
    /// # Errors
    /// When the details cannot be written as JSON.
    pub fn config_changed(actor: Actor, details: &ConfigChangedDetails) -> Result<Self, DetailsError> {
        Self::new(EventType::CONFIG_CHANGED, actor, Action::success("configure")).with_details(details)
    }

    /// Sets all details at once, from anything that serializes to an object. A number that is not finite becomes null, as it does in
    /// [`Value`].
    ///
    /// # Errors
    /// When it does not serialize, or not to an object.
    pub fn with_details(mut self, details: &impl Serialize) -> Result<Self, DetailsError> {
        self.details = serde_json::from_value(serde_json::to_value(details)?)?;
        Ok(self)
    }

    /// The details as a type, such as [`BackupDetails`].
    ///
    /// # Errors
    /// When a field has the wrong form.
    pub fn details_as<T: DeserializeOwned>(&self) -> Result<T, DetailsError> {
        Ok(serde_json::from_value(Value::Object(self.details.clone()))?)
    }
}
