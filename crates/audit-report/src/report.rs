use std::collections::BTreeMap;

use audit_model::Timestamp;
use audit_retention::{Hold, Holds, Policy};
use serde::Serialize;

use crate::{
    Actors, Alert, ConfigurationChange, Denied, Failure, Gap, HoldRecord, Integrity, Operations, Period,
    Pruned, Section, Tally, Timeline,
};

/// What happened in a period, and whether the log that says so can be relied on.
///
/// As text, HTML, JSON and CSV by [`to_text`](Self::to_text), [`to_html`](Self::to_html), [`to_json`](Self::to_json)
/// and [`to_csv`](Self::to_csv).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// What it is called.
    pub title: String,
    /// When it was made.
    pub generated_at: Timestamp,
    /// What it is about.
    pub period: Period,
    /// The files that it was made from.
    pub files: Vec<String>,
    /// Whether the log can be relied on: all of it, not only the period.
    pub integrity: Integrity,
    /// The figures.
    pub summary: Summary,
    /// How many events there were when.
    pub timeline: Timeline,
    /// What was done, by type and result.
    pub operations: Operations,
    /// Who did how much.
    pub actors: Actors,
    /// Accesses that were refused.
    pub denied: Section<Denied>,
    /// Configurations that were changed.
    pub configuration_changes: Section<ConfigurationChange>,
    /// What went wrong.
    pub failures: Section<Failure>,
    /// What the log may lack.
    pub gaps: Section<Gap>,
    /// How long records are kept, which were deleted, and which must not be.
    pub retention: Retention,
    /// What the rules found.
    pub alerts: Section<Alert>,
    /// What else is to be known of how it was made, such as lines that nobody could read.
    pub notes: Vec<String>,
}

/// The figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// How many events there were.
    pub events: u64,
    /// How many by what stands before the dot of their type.
    pub by_category: BTreeMap<String, u64>,
    /// How many failed: their result is `failure`, or their type ends in `.failed`.
    pub failures: u64,
    /// How many were denied: their result is `denied`, or their type is `access.denied`.
    pub denied: u64,
    /// How many actors there were.
    pub actors: u64,
    /// How many changes of a configuration.
    pub configuration_changes: u64,
    /// How many alerts.
    pub alerts: u64,
    /// How many gaps.
    pub gaps: u64,
    /// How many events the log says it could not record.
    pub events_lost: u64,
}

/// How long records are kept, which were deleted, and which must not be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Retention {
    /// The policy, where it is known.
    pub policy: Option<Policy>,
    /// What was deleted by policy in the period.
    pub applied: Section<Pruned>,
    /// Holds that were placed or released in the period.
    pub hold_records: Section<HoldRecord>,
    /// The holds that are active when the report is made, where that is known.
    pub active_holds: Option<Vec<Hold>>,
}

impl Report {
    /// Makes the report.
    #[must_use]
    pub fn new(tally: Tally, integrity: Integrity, generated_at: Timestamp) -> Self {
        let operations = tally.operations.finish();
        let actors = tally.actors.finish();
        let configuration_changes = tally.changes.finish();
        let alerts = tally.alerts.finish();
        let gaps = gaps(&integrity, tally.lost.finish(), tally.tampered.finish(), tally.runs.finish());
        let mut by_category = BTreeMap::new();
        for operation in &operations.types {
            *by_category.entry(operation.category().to_owned()).or_insert(0) += operation.total;
        }
        let summary = Summary {
            events: tally.events,
            by_category,
            failures: tally.failed,
            denied: tally.refused,
            actors: actors.total,
            configuration_changes: configuration_changes.total,
            alerts: alerts.total,
            gaps: gaps.total,
            events_lost: tally.lost_events,
        };
        Self {
            title: "Audit report".to_owned(),
            generated_at,
            period: tally.period,
            files: Vec::new(),
            integrity,
            summary,
            timeline: tally.timeline,
            operations,
            actors,
            denied: tally.denied.finish(),
            configuration_changes,
            failures: tally.failures.finish(),
            gaps,
            retention: Retention {
                policy: None,
                applied: tally.pruned.finish(),
                hold_records: tally.holds.finish(),
                active_holds: None,
            },
            alerts,
            notes: Vec::new(),
        }
    }

    /// Sets what it is called; `Audit report` otherwise.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the names of the files that it was made from.
    #[must_use]
    pub fn files(mut self, files: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.files = files.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the policy that is in force.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.retention.policy = Some(policy);
        self
    }

    /// Sets the holds, of which the report tells those that are active when it is made.
    #[must_use]
    pub fn holds(mut self, holds: &Holds) -> Self {
        self.retention.active_holds = Some(holds.active(self.generated_at).cloned().collect());
        self
    }

    /// Adds what is to be known of how it was made.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

fn gaps(
    integrity: &Integrity,
    lost: Section<Gap>,
    tampered: Section<Gap>,
    crashes: Section<Gap>,
) -> Section<Gap> {
    let of_chains = integrity.gaps();
    let total = of_chains.len() as u64 + lost.total + tampered.total + crashes.total;
    let mut rows = of_chains;
    rows.extend(lost.rows);
    rows.extend(tampered.rows);
    rows.extend(crashes.rows);
    rows.sort_by_key(|gap| (gap.time, gap.kind));
    Section::new(total, rows)
}
