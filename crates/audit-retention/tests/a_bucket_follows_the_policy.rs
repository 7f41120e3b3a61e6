//! Plans for buckets: what holds for all of them, and what is said about some.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_model::Timestamp;
use audit_retention::s3::{After, Bucket, BucketLock, Change, Move, Object, Rule, plan, rule_ids};
use audit_retention::{Hold, Holds, Policy, StorageClass, Transition};
use proptest::prelude::*;

const DAY: i64 = 24 * 60 * 60 * 1000;
const PREFIX: &str = "prod/chain=";

/// So many days after the first moment of the tests.
fn day(days: i64) -> Timestamp {
    Timestamp::from_milliseconds(1_795_336_200_000 + days * DAY).unwrap()
}

const NOW: i64 = 100;

fn rule(id: &str, prefix: &str) -> Rule {
    Rule {
        id: id.into(),
        enabled: true,
        prefix: prefix.into(),
        tagged: false,
        sized: false,
        expiration: None,
        noncurrent_days: None,
        expired_markers: false,
        transitions: Vec::new(),
    }
}

fn bucket(rules: Vec<Rule>) -> Bucket {
    Bucket {
        name: "audit".into(),
        prefix: PREFIX.into(),
        rules,
        versioned: false,
        object_lock: None,
        lock_days: None,
        objects: Vec::new(),
    }
}

fn policy(min: Option<u32>, max: Option<u32>, transitions: &[(u32, StorageClass)]) -> Policy {
    let to = |(days, class): &(u32, StorageClass)| Transition { days: *days, storage_class: *class };
    Policy { min_days: min, max_days: max, transitions: transitions.iter().map(to).collect() }
}

fn hold(id: &str) -> Hold {
    Hold {
        id: id.into(),
        placed_by: "legal".into(),
        reason: "case".into(),
        placed: day(0),
        until: None,
        from: None,
        to: None,
    }
}

fn apply(bucket: &mut Bucket, change: &Change) {
    let mut find = |key: &str, version: &str| {
        let mut objects = bucket.objects.iter_mut();
        objects.position(|object| object.key == key && object.version == version).unwrap()
    };
    match change {
        Change::SetRules { prefix, rules, .. } => {
            bucket.rules.retain(|rule| !rule_ids(prefix).contains(&rule.id));
            bucket.rules.extend(rules.iter().cloned());
        }
        Change::PlaceLegalHold { key, version, .. } => {
            let at = find(key, version);
            (bucket.objects[at].legal_hold, bucket.objects[at].ours) = (true, true);
        }
        Change::LiftLegalHold { key, version } => {
            let at = find(key, version);
            (bucket.objects[at].legal_hold, bucket.objects[at].ours) = (false, false);
        }
    }
}

fn applied(policy: &Policy, holds: &Holds, bucket: &Bucket) -> Bucket {
    let mut after = bucket.clone();
    for change in plan(policy, holds, bucket, day(NOW)).changes {
        apply(&mut after, &change);
    }
    after
}

fn ours(bucket: &Bucket) -> Vec<&Rule> {
    let ids = rule_ids(PREFIX);
    bucket.rules.iter().filter(|rule| ids.contains(&rule.id)).collect()
}

fn days() -> impl Strategy<Value = Option<u32>> {
    prop::option::of(1u32..60)
}

fn policies() -> impl Strategy<Value = Policy> {
    let transitions = prop::collection::btree_map(
        1u32..70,
        prop::sample::select(vec![StorageClass::Glacier, StorageClass::DeepArchive]),
        0..3,
    );
    (days(), days(), transitions)
        .prop_map(|(min, max, moves)| policy(min, max, &moves.into_iter().collect::<Vec<_>>()))
}

