use audit_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::StorageClass;

/// How long records are kept. Ages are counted in days of 24 hours, from when a record was logged or delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Nothing younger is deleted. Without it, nothing younger than `max_days`.
    pub min_days: Option<u32>,
    /// Nothing older is kept, unless it is held.
    pub max_days: Option<u32>,
    /// Cheaper storage classes by age, the youngest first; only S3 has them.
    pub transitions: Vec<Transition>,
}

/// From this age on, this storage class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The age in days.
    pub days: u32,
    /// The class to move to.
    pub storage_class: StorageClass,
}

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

impl Policy {
    /// Days that must have passed before anything may be deleted: `min_days`, or `max_days` where only that is given.
    #[must_use]
    pub fn protected_days(&self) -> Option<u32> {
        self.min_days.or(self.max_days)
    }

    /// Whether something of that time is old enough to be deleted.
    #[must_use]
    pub fn may_delete(&self, newest: Timestamp, now: Timestamp) -> bool {
        self.protected_days().is_some_and(|days| is_older(newest, days, now))
    }

    /// Whether something of that time is too old to be kept.
    #[must_use]
    pub fn must_delete(&self, oldest: Timestamp, now: Timestamp) -> bool {
        self.max_days.is_some_and(|days| is_older(oldest, days, now))
    }
}

impl Policy {
    /// How many days one file of records may span, so that its first records are not much older than `max_days` when its
    /// last one may go: `max_days` without the protected days, or a tenth of them where that leaves nothing, and at least
    /// one. `None` where nothing grows too old.
    #[must_use]
    pub fn longest_file_days(&self) -> Option<u32> {
        let (max, protected) = (self.max_days?, self.protected_days()?);
        let days = match max.saturating_sub(protected) {
            0 => max / 10,
            span => span,
        };
        Some(days.max(1))
    }
}

pub(crate) fn is_older(time: Timestamp, days: u32, now: Timestamp) -> bool {
    now.as_milliseconds().saturating_sub(time.as_milliseconds()) >= i64::from(days).saturating_mul(DAY)
}
