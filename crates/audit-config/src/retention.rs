use std::num::NonZeroU32;
use std::time::Duration;

use audit_retention::{Policy, StorageClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Config;
use crate::scalar::duration;

/// How long to keep the log.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Retention {
    /// Nothing younger is deleted; when left out, nothing younger than `max_days`.
    pub min_days: Option<NonZeroU32>,
    /// Nothing older is kept, unless it is held.
    pub max_days: Option<NonZeroU32>,
    /// S3 storage classes by age, youngest first. Read from beside `retention` too.
    pub lifecycle: Vec<LifecycleStep>,
    /// How often it is looked what is to be deleted: `1h`, unless said otherwise.
    #[serde(with = "duration")]
    #[schemars(with = "Option<String>")]
    pub interval: Option<Duration>,
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

impl Config {
    /// How long the log is to be kept, without what holds forbid.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let Some(retention) = &self.retention else { return Policy::default() };
        let transitions = retention.lifecycle.iter().map(|step| audit_retention::Transition {
            days: step.days.get(),
            storage_class: step.storage_class,
        });
        Policy {
            min_days: retention.min_days.map(NonZeroU32::get),
            max_days: retention.max_days.map(NonZeroU32::get),
            transitions: transitions.collect(),
        }
    }
}

/// How much time a file may span, so that it can go in time.
pub(crate) fn longest_file(policy: &Policy) -> Option<Duration> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    policy.longest_file_days().map(|days| DAY * days)
}
