//! A topic of Kafka.
//!
//! Kafka deletes whole segments, and each only when its newest record is older than [`retention.ms`]. A segment is closed
//! when it is full or [`segment.ms`] old, so a record may live longer than `retention.ms` by as much. It counts from
//! the records' timestamps, which are those of their delivery.
//!
//! [`retention.ms`]: https://kafka.apache.org/documentation/#topicconfigs_retention.ms
//! [`segment.ms`]: https://kafka.apache.org/documentation/#topicconfigs_segment.ms

use std::fmt;

use audit_model::Timestamp;
use serde::Serialize;

use crate::{Holds, Plan, Policy};

/// A topic as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Topic {
    /// What it is called.
    pub name: String,
    /// What it is set to; `None` where there is no such topic yet.
    pub config: Option<TopicConfig>,
}

/// What of a topic's configuration is about keeping records: what is set for it, or else its brokers' default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicConfig {
    /// `retention.ms`: how old records become; for ever when it is negative.
    pub retention_ms: i64,
    /// `retention.bytes`: how large a partition becomes; without limit when it is negative.
    pub retention_bytes: i64,
    /// `cleanup.policy`: `delete`, `compact` or both.
    pub cleanup_policy: String,
    /// `segment.ms`: how long a segment takes records.
    pub segment_ms: i64,
}

/// What is to be done to a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Set `retention.ms`.
    SetRetentionMs {
        /// The topic.
        topic: String,
        /// The milliseconds; -1 is for ever.
        ms: i64,
        /// The milliseconds until now.
        before: i64,
    },
    /// Set `retention.bytes`.
    SetRetentionBytes {
        /// The topic.
        topic: String,
        /// The bytes; -1 is without limit.
        bytes: i64,
        /// The bytes until now.
        before: i64,
    },
}

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// For ever, and without limit.
const UNLIMITED: i64 = -1;

impl Change {
    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        match self {
            Self::SetRetentionMs { topic, .. } | Self::SetRetentionBytes { topic, .. } => topic,
        }
    }

    /// The configuration's name and its new value, as Kafka writes them.
    #[must_use]
    pub fn entry(&self) -> (&'static str, String) {
        match self {
            Self::SetRetentionMs { ms, .. } => ("retention.ms", ms.to_string()),
            Self::SetRetentionBytes { bytes, .. } => ("retention.bytes", bytes.to_string()),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topic = self.topic();
        match self {
            Self::SetRetentionMs { ms, before, .. } => {
                write!(f, "Keep the records of topic `{topic}` {}, not {}.", how_long(*ms), how_long(*before))
            }
            Self::SetRetentionBytes { bytes, before, .. } => {
                write!(f, "Set retention.bytes of topic `{topic}` to {bytes}, not {before}.")
            }
        }
    }
}

