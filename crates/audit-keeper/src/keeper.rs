use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use audit_model::{Action, Actor, Event, EventType, Resource, Timestamp};
use audit_pipeline::{EmitError, Recorder};
use audit_retention::{Holds, HoldsFile, HoldsFileError, Policy};
use serde::Serialize;

use crate::files::LocalLog;
use crate::place::{Kind, Place};
use crate::{Change, PlacePlan};

/// Keeps a log as its policy says, at every place where its records are.
#[derive(Debug)]
pub struct Keeper {
    policy: Policy,
    holds: HoldsFile,
    pub(crate) interval: Duration,
    places: Vec<Place>,
}

/// Why not all holds are on record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordHoldsError {
    /// The file of the holds cannot be read or written.
    #[error(transparent)]
    Holds(#[from] HoldsFileError),
    /// The log does not take the record.
    #[error(transparent)]
    Log(#[from] EmitError),
}

/// What became of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Applied {
    /// What was done.
    pub done: Vec<Change>,
    /// Why the next change could not be made. Those behind it were not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Which places are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    Local,
    Elsewhere,
}

/// Why a plan is not followed any more.
pub(crate) const HOLDS_CHANGED: &str = "a hold was placed or released meanwhile; plan again";

impl Keeper {
    /// By that policy, unless a hold in that file forbids it.
    #[must_use]
    pub fn new(policy: Policy, holds: HoldsFile) -> Self {
        Self { policy, holds, interval: Duration::from_secs(60 * 60), places: Vec::new() }
    }

    /// Sets how often every place is looked at; each hour, if this is not called.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Adds the log of record, and how many rotated files of it are kept by number.
    #[must_use]
    pub fn log(self, path: impl Into<PathBuf>, max_files: Option<usize>) -> Self {
        self.place("log", Kind::Local(LocalLog { path: path.into(), max_files, destination: None }))
    }

    /// Adds a copy that a destination keeps in local files.
    #[must_use]
    pub fn copy(self, destination: &str, path: impl Into<PathBuf>, max_files: Option<usize>) -> Self {
        let log = LocalLog { path: path.into(), max_files, destination: Some(destination.to_owned()) };
        self.place(destination, Kind::Local(log))
    }

    /// Adds a destination in S3.
    #[cfg(feature = "s3")]
    #[must_use]
    pub fn s3(self, destination: &str, retention: audit_sink_s3::S3Retention) -> Self {
        self.place(destination, Kind::S3(retention))
    }

    /// Adds a destination in CloudWatch Logs.
    #[cfg(feature = "cloudwatch")]
    #[must_use]
    pub fn cloudwatch(
        self,
        destination: &str,
        retention: audit_sink_cloudwatch::CloudwatchRetention,
    ) -> Self {
        self.place(destination, Kind::Cloudwatch(retention))
    }

    /// Adds a Kafka topic.
    #[cfg(feature = "kafka")]
    #[must_use]
    pub fn kafka(self, destination: &str, retention: audit_sink_kafka::KafkaRetention) -> Self {
        self.place(destination, Kind::Kafka(retention))
    }

    /// Adds a destination whose records are somebody else's to keep.
    #[must_use]
    pub fn elsewhere(self, destination: &str, kind: &'static str) -> Self {
        self.place(destination, Kind::Elsewhere(kind))
    }

    fn place(mut self, name: &str, kind: Kind) -> Self {
        self.places.push(Place { name: name.to_owned(), kind });
        self
    }

    /// The holds.
    #[must_use]
    pub fn holds(&self) -> &HoldsFile {
        &self.holds
    }

    /// What is to be done at each place, when it is `now` and every destination has the records up to `acknowledged`. It looks
    /// at local files, and asks the others.
    ///
    /// # Errors
    /// When the holds cannot be read: then nothing may be deleted.
    pub fn plan(&self, acknowledged: u64, now: Timestamp) -> Result<Vec<PlacePlan>, HoldsFileError> {
        self.plan_in(Scope::All, acknowledged, now, &|| true)
    }

