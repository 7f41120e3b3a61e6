use serde::{Deserialize, Serialize};

/// What became of a rule's events, since it was first seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Counters {
    /// Events that the rule's condition, or that of its `preceded_by`, matches.
    pub matched: u64,
    /// Those of them that came too late to be counted with others.
    pub late: u64,
    /// Those of them that had been seen before, by their id and time.
    pub duplicates: u64,
    /// Groups that were forgotten because there were too many.
    pub evicted: u64,
    /// Alerts told one by one: fired, repeated, or resolved.
    pub told: u64,
    /// Alerts that were not told one by one, since there were too many within a minute.
    pub summed_up: u64,
}
