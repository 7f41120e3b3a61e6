use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long to keep the log.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Retention {
    /// Nothing younger is deleted.
    pub min_days: Option<NonZeroU32>,
    /// Nothing older is kept.
    pub max_days: Option<NonZeroU32>,
    /// S3 storage classes by age, youngest first. Read from beside `retention` too.
    pub lifecycle: Vec<LifecycleStep>,
}

/// From this age on, this storage class.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct LifecycleStep {
    /// The age in days.
    pub days: NonZeroU32,
    /// The class to move to.
    pub storage_class: StorageClass,
}

/// The S3 storage classes that a lifecycle rule can move objects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names are S3's")]
pub enum StorageClass {
    StandardIa,
    #[serde(rename = "ONEZONE_IA")]
    OneZoneIa,
    IntelligentTiering,
    GlacierIr,
    Glacier,
    DeepArchive,
}