    pub(crate) fn plan_in(
        &self,
        scope: Scope,
        acknowledged: u64,
        now: Timestamp,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Vec<PlacePlan>, HoldsFileError> {
        // Looked at before it is read: what is written meanwhile is taken for a change.
        let holds_written = self.holds_written();
        let holds = self.holds.read()?;
        let is_asked = |place: &Place| match scope {
            Scope::Local => place.is_local(),
            Scope::Elsewhere => !place.is_local() && self.concerns_others(&holds),
            Scope::All => place.is_local() || self.concerns_others(&holds),
        };
        let planned = |(index, place): (usize, &Place)| {
            let plan = place.plan(&self.policy, &holds, acknowledged, now, go_on);
            PlacePlan { holds_written, index, ..plan }
        };
        Ok(self.places.iter().enumerate().filter(|(_, place)| is_asked(place)).map(planned).collect())
    }

    /// Whoever asks for nothing need not grant what asking elsewhere takes.
    fn concerns_others(&self, holds: &Holds) -> bool {
        self.policy != Policy::default() || !holds.0.is_empty()
    }

    /// Does what the plan of one place says, and puts it on record. What it is to delete, it looks for again.
    #[must_use]
    pub fn apply(&self, plan: &PlacePlan, recorder: &Recorder) -> Applied {
        self.apply_while(plan, recorder, &|| true)
    }

    pub(crate) fn apply_while(
        &self,
        plan: &PlacePlan,
        recorder: &Recorder,
        go_on: &dyn Fn() -> bool,
    ) -> Applied {
        let mut applied = Applied::default();
        let Some(place) = self.places.get(plan.index) else { return applied };
        let may = || self.holds_written() == plan.holds_written;
        for change in &plan.plan.changes {
            if !may() {
                applied.failure = Some(HOLDS_CHANGED.to_owned());
                break;
            }
            let outcome = place.apply(change, recorder, go_on, &may);
            // Deletions of files are on record before they happen. What was broken off may have been done.
            let recorded = match place.is_local() {
                true => Ok(()),
                false => record(place, change, outcome.as_ref().err(), recorder),
            };
            if let Err(failure) = outcome.and(recorded) {
                applied.failure = Some(format!("{change}: {failure}"));
                break;
            }
            applied.done.push(change.clone());
        }
        applied
    }

    /// Puts on record which holds were placed and released, since some other program may have done that while the log was
    /// written.
    ///
    /// How many of these there were.
    ///
    /// # Errors
    /// When the holds cannot be read, or the log cannot be written. What was put on record before that is not again.
    pub fn record_holds(&self, recorder: &Recorder) -> Result<u64, RecordHoldsError> {
        let mut recorded = 0;
        for hold in self.holds.unrecorded()? {
            let _ = recorder.record_blocking(&hold.to_event())?;
            self.holds.recorded(&hold)?;
            recorded += 1;
        }
        Ok(recorded)
    }

    /// When the holds' file was last written.
    pub(crate) fn holds_written(&self) -> Option<SystemTime> {
        std::fs::metadata(self.holds.path()).and_then(|file| file.modified()).ok()
    }

    /// How many rotated files each local log has.
    pub(crate) fn counts(&self) -> Vec<usize> {
        let local = self.places.iter().filter_map(|place| match &place.kind {
            Kind::Local(log) => Some(log.count()),
            _ => None,
        });
        local.collect()
    }
}

/// What was changed elsewhere, or could not be.
fn record(
    place: &Place,
    change: &Change,
    failure: Option<&String>,
    recorder: &Recorder,
) -> Result<(), String> {
    let action = if failure.is_some() { Action::failure("apply") } else { Action::success("apply") };
    let mut event = Event::at(Timestamp::now(), EventType::AUDIT_RETENTION_APPLIED)
        .resource(Resource::new("audit_destination", &place.name))
        .detail("kind", place.kind())
        .detail("message", change.to_string())
        .detail("change", serde_json::to_value(change).map_err(|error| error.to_string())?);
    if let Some(failure) = failure {
        event = event.detail("error", failure.as_str());
    }
    event.actor = Some(Actor::system("audit-log"));
    event.action = Some(action);
    recorder.record_blocking(&event).map(drop).map_err(|error| error.to_string())
}
