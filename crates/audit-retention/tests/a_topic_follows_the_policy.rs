//! Plans for topics: what holds for all of them.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_model::Timestamp;
use audit_retention::kafka::{Change, Topic, TopicConfig, plan};
use audit_retention::{Hold, Holds, Policy};
use proptest::prelude::*;

const DAY: i64 = 24 * 60 * 60 * 1000;

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn apply(topic: &mut Topic, change: &Change) {
    let config = topic.config.as_mut().unwrap();
    match change {
        Change::SetRetentionMs { ms, .. } => config.retention_ms = *ms,
        Change::SetRetentionBytes { bytes, .. } => config.retention_bytes = *bytes,
    }
}

fn holds() -> impl Strategy<Value = Holds> {
    let hold = any::<bool>().prop_map(|ended| Hold {
        id: "case-1".into(),
        placed_by: "legal".into(),
        reason: "case".into(),
        placed: now(),
        until: ended.then(now),
        from: Some(now()),
        to: None,
    });
    prop::collection::vec(hold, 0..2).prop_map(Holds)
}

fn configs() -> impl Strategy<Value = TopicConfig> {
    let cleanup = prop::sample::select(vec!["delete", "compact", "compact,delete"]);
    (prop_oneof![Just(-1), 0..5000 * DAY], prop_oneof![Just(-1), 0i64..1 << 40], cleanup, 1..30 * DAY)
        .prop_map(|(retention_ms, retention_bytes, cleanup_policy, segment_ms)| TopicConfig {
            retention_ms,
            retention_bytes,
            cleanup_policy: cleanup_policy.into(),
            segment_ms,
        })
}

proptest! {
    #[test]
    fn never_under_the_minimum_and_over_the_maximum_only_with_a_reason(
        min in prop::option::of(1u32..4000), max in prop::option::of(1u32..4000), holds in holds(), config in configs()
    ) {
        let policy = Policy { min_days: min, max_days: max, ..Policy::default() };
        let mut topic = Topic { name: "audit".into(), config: Some(config.clone()) };
        let first = plan(&policy, &holds, &topic, now());
        first.changes.iter().for_each(|change| apply(&mut topic, change));
        let again = plan(&policy, &holds, &topic, now());
        prop_assert!(again.is_empty(), "{:?}", again);
        prop_assert_eq!(&again.problems, &first.problems);

        let held = holds.active(now()).next().is_some();
        let least = policy.protected_days();
        let after = topic.config.unwrap();
        prop_assert_eq!((&after.cleanup_policy, after.segment_ms), (&config.cleanup_policy, config.segment_ms));
        if least.is_none() && !held {
            prop_assert_eq!((after, first.problems.len()), (config, 0));
        } else if config.cleanup_policy != "delete" {
            prop_assert_eq!((after, first.problems.len()), (config, 1));
        } else {
            let ms = if after.retention_ms < 0 { i64::MAX } else { after.retention_ms };
            prop_assert!(!held || ms == i64::MAX);
            prop_assert!(least.is_none_or(|least| ms >= i64::from(least) * DAY));
            let oldest = ms.saturating_add(after.segment_ms);
            prop_assert!(max.is_none_or(|max| oldest <= i64::from(max) * DAY) || !first.notes.is_empty());
            if let (None, false, Some(least)) = (max, held, least) {
                // More than enough is no reason to delete.
                let enough = config.retention_ms < 0 || config.retention_ms >= i64::from(least) * DAY;
                prop_assert!(!enough || after.retention_ms == config.retention_ms);
            }
            prop_assert_eq!(after.retention_bytes, -1);
        }
    }
}

#[test]
fn changes_are_sentences() {
    let config = TopicConfig {
        retention_ms: 7 * DAY,
        retention_bytes: 1 << 30,
        cleanup_policy: "delete".into(),
        segment_ms: DAY / 24,
    };
    let topic = Topic { name: "audit".into(), config: Some(config) };
    let policy = Policy { min_days: Some(30), max_days: Some(90), ..Policy::default() };
    let changes = plan(&policy, &Holds::default(), &topic, now()).changes;
    assert_eq!(
        changes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "Keep the records of topic `audit` for 7772400000 ms, not for 7 days.",
            "Set retention.bytes of topic `audit` to -1, not 1073741824."
        ]
    );
    assert_eq!(
        serde_json::to_string(&changes[1]).unwrap(),
        r#"{"change":"set_retention_bytes","topic":"audit","bytes":-1,"before":1073741824}"#
    );
}
