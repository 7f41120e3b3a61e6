//! A bucket of S3, or of what speaks its protocol.
//!
//! S3 deletes by [lifecycle rules], a day or so after an object reaches the age, which counts from when it was put. All rules
//! are one document; those that others own are judged and left alone. [Object Lock] keeps versions from being deleted: until a date, or
//! while they have a [legal hold].
//!
//! [lifecycle rules]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
//! [Object Lock]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
//! [legal hold]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html#object-lock-legal-holds

use std::fmt;

use audit_model::Timestamp;
use serde::Serialize;

use crate::{Hold, Holds, Plan, Policy};

/// A bucket as it is, as far as our objects are concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// What it is called.
    pub name: String,
    /// What the keys of our objects begin with, and no others: `prod/chain=`.
    pub prefix: String,
    /// Its lifecycle rules, ours among them.
    pub rules: Vec<Rule>,
    /// Whether it keeps versions, be it only those from before that was suspended.
    pub versioned: bool,
    /// Its Object Lock, where that is enabled.
    pub object_lock: Option<BucketLock>,
    /// For how many days we lock each object, if we do.
    pub lock_days: Option<u32>,
    /// The versions under our prefix; needed where Object Lock is enabled, and then only while a hold is active. Those with a legal hold of
    /// ours are needed always.
    pub objects: Vec<Object>,
}

/// What Object Lock does in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BucketLock {
    /// For how many days an object is locked that says nothing itself. S3 takes years too: a year is 365 days here.
    pub default_days: Option<u32>,
}

/// A lifecycle rule, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// What it is called; at most 255 characters.
    pub id: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// What the keys of the objects that it is for begin with.
    pub prefix: String,
    /// Only for objects with certain tags, of which ours have none.
    pub tagged: bool,
    /// Only for objects of certain sizes, which ours may have.
    pub sized: bool,
    /// When objects are deleted; in a versioned bucket they become noncurrent then.
    pub expiration: Option<After>,
    /// How many days after they became noncurrent versions are deleted.
    pub noncurrent_days: Option<u32>,
    /// Whether delete markers go that no version is left for.
    pub expired_markers: bool,
    /// Where objects are moved, the earliest first.
    pub transitions: Vec<Move>,
}

/// To which storage class objects are moved, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Move {
    /// When.
    pub after: After,
    /// The class by S3's name.
    pub storage_class: String,
}

/// When a rule acts on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// When a date has come, however young the object is.
    Date,
    /// When it is so many days old.
    Days(u32),
}

/// A version of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Which version of it.
    pub version: String,
    /// When its first record was logged, if the key tells.
    pub oldest: Option<Timestamp>,
    /// When it was put, which is after its last record was logged.
    pub newest: Timestamp,
    /// Whether it has a legal hold.
    pub legal_hold: bool,
    /// Whether we placed that legal hold, or were about to.
    pub ours: bool,
}

/// What is to be done to a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Put these rules in the place of those of ours (see [`rule_ids`]), and leave all others as they are.
    SetRules {
        /// The bucket.
        bucket: String,
        /// What the keys of our objects begin with.
        prefix: String,
        /// Two at most. With none, ours are removed.
        rules: Vec<Rule>,
    },
    /// Place a legal hold on a version.
    PlaceLegalHold {
        /// The object's key.
        key: String,
        /// Which version of it.
        version: String,
        /// The hold that it is for.
        hold: String,
    },
    /// Lift a legal hold that we placed.
    LiftLegalHold {
        /// The object's key.
        key: String,
        /// Which version of it.
        version: String,
    },
}

/// What S3 allows for a rule's id.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html>
const LONGEST_ID: usize = 255;

/// Milliseconds by which clocks may differ, and records be older than the first one of their batch, before we hold too little.
const MARGIN: i64 = 24 * 60 * 60 * 1000;

/// The ids of our rules for a prefix: that of the rule which moves and deletes, and that of the rule which removes delete markers.
#[must_use]
pub fn rule_ids(prefix: &str) -> [String; 2] {
    [format!("audit-log:{prefix}"), format!("audit-log-markers:{prefix}")]
}

impl After {
    fn is_before(self, days: u32) -> bool {
        self < Self::Days(days)
    }
}

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date => f.write_str("from a date on"),
            Self::Days(days) => write!(f, "after {days} days"),
        }
    }
}

impl Rule {
    /// What it does in words: `to GLACIER after 90 days, deleted after 365 days`.
    fn actions(&self) -> String {
        let moves = self.transitions.iter().map(|to| format!("to {} {}", to.storage_class, to.after));
        let deletes = self.expiration.iter().map(|after| format!("deleted {after}"));
        let markers = self.expired_markers.then(|| "delete markers removed".to_owned());
        moves.chain(deletes).chain(markers).collect::<Vec<_>>().join(", ")
    }

    fn acts(&self) -> bool {
        self.expiration.is_some()
            || self.noncurrent_days.is_some()
            || self.expired_markers
            || !self.transitions.is_empty()
    }

