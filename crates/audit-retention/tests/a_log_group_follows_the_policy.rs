//! Plans for log groups: what holds for all of them.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_model::Timestamp;
use audit_retention::cloudwatch::{Change, DAYS, LogGroup, Retention, plan};
use audit_retention::{Hold, Holds, Policy};
use proptest::prelude::*;

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn apply(group: &mut LogGroup, change: &Change) {
    group.retention = match change {
        Change::KeepDays { days, .. } => Retention::Days(*days),
        Change::KeepForever { .. } => Retention::Forever,
    };
}

fn applied(policy: &Policy, holds: &Holds, before: Retention) -> (Retention, Vec<String>) {
    let mut group = LogGroup { name: "/audit".into(), retention: before };
    let first = plan(policy, holds, &group, now());
    first.changes.iter().for_each(|change| apply(&mut group, change));
    let again = plan(policy, holds, &group, now());
    assert!(again.is_empty(), "{again:?}");
    assert!(first.problems.is_empty());
    (group.retention, first.notes)
}

fn holds() -> impl Strategy<Value = Holds> {
    let hold = any::<bool>().prop_map(|ended| Hold {
        id: "case-1".into(),
        placed_by: "legal".into(),
        reason: "case".into(),
        placed: now(),
        until: ended.then(now),
        from: None,
        to: Some(now()),
    });
    prop::collection::vec(hold, 0..2).prop_map(Holds)
}

fn retentions() -> impl Strategy<Value = Retention> {
    prop_oneof![Just(Retention::Forever), prop::sample::select(DAYS.to_vec()).prop_map(Retention::Days)]
}

fn days() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![Just(None), (1u32..5000).prop_map(Some), prop::sample::select(DAYS.to_vec()).prop_map(Some)]
}

proptest! {
    #[test]
    fn never_under_the_minimum_and_over_the_maximum_only_with_a_reason(
        min in days(), max in days(), holds in holds(), before in retentions()
    ) {
        let policy = Policy { min_days: min, max_days: max, ..Policy::default() };
        let (after, notes) = applied(&policy, &holds, before);
        let held = holds.active(now()).next().is_some();
        prop_assert!(!held || after == Retention::Forever);
        match after {
            Retention::Days(days) => {
                prop_assert!(DAYS.contains(&days));
                prop_assert!(policy.protected_days().is_none_or(|least| days >= least), "{} days", days);
                prop_assert!(max.is_none_or(|max| days <= max) || !notes.is_empty(), "{} days, and no word why", days);
            }
            after => prop_assert!(after == Retention::Forever && (max.is_none() || !notes.is_empty())),
        }
        if let (Some(max), false) = (max, held) {
            // Nothing that is taken would be nearer.
            let least = policy.protected_days().unwrap_or(0);
            let fits = DAYS.into_iter().rfind(|days| (least..=max).contains(days));
            prop_assert!(fits.is_none_or(|days| after == Retention::Days(days)));
        }
        if max.is_none() && min.is_none() && !held {
            prop_assert_eq!(after, before);
        }
    }
}

#[test]
fn changes_are_sentences() {
    let group = LogGroup { name: "/audit".into(), retention: Retention::Days(30) };
    let policy = Policy { min_days: Some(365), max_days: Some(2555), ..Policy::default() };
    let change = &plan(&policy, &Holds::default(), &group, now()).changes[0];
    assert_eq!(change.to_string(), "Keep the events of log group `/audit` for 2192 days, not 30.");
    assert_eq!(
        serde_json::to_string(change).unwrap(),
        r#"{"change":"keep_days","group":"/audit","days":2192,"before":30}"#
    );
}