/// What has to be done to a topic.
///
/// - With `max_days`, `retention.ms` is so much less as a segment takes (`segment.ms`), but not less than
///   [`Policy::protected_days`]. Where that makes records live longer than `max_days`, a note says so; a shorter `segment.ms` is
///   what helps.
/// - With `min_days` alone, a lower `retention.ms` is raised, and a higher one stays.
/// - While a hold is active, whatever its range, `retention.ms` is -1: records are kept for ever.
/// - With any of these `retention.bytes` is -1, because it deletes whatever the records' age is.
///
/// A `cleanup.policy` with `compact` in it is a problem where anything is to be kept: compaction keeps one record of each key,
/// and the key is the chain's id. A topic that is missing is a note.
pub fn plan(policy: &Policy, holds: &Holds, topic: &Topic, now: Timestamp) -> Plan<Change> {
    let mut plan = Plan::default();
    let name = &topic.name;
    let Some(config) = &topic.config else {
        plan.notes.push(format!(
            "topic `{name}` does not exist yet: once it does, the next round sets its retention"
        ));
        return plan;
    };
    let hold = holds.active(now).next();
    let Some(least) = policy.protected_days().or(hold.map(|_| 0)) else { return plan };
    if config.cleanup_policy.split(',').any(|word| word.trim() == "compact") {
        plan.problems.push(format!(
            "topic `{name}` has cleanup.policy={}: compaction keeps one record of each key, and the key is the chain's id; \
             set it to `delete`",
            config.cleanup_policy
        ));
        return plan;
    }
    let least = i64::from(least) * DAY;
    let wanted = if let Some(hold) = hold {
        plan.notes.push(format!("topic `{name}` keeps all while hold `{}` is active", hold.id));
        UNLIMITED
    } else if let Some(max) = policy.max_days {
        let open = config.segment_ms.max(0);
        let most = i64::from(max) * DAY;
        if least > most.saturating_sub(open) {
            plan.notes.push(format!(
                "topic `{name}`: a record may be {} old before it goes, over max_days, because Kafka deletes segments, \
                 which take records for {} (segment.ms), and nothing younger than {} may go",
                time(least.saturating_add(open)),
                time(open),
                time(least)
            ));
        }
        least.max(most.saturating_sub(open))
    } else if (0..least).contains(&config.retention_ms) {
        least
    } else {
        config.retention_ms
    };
    let before = config.retention_ms;
    if before != wanted {
        plan.changes.push(Change::SetRetentionMs { topic: name.clone(), ms: wanted, before });
    }
    if config.retention_bytes >= 0 {
        let before = config.retention_bytes;
        plan.changes.push(Change::SetRetentionBytes { topic: name.clone(), bytes: UNLIMITED, before });
    }
    plan
}

fn how_long(ms: i64) -> String {
    if ms < 0 { "for ever".to_owned() } else { format!("for {}", time(ms)) }
}

fn time(ms: i64) -> String {
    if ms % DAY == 0 { format!("{} days", ms / DAY) } else { format!("{ms} ms") }
}

#[cfg(test)]
mod tests {
    use super::{Change, DAY, Topic, TopicConfig, plan};
    use crate::{Holds, Plan, Policy};

    fn planned(min: Option<u32>, max: Option<u32>, config: Option<TopicConfig>) -> Plan<Change> {
        let policy = Policy { min_days: min, max_days: max, ..Policy::default() };
        let now = "2026-11-22T10:00:00Z".parse().expect("a time");
        plan(&policy, &Holds::default(), &Topic { name: "audit".into(), config }, now)
    }

    fn config(retention_days: i64) -> TopicConfig {
        TopicConfig {
            retention_ms: retention_days * DAY,
            retention_bytes: -1,
            cleanup_policy: "delete".into(),
            segment_ms: 7 * DAY,
        }
    }

    #[test]
    fn an_open_segment_is_allowed_for_as_far_as_the_minimum_lets_it() {
        for (min, max, before, after, notes) in [
            (Some(365), Some(2555), 7, 2548, 0),
            (Some(360), Some(365), 7, 360, 1),
            (None, Some(30), 7, 30, 1),
            (Some(30), None, 7, 30, 0),
            (Some(30), None, 60, 60, 0),
            (None, None, 7, 7, 0),
        ] {
            let plan = planned(min, max, Some(config(before)));
            let set = |change: &Change| match change {
                Change::SetRetentionMs { ms, .. } => *ms,
                other @ Change::SetRetentionBytes { .. } => panic!("{other}"),
            };
            assert_eq!(
                plan.changes.first().map_or(before * DAY, set),
                after * DAY,
                "{min:?} {max:?} {before}"
            );
            assert_eq!(plan.notes.len(), notes, "{:?}", plan.notes);
        }
    }

    #[test]
    fn a_compacted_topic_is_a_problem_where_something_is_to_be_kept() {
        for cleanup_policy in ["compact", "delete,compact", "compact, delete"] {
            let config = TopicConfig { cleanup_policy: cleanup_policy.into(), ..config(1) };
            let plan = planned(Some(30), None, Some(config.clone()));
            assert!(plan.is_empty() && plan.problems[0].contains("one record of each key"), "{plan:?}");
            assert_eq!(planned(None, None, Some(config)), Plan::default());
        }
        assert_eq!(planned(Some(30), None, None).notes.len(), 1, "a missing topic is told");
    }
}