    /// Whether it may act on an object whose key begins with the prefix.
    fn concerns(&self, prefix: &str) -> bool {
        self.enabled && (self.prefix.starts_with(prefix) || prefix.starts_with(&self.prefix))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetRules { bucket, prefix, rules } if rules.is_empty() => {
                write!(f, "Remove our lifecycle rules for `{prefix}` from bucket `{bucket}`.")
            }
            Self::SetRules { bucket, prefix, rules } => {
                let actions: Vec<String> = rules.iter().map(Rule::actions).collect();
                write!(f, "Set the lifecycle of `{prefix}` in bucket `{bucket}`: {}.", actions.join(", "))
            }
            Self::PlaceLegalHold { key, version, hold } => {
                write!(f, "Place a legal hold on `{key}`, version {version}, for hold `{hold}`.")
            }
            Self::LiftLegalHold { key, version } => {
                write!(f, "Lift our legal hold from `{key}`, version {version}.")
            }
        }
    }
}

/// What has to be done to a bucket.
///
/// - Our rule moves objects as the policy says, and deletes them after `max_days` (the minimum wins where it is greater). In a
///   versioned bucket it also deletes what became noncurrent a day ago, and a second rule removes delete markers: S3 wants that to be a
///   rule of its own ([`Expiration`]). Where nothing is to be moved or deleted, there is no rule of ours.
/// - While any hold is active, our rule deletes nothing. Where Object Lock is enabled, all versions that an active hold may cover have a
///   legal hold as well: what was put until a day before its range, or begun a day after it, is not covered. Legal holds that we placed
///   are lifted when no active hold covers the version any more; others' are not touched.
///
/// Problems are: another's rule in force for our objects that deletes or moves them before `min_days` (or deletes any of them while a
/// hold is active); a lock that lasts longer than `max_days`; transitions that S3 does not take ([`Policy::check`]). While there is one, our rules
/// stay as they are, except that whatever deletes too early is taken out of them.
///
/// Unless a rule sets otherwise, S3 moves no object under [128 KB].
///
/// [`Expiration`]: https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleExpiration.html
/// [128 KB]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
pub fn plan(policy: &Policy, holds: &Holds, bucket: &Bucket, now: Timestamp) -> Plan<Change> {
    let mut plan = Plan::default();
    let hold = holds.active(now).next();
    let ids = rule_ids(&bucket.prefix);
    let (ours, others): (Vec<&Rule>, Vec<&Rule>) =
        bucket.rules.iter().partition(|rule| ids.contains(&rule.id));
    judge_others(policy, hold, bucket, &others, &mut plan);
    let steps = policy.check().into_iter().filter(|error| error.field.starts_with("lifecycle"));
    plan.problems.extend(steps.map(|error| format!("bucket `{}`: the policy's {error}", bucket.name)));
    let deletes_after = policy.max_days.map(|max| max.max(policy.protected_days().unwrap_or(max)));
    if let Some(days) = deletes_after {
        judge_deletion(policy, bucket, days, &mut plan);
    }
    if let (Some(hold), true) = (hold, deletes_after.is_some()) {
        plan.notes
            .push(format!("bucket `{}`: nothing expires while hold `{}` is active", bucket.name, hold.id));
    }
    let deletes_after = deletes_after.filter(|_| hold.is_none());
    let mut rules = if plan.problems.is_empty() {
        wanted(policy, bucket, deletes_after)
    } else {
        ours.iter().filter_map(|rule| cautious(rule, policy, hold)).collect()
    };
    if rules.iter().any(|rule| rule.id.chars().count() > LONGEST_ID) {
        plan.problems.push(format!(
            "bucket `{}`: the prefix `{}` is too long for the id of a lifecycle rule; make it shorter than {} characters",
            bucket.name,
            bucket.prefix,
            LONGEST_ID + bucket.prefix.len() - ids[1].len()
        ));
        rules.retain(|rule| ours.contains(&rule));
    }
    if !same(&rules, &ours) {
        let (bucket, prefix) = (bucket.name.clone(), bucket.prefix.clone());
        plan.changes.push(Change::SetRules { bucket, prefix, rules });
    }
    plan_legal_holds(holds, bucket, now, &mut plan);
    plan
}

fn judge_others(
    policy: &Policy,
    hold: Option<&Hold>,
    bucket: &Bucket,
    others: &[&Rule],
    plan: &mut Plan<Change>,
) {
    for rule in others.iter().filter(|rule| rule.concerns(&bucket.prefix)) {
        let rule_is =
            format!("bucket `{}`: lifecycle rule `{}` for `{}` is", bucket.name, rule.id, rule.prefix);
        let mut contradictions = Vec::new();
        if let Some(after) = rule.expiration {
            if let Some(days) = policy.protected_days().filter(|days| after.is_before(*days)) {
                contradictions.push(format!("deletes {after}, and records are to be kept for {days} days"));
            } else if let Some(hold) = hold {
                contradictions.push(format!("deletes {after}, and hold `{}` is active", hold.id));
            }
        }
        if let Some(min) = policy.min_days {
            let early = rule.transitions.iter().filter(|to| to.after.is_before(min));
            contradictions.extend(early.map(|to| {
                format!(
                    "moves to {} {}, and records are to be kept here for {min} days",
                    to.storage_class, to.after
                )
            }));
        }
        for contradiction in contradictions {
            if rule.tagged {
                plan.notes.push(format!(
                    "{rule_is} another's and {contradiction}; it is for objects with certain tags, which ours do not have"
                ));
            } else {
                plan.problems.push(format!(
                    "{rule_is} another's and {contradiction}; change or disable it, or except `{}` from it",
                    bucket.prefix
                ));
            }
        }
    }
}

