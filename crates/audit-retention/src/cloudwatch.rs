//! A log group of CloudWatch Logs.
//!
//! Its retention counts from each event's time, and can be one of a few numbers of days ([`DAYS`], from
//! [PutRetentionPolicy]) or none. CloudWatch Logs deletes up to 72 hours after that, in rare cases later.
//!
//! [PutRetentionPolicy]: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html

use std::fmt;

use audit_model::Timestamp;
use serde::Serialize;

use crate::{Holds, Plan, Policy};

/// The days that [PutRetentionPolicy] takes.
///
/// [PutRetentionPolicy]: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
pub const DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// A log group as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogGroup {
    /// What it is called.
    pub name: String,
    /// How long it keeps events.
    pub retention: Retention,
}

/// How long a log group keeps events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Retention {
    /// There is no such log group yet.
    Missing,
    /// For ever.
    Forever,
    /// For so many days.
    Days(u32),
}

/// What is to be done to a log group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Keep events for so many days.
    KeepDays {
        /// The log group.
        group: String,
        /// The days, one of [`DAYS`].
        days: u32,
        /// The days until now; for ever when there are none.
        before: Option<u32>,
    },
    /// Keep events for ever.
    KeepForever {
        /// The log group.
        group: String,
        /// The days until now.
        before: u32,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeepDays { group, days, before: Some(before) } => {
                write!(f, "Keep the events of log group `{group}` for {days} days, not {before}.")
            }
            Self::KeepDays { group, days, before: None } => {
                write!(f, "Keep the events of log group `{group}` for {days} days, not for ever.")
            }
            Self::KeepForever { group, before } => {
                write!(f, "Keep the events of log group `{group}` for ever, not for {before} days.")
            }
        }
    }
}

/// What has to be done to a log group.
///
/// - While a hold is active, whatever its range, events are kept for ever: a log group has one retention for all.
/// - With `max_days` they are kept for the most days CloudWatch Logs takes that are not more, nor fewer than
///   [`Policy::protected_days`]. Where there are none such, the minimum wins: for the fewest that are enough, or for ever
///   beyond 3653; a note says so.
/// - With `min_days` alone, a shorter retention is raised, and a longer one stays.
/// - With neither, all stays as it is.
///
/// A log group that is missing is a note: the first batch creates it, and the next plan sees it.
pub fn plan(policy: &Policy, holds: &Holds, group: &LogGroup, now: Timestamp) -> Plan<Change> {
    let mut plan = Plan::default();
    let name = &group.name;
    let before = match group.retention {
        Retention::Missing => {
            plan.notes.push(format!(
                "log group `{name}` does not exist yet: the first batch creates it, and the next round sets its retention"
            ));
            return plan;
        }
        Retention::Forever => None,
        Retention::Days(days) => Some(days),
    };
    let wanted = if let Some(hold) = holds.active(now).next() {
        plan.notes.push(format!("log group `{name}` keeps all while hold `{}` is active", hold.id));
        None
    } else if let Some(max) = policy.max_days {
        let least = policy.protected_days().unwrap_or(max);
        let fitting = DAYS.into_iter().rfind(|days| (least..=max).contains(days));
        let wanted = fitting.or_else(|| at_least(least));
        if fitting.is_none() {
            plan.notes.push(format!(
                "log group `{name}`: CloudWatch Logs has no retention from {least} to {max} days, so {} it is; the minimum \
                 wins",
                wanted.map_or_else(|| "for ever".to_owned(), |days| days.to_string())
            ));
        }
        wanted
    } else if let (Some(min), Some(days)) = (policy.min_days, before) {
        if days < min { at_least(min) } else { before }
    } else {
        before
    };
    let group = name.clone();
    match (wanted, before) {
        (Some(days), before) if before != Some(days) => {
            plan.changes.push(Change::KeepDays { group, days, before });
        }
        (None, Some(before)) => plan.changes.push(Change::KeepForever { group, before }),
        _ => {}
    }
    plan
}

/// The fewest days that are enough; `None`, which is for ever, beyond the most.
fn at_least(least: u32) -> Option<u32> {
    DAYS.into_iter().find(|days| *days >= least)
}

#[cfg(test)]
mod tests {
    use super::{Change, LogGroup, Retention, plan};
    use crate::{Holds, Policy};

    /// What becomes of a retention, and how many notes say why.
    fn wanted(min: Option<u32>, max: Option<u32>, before: Retention) -> (Retention, usize) {
        let policy = Policy { min_days: min, max_days: max, ..Policy::default() };
        let group = LogGroup { name: "/audit".into(), retention: before };
        let now = "2026-11-22T10:00:00Z".parse().expect("a time");
        let plan = plan(&policy, &Holds::default(), &group, now);
        let after = match plan.changes[..] {
            [] => before,
            [Change::KeepDays { days, .. }] => Retention::Days(days),
            [Change::KeepForever { .. }] => Retention::Forever,
            _ => panic!("one change at most"),
        };
        (after, plan.notes.len())
    }

    #[test]
    fn the_nearest_that_is_taken_and_never_below_the_minimum() {
        use Retention::{Days, Forever, Missing};
        for (min, max, before, after) in [
            // The specification's: at least a year, at most seven.
            (Some(365), Some(2555), Forever, (Days(2192), 0)),
            (Some(365), Some(365), Days(30), (Days(365), 0)),
            (Some(401), Some(500), Forever, (Days(545), 1)),
            (Some(3653), Some(9000), Days(1), (Days(3653), 0)),
            (Some(3654), Some(9000), Days(1), (Forever, 1)),
            (None, Some(365), Forever, (Days(365), 0)),
            // Nothing younger than the maximum goes where only that is given.
            (None, Some(100), Days(90), (Days(120), 1)),
            (Some(100), None, Days(90), (Days(120), 0)),
            (Some(100), None, Days(150), (Days(150), 0)),
            (Some(100), None, Forever, (Forever, 0)),
            (Some(4000), None, Days(3653), (Forever, 0)),
            (None, None, Days(1), (Days(1), 0)),
            (Some(1), Some(1), Missing, (Missing, 1)),
        ] {
            assert_eq!(wanted(min, max, before), after, "{min:?} {max:?} {before:?}");
        }
    }
}
