//! The rotated files of a local log.

use std::fmt;

use audit_model::Timestamp;
use serde::Serialize;

use crate::policy::is_older;
use crate::{Holds, Plan, Policy};

/// A log's files as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Files {
    /// The rotated ones, in the order of their records.
    pub rotated: Vec<File>,
    /// When the first record of the active file was logged; `None` when it is empty. It is never deleted.
    pub active: Option<Timestamp>,
    /// How many rotated files are kept by number: the log's `rotation.max_files`.
    pub max_files: Option<usize>,
    /// The last record that every destination has; `u64::MAX` when nobody lacks anything.
    pub delivered: u64,
}

/// A rotated file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// What it is called.
    pub name: String,
    /// The number of its first record.
    pub first_sequence: u64,
    /// The number of its last record.
    pub last_sequence: u64,
    /// When its first record was logged: not before the file before it was rotated.
    pub oldest: Timestamp,
    /// When it was rotated, so no record in it is younger. Where that is known to the second only, the second's end.
    pub newest: Timestamp,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What is to be done to a log's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Put on record that this file goes, and delete it.
    Delete {
        /// What it is called.
        name: String,
        /// The number of its first record.
        first_sequence: u64,
        /// The number of its last record.
        last_sequence: u64,
        /// Its size in bytes.
        bytes: u64,
        /// Why.
        rule: Rule,
    },
    /// Rotate the active file, so that its records can be deleted in time.
    Rotate,
}

/// What a file is deleted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Rule {
    /// It is too old.
    #[serde(rename = "retention.max_days")]
    MaxDays,
    /// There are too many.
    #[serde(rename = "rotation.max_files")]
    MaxFiles,
}

/// What has to be done to a log's files.
///
/// A rotated file is *due* when its oldest record is at least `max_days` old, or when more than `max_files` rotated files
/// are there and it is not among the last ones. One that is due goes, unless
///
/// - an active hold covers a moment between its oldest and its newest record, or
/// - its newest record is younger than [`Policy::protected_days`], or
/// - a destination still lacks one of its records, or
/// - a file before it stays, due or not: what is deleted is always a prefix of the log, so that no gap comes to be.
///
/// The notes say of each file that is due and stays which of these it is, the first that applies in this order. Where
/// numbers of files overlap or descend, somebody has put files there: that is a problem, and no file from there on goes.
///
/// The active file is to be rotated as soon as it would otherwise hold up the policy: when its oldest record is
/// `max_days − protected_days` old. Then, if this is done each day, the file can go when that record reaches `max_days`
/// and the record logged last is just old enough. Where both are the same number no file can do that; it is rotated at a
/// tenth of `max_days`, but not before a day, and its first records live as much longer.
///
/// All that is deleted at one time would be deleted at any later time as well, if it still were there. One more hold never
/// makes more go. After all changes have been made, a plan for the same time has none.
pub fn plan(policy: &Policy, holds: &Holds, files: &Files, now: Timestamp) -> Plan<Change> {
    let mut plan = Plan::default();
    let rotates = files.active.is_some_and(|oldest| is_rotated(policy, oldest, now));
    // The file that rotation adds counts, or the next plan would have more to do.
    let surplus =
        files.max_files.map_or(0, |max| (files.rotated.len() + usize::from(rotates)).saturating_sub(max));
    let mut reasons = Reasons::default();
    let mut stays: Option<&File> = None;
    for (index, file) in files.rotated.iter().enumerate() {
        let overlapping =
            files.rotated.get(index + 1).filter(|next| next.first_sequence <= file.last_sequence);
        if let Some(next) = overlapping {
            plan.problems.push(format!(
                "`{}` goes up to record {} and `{}` behind it begins at {}, expected a higher number. Find out who put one of \
                 them there, and move it away; nothing from `{}` on is deleted",
                file.name, file.last_sequence, next.name, next.first_sequence, file.name,
            ));
        }
        let (oldest, newest) = (file.oldest.min(file.newest), file.oldest.max(file.newest));
        let rule = if policy.must_delete(oldest, now) {
            Rule::MaxDays
        } else if index < surplus {
            Rule::MaxFiles
        } else {
            stays.get_or_insert(file);
            continue;
        };
        let reason = if let Some(hold) = holds.holding(oldest, newest, now) {
            let until = hold.until.map(|until| format!(" until {until}")).unwrap_or_default();
            Some(format!("hold `{}` by {} covers records in it{until}", hold.id, hold.placed_by))
        } else if let Some(days) = policy.protected_days().filter(|days| !is_older(newest, *days, now)) {
            Some(format!("records in it are younger than {days} days"))
        } else if file.last_sequence > files.delivered {
            Some(format!("a destination has got records only up to {}", files.delivered))
        } else if let Some(older) = stays {
            Some(format!("`{}` before it stays", older.name))
        } else {
            overlapping
                .map(|next| format!("the numbers of its records overlap with those of `{}`", next.name))
        };
        match reason {
            Some(reason) => {
                stays.get_or_insert(file);
                reasons.add(index, file, rule, reason);
            }
            None => plan.changes.push(Change::Delete {
                name: file.name.clone(),
                first_sequence: file.first_sequence,
                last_sequence: file.last_sequence,
                bytes: file.bytes,
                rule,
            }),
        }
    }
    plan.notes = reasons.into_notes();
    if rotates {
        plan.changes.push(Change::Rotate);
    }
    plan
}

/// Whether the active file is to be rotated, if its first record is of that time.
fn is_rotated(policy: &Policy, oldest: Timestamp, now: Timestamp) -> bool {
    policy.longest_file_days().is_some_and(|days| is_older(oldest, days, now))
}

/// Why files that are due stay: one note for neighbours that do so for the same reason.
#[derive(Default)]
struct Reasons {
    notes: Vec<String>,
    current: Option<Reason>,
}

struct Reason {
    first: String,
    last: String,
    files: usize,
    index: usize,
    rule: Rule,
    why: String,
}

impl Reasons {
    fn add(&mut self, index: usize, file: &File, rule: Rule, why: String) {
        match &mut self.current {
            Some(reason) if reason.index + 1 == index && reason.rule == rule && reason.why == why => {
                (reason.index, reason.last) = (index, file.name.clone());
                reason.files += 1;
            }
            _ => {
                let (first, last) = (file.name.clone(), file.name.clone());
                let before = self.current.replace(Reason { first, last, files: 1, index, rule, why });
                self.notes.extend(before.as_ref().map(Reason::to_string));
            }
        }
    }

    fn into_notes(mut self) -> Vec<String> {
        self.notes.extend(self.current.as_ref().map(Reason::to_string));
        self.notes
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, files, rule, why, .. } = self;
        match files {
            1 => write!(f, "`{first}` is due by {rule} and stays: {why}"),
            _ => write!(f, "`{first}` to `{last}` ({files} files) are due by {rule} and stay: {why}"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxDays => "retention.max_days",
            Self::MaxFiles => "rotation.max_files",
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delete { name, first_sequence, last_sequence, bytes, rule } => {
                write!(
                    f,
                    "Delete `{name}` (records {first_sequence} to {last_sequence}, {bytes} bytes) by {rule}."
                )
            }
            Self::Rotate => {
                f.write_str("Rotate the active file, so that its oldest records can be deleted in time.")
            }
        }
    }
}