fn after() -> impl Strategy<Value = After> {
    prop_oneof![1 => Just(After::Date), 4 => (1u32..80).prop_map(After::Days)]
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let [ours, markers] = rule_ids(PREFIX);
    let id =
        prop::sample::select(vec![ours, markers, "a".to_owned(), "b".to_owned(), "audit-log:".to_owned()]);
    let prefix = prop::sample::select(vec!["", "prod/", PREFIX, "prod/chain=a/", "dev/", "prod/other"]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let moves = prop::collection::vec(after(), 0..2);
    let rule = (id, prefix, flags, prop::option::of(after()), days(), moves).prop_map(
        |(id, prefix, (enabled, tagged, sized, expired_markers), expiration, noncurrent_days, moves)| Rule {
            enabled,
            tagged,
            sized,
            expiration,
            noncurrent_days,
            expired_markers,
            transitions: moves
                .into_iter()
                .map(|after| Move { after, storage_class: "GLACIER".into() })
                .collect(),
            ..rule(&id, prefix)
        },
    );
    // Ids are unique in a bucket.
    prop::collection::vec(rule, 0..5).prop_map(|mut rules| {
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        rules.dedup_by(|a, b| a.id == b.id);
        rules
    })
}

fn buckets() -> impl Strategy<Value = Bucket> {
    let object = (prop::option::of(0..NOW), 0i64..20, any::<bool>(), any::<bool>());
    let lock = prop::option::of(days().prop_map(|default_days| BucketLock { default_days }));
    (rules(), any::<bool>(), lock, days(), prop::collection::vec(object, 0..6)).prop_map(
        |(rules, versioned, object_lock, lock_days, objects)| Bucket {
            versioned: versioned || object_lock.is_some(),
            object_lock,
            lock_days,
            objects: (0..)
                .zip(objects)
                .map(|(number, (oldest, later, legal_hold, ours))| Object {
                    key: format!("{PREFIX}c/{number}"),
                    version: "v1".into(),
                    oldest: oldest.map(day),
                    newest: day(oldest.unwrap_or(NOW / 2) + later),
                    legal_hold,
                    ours,
                })
                .collect(),
            ..bucket(rules)
        },
    )
}

fn holds() -> impl Strategy<Value = Holds> {
    let times = (prop::option::of(0..2 * NOW), prop::option::of(0..NOW), prop::option::of(0..NOW));
    let hold = times.prop_map(|(until, from, to)| Hold {
        until: until.map(day),
        from: from.map(day),
        to: to.map(day),
        ..hold("case-1")
    });
    prop::collection::vec(hold, 0..3).prop_map(Holds)
}

proptest! {
    #[test]
    fn a_plan_that_was_followed_leaves_nothing_to_do(policy in policies(), holds in holds(), bucket in buckets()) {
        let before = plan(&policy, &holds, &bucket, day(NOW));
        let after = plan(&policy, &holds, &applied(&policy, &holds, &bucket), day(NOW));
        prop_assert_eq!(after.changes, vec![]);
        prop_assert_eq!(after.problems, before.problems);
        // What was applied twice, because an answer was lost, is as it was applied once.
        let mut twice = applied(&policy, &holds, &bucket);
        before.changes.iter().for_each(|change| apply(&mut twice, change));
        prop_assert_eq!(twice, applied(&policy, &holds, &bucket));
    }

    #[test]
    fn the_rules_of_others_stay(policy in policies(), holds in holds(), bucket in buckets()) {
        let ids = rule_ids(PREFIX);
        let others = |bucket: &Bucket| -> Vec<Rule> {
            bucket.rules.iter().filter(|rule| !ids.contains(&rule.id)).cloned().collect()
        };
        prop_assert_eq!(others(&bucket), others(&applied(&policy, &holds, &bucket)));
    }

    #[test]
    fn our_rules_delete_nothing_too_early_and_nothing_that_is_held(
        policy in policies(), holds in holds(), bucket in buckets()
    ) {
        let after = applied(&policy, &holds, &bucket);
        let held = holds.active(day(NOW)).next().is_some();
        for rule in ours(&after) {
            if let (Some(days), Some(after)) = (policy.protected_days(), rule.expiration) {
                prop_assert!(after >= After::Days(days), "{:?}", rule);
            }
            prop_assert!(!held || rule.expiration.is_none() && rule.noncurrent_days.is_none(), "{:?}", rule);
        }
    }

    #[test]
    fn what_is_too_old_goes_unless_something_stands_against_it(
        policy in policies(), holds in holds(), bucket in buckets()
    ) {
        let plan = plan(&policy, &holds, &bucket, day(NOW));
        prop_assume!(plan.problems.is_empty() && holds.active(day(NOW)).next().is_none());
        let after = applied(&policy, &holds, &bucket);
        let ours = ours(&after);
        let deletes = ours.iter().find_map(|rule| rule.expiration);
        prop_assert_eq!(deletes, policy.max_days.map(|max| After::Days(max.max(policy.min_days.unwrap_or(0)))));
        if deletes.is_some() {
            prop_assert_eq!(ours.iter().find_map(|rule| rule.noncurrent_days), bucket.versioned.then_some(1));
            prop_assert_eq!(ours.iter().any(|rule| rule.expired_markers), bucket.versioned);
        }
        for rule in ours {
            prop_assert!(rule.enabled && !rule.tagged && !rule.sized && rule.prefix == PREFIX, "{:?}", rule);
        }
    }

    #[test]
    fn rules_of_others_that_delete_too_early_are_all_told(policy in policies(), bucket in buckets()) {
        let Some(days) = policy.protected_days() else { return Ok(()) };
        let plan = plan(&policy, &Holds::default(), &bucket, day(NOW));
        for rule in bucket.rules.iter().filter(|rule| !rule_ids(PREFIX).contains(&rule.id)) {
            let covers = rule.prefix.starts_with(PREFIX) || PREFIX.starts_with(&rule.prefix);
            let early = rule.expiration.is_some_and(|after| after < After::Days(days));
            if rule.enabled && covers && early && !rule.tagged {
                let named = format!("`{}`", rule.id);
                prop_assert!(plan.problems.iter().any(|problem| problem.contains(&named)), "{:?}", plan);
            }
        }
    }

    #[test]
    fn legal_holds_are_where_a_hold_is_and_others_stay(
        policy in policies(), holds in holds(), bucket in buckets()
    ) {
        let after = applied(&policy, &holds, &bucket);
        for (object, before) in after.objects.iter().zip(&bucket.objects) {
            if bucket.object_lock.is_none() {
                prop_assert_eq!(object, before);
                continue;
            }
            let oldest = before.oldest.unwrap_or(day(-10_000));
            let covered = holds.holding(oldest, before.newest, day(NOW)).is_some();
            prop_assert!(!covered || object.legal_hold, "{:?}", object);
            let far = |time: Timestamp, by| Timestamp::from_milliseconds(time.as_milliseconds() + by * DAY).unwrap();
            let near = holds.holding(far(oldest, -1), far(before.newest, 1), day(NOW)).is_some();
            if !near {
                prop_assert_eq!(object.legal_hold, before.legal_hold && !before.ours);
                prop_assert!(!object.ours);
            }
        }
    }
}

fn problems(policy: &Policy, bucket: &Bucket) -> Vec<String> {
    let plan = plan(policy, &Holds::default(), bucket, day(NOW));
    assert!(plan.is_empty(), "nothing is changed: {plan:?}");
    plan.problems
}

#[test]
fn contradictions_are_told_and_nothing_is_changed() {
    let year = policy(Some(365), Some(2555), &[]);
    let theirs = Rule { expiration: Some(After::Days(30)), ..rule("tidy", "prod/") };
    let [problem] = &problems(&year, &bucket(vec![theirs.clone()]))[..] else { panic!() };
    for part in ["`tidy`", "deletes after 30 days", "kept for 365 days", "change or disable it"] {
        assert!(problem.contains(part), "{problem}");
    }
    let just_right = Rule { expiration: Some(After::Days(365)), ..rule("yearly", "prod/") };
    assert_eq!(plan(&year, &Holds::default(), &bucket(vec![just_right]), day(NOW)).problems, [""; 0]);
    let moves = Move { after: After::Days(10), storage_class: "GLACIER".into() };
    let theirs = Rule { transitions: vec![moves], ..rule("cheaper", "") };
    assert!(problems(&year, &bucket(vec![theirs]))[0].contains("moves to GLACIER after 10 days"));

    let locked = |default_days, lock_days| Bucket {
        versioned: true,
        object_lock: Some(BucketLock { default_days }),
        lock_days,
        ..bucket(Vec::new())
    };
    assert!(
        problems(&year, &locked(Some(3650), None))[0]
            .contains("its default lock of 3650 days ends after max_days")
    );
    assert!(problems(&year, &locked(None, Some(3650)))[0].contains("object_lock of 3650 days"));
    let late = policy(None, Some(90), &[(90, StorageClass::Glacier)]);
    assert!(
        problems(&late, &bucket(Vec::new()))[0]
            .contains("the policy's `lifecycle[0].days`: found 90, expected less than `max_days`")
    );
    let long = Bucket { prefix: "x".repeat(400), ..bucket(Vec::new()) };
    assert!(problems(&year, &long)[0].contains("shorter than 237 characters"));
}

#[test]
fn a_default_lock_does_not_matter_where_objects_bring_their_own() {
    let bucket = Bucket {
        versioned: true,
        object_lock: Some(BucketLock { default_days: Some(3650) }),
        lock_days: Some(365),
        ..bucket(Vec::new())
    };
    let plan = plan(&policy(Some(365), Some(2555), &[]), &Holds::default(), &bucket, day(NOW));
    assert_eq!((plan.problems.len(), plan.notes.len(), plan.changes.len()), (0, 0, 1), "{plan:?}");
}

#[test]
fn a_hold_takes_deletion_out_and_leaves_moves() {
    let policy = policy(Some(30), Some(365), &[(90, StorageClass::Glacier)]);
    let before = applied(&policy, &Holds::default(), &bucket(Vec::new()));
    assert_eq!(ours(&before)[0].expiration, Some(After::Days(365)));
    let held = applied(&policy, &Holds(vec![hold("case-7")]), &before);
    let [rule] = ours(&held)[..] else { panic!("one rule of ours") };
    assert_eq!((rule.expiration, rule.transitions.len()), (None, 1));
    // Even where something else is a problem.
    let mut worse = before.clone();
    worse.rules.push(Rule { expiration: Some(After::Date), ..rule.clone() });
    worse.rules[1].id = "another".into();
    let held = applied(&policy, &Holds(vec![hold("case-7")]), &worse);
    assert_eq!(ours(&held)[0].expiration, None);
    assert_eq!(applied(&policy, &Holds::default(), &held).rules.len(), 2, "the problem keeps ours as it is");
}

#[test]
fn changes_are_sentences() {
    let policy = policy(Some(30), Some(365), &[(90, StorageClass::Glacier)]);
    let versioned = Bucket { versioned: true, ..bucket(Vec::new()) };
    let said = |holds: Holds, bucket: &Bucket| plan(&policy, &holds, bucket, day(NOW)).changes[0].to_string();
    assert_eq!(
        said(Holds::default(), &versioned),
        "Set the lifecycle of `prod/chain=` in bucket `audit`: to GLACIER after 90 days, deleted after 365 days, delete markers removed."
    );
    let none = plan(
        &Policy::default(),
        &Holds::default(),
        &applied(&policy, &Holds::default(), &versioned),
        day(NOW),
    );
    assert_eq!(
        none.changes[0].to_string(),
        "Remove our lifecycle rules for `prod/chain=` from bucket `audit`."
    );
    let json = serde_json::to_value(&none.changes[0]).unwrap();
    assert_eq!(json["change"], "set_rules");
}