/// Whether deleting after so many days goes together with locks.
fn judge_deletion(policy: &Policy, bucket: &Bucket, days: u32, plan: &mut Plan<Change>) {
    let name = &bucket.name;
    if let Some(lock) = bucket.object_lock {
        // A lock that an object is put with takes the place of the bucket's default.
        let (whose, locked) = match bucket.lock_days {
            Some(locked) => ("object_lock", Some(locked)),
            None => ("its default lock", lock.default_days),
        };
        match locked {
            Some(locked) if locked > days => plan.problems.push(format!(
                "bucket `{name}`: {whose} of {locked} days ends after max_days, {days}: what is locked cannot be deleted; \
                 raise max_days, or lock for less (which is for new objects only)"
            )),
            Some(locked) if policy.min_days.is_none_or(|min| locked >= min) => {}
            _ if policy.min_days.is_none() => {}
            _ => plan.notes.push(format!(
                "bucket `{name}`: {whose} is {}, less than min_days: a version that somebody deletes or overwrites is gone \
                 a day after, or when its lock ends",
                locked.map_or_else(|| "none".to_owned(), |locked| format!("of {locked} days"))
            )),
        }
    } else if bucket.versioned && policy.min_days.is_some() {
        plan.notes.push(format!(
            "bucket `{name}` has no Object Lock: a version that somebody deletes or overwrites is gone a day after"
        ));
    }
}

/// Our rules when nothing stands against them.
fn wanted(policy: &Policy, bucket: &Bucket, deletes_after: Option<u32>) -> Vec<Rule> {
    let [id, markers_id] = rule_ids(&bucket.prefix);
    let mut transitions: Vec<Move> = policy
        .transitions
        .iter()
        .map(|to| Move { after: After::Days(to.days), storage_class: to.storage_class.to_string() })
        .collect();
    transitions.sort_by_key(|to| to.after);
    let empty = Rule {
        id: markers_id,
        enabled: true,
        prefix: bucket.prefix.clone(),
        tagged: false,
        sized: false,
        expiration: None,
        noncurrent_days: None,
        expired_markers: false,
        transitions: Vec::new(),
    };
    let versions_go = bucket.versioned && deletes_after.is_some();
    let rule = Rule {
        id,
        expiration: deletes_after.map(After::Days),
        noncurrent_days: versions_go.then_some(1),
        transitions,
        ..empty.clone()
    };
    let markers = Rule { expired_markers: versions_go, ..empty };
    [rule, markers].into_iter().filter(Rule::acts).collect()
}

/// The rule without what deletes too early; `None` when nothing is left of it.
fn cautious(rule: &Rule, policy: &Policy, hold: Option<&Hold>) -> Option<Rule> {
    let mut rule = rule.clone();
    let early = |after: After| policy.protected_days().is_some_and(|days| after.is_before(days));
    if hold.is_some() || rule.expiration.is_some_and(early) {
        rule.expiration = None;
        rule.noncurrent_days = None;
    }
    rule.acts().then_some(rule)
}

fn same(wanted: &[Rule], found: &[&Rule]) -> bool {
    wanted.len() == found.len() && wanted.iter().all(|rule| found.contains(&rule))
}

fn plan_legal_holds(holds: &Holds, bucket: &Bucket, now: Timestamp, plan: &mut Plan<Change>) {
    if bucket.object_lock.is_none() {
        if let Some(hold) = holds.active(now).next() {
            plan.notes.push(format!(
                "bucket `{}` has no Object Lock: nothing but permissions keeps anybody from deleting what hold `{}` covers",
                bucket.name, hold.id
            ));
        }
        return;
    }
    for object in &bucket.objects {
        let (key, version) = (object.key.clone(), object.version.clone());
        match held_by(object, holds, now) {
            Some(hold) if !object.legal_hold => {
                plan.changes.push(Change::PlaceLegalHold { key, version, hold: hold.id.clone() });
            }
            None if object.ours => plan.changes.push(Change::LiftLegalHold { key, version }),
            _ => {}
        }
    }
}

/// The first active hold that covers the object; none only where it is surely outside of all.
#[must_use]
pub fn held_by<'a>(object: &Object, holds: &'a Holds, now: Timestamp) -> Option<&'a Hold> {
    let shifted = |time: Timestamp, by: i64| {
        Timestamp::from_milliseconds(time.as_milliseconds().saturating_add(by)).unwrap_or(time)
    };
    let newest = shifted(object.newest, MARGIN);
    holds.active(now).find(|hold| match object.oldest {
        Some(oldest) => hold.covers(shifted(oldest, -MARGIN), newest.max(oldest)),
        None => hold.from.is_none_or(|from| newest >= from),
    })
}
