use std::fmt;

use audit_model::Timestamp;
use audit_pipeline::Recorder;
use audit_retention::{Holds, Plan, Policy, files};
#[cfg(any(feature = "s3", feature = "cloudwatch", feature = "kafka"))]
use audit_sink::SinkError;
use serde::Serialize;

use crate::files::LocalLog;
#[cfg(any(feature = "s3", feature = "cloudwatch", feature = "kafka"))]
use crate::work::waited;

/// What is to be changed at a place.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Change {
    /// In local files.
    Files(files::Change),
    /// In S3.
    S3(audit_retention::s3::Change),
    /// In CloudWatch Logs.
    Cloudwatch(audit_retention::cloudwatch::Change),
    /// At a Kafka topic.
    Kafka(audit_retention::kafka::Change),
}

/// In a sentence.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(change) => change.fmt(f),
            Self::S3(change) => change.fmt(f),
            Self::Cloudwatch(change) => change.fmt(f),
            Self::Kafka(change) => change.fmt(f),
        }
    }
}

/// What is to be done at one place.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PlacePlan {
    /// The destination's name; `log` for the log of record.
    pub place: String,
    /// What it is: `file`, `s3`, `cloudwatch`, `kafka`, or a kind whose records are somebody else's to keep.
    pub kind: &'static str,
    /// What to change, what contradicts the policy, and what is to be known.
    #[serde(flatten)]
    pub plan: Plan<Change>,
    /// Why nothing is known of the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When the holds that it respects were written.
    #[serde(skip)]
    pub(crate) holds_written: Option<std::time::SystemTime>,
    /// Which of the keeper's places it is: names are anybody's.
    #[serde(skip)]
    pub(crate) index: usize,
}

/// A place where the log's records are.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Local(LocalLog),
    #[cfg(feature = "s3")]
    S3(audit_sink_s3::S3Retention),
    #[cfg(feature = "cloudwatch")]
    Cloudwatch(audit_sink_cloudwatch::CloudwatchRetention),
    #[cfg(feature = "kafka")]
    Kafka(audit_sink_kafka::KafkaRetention),
    /// Whoever receives the records keeps them.
    Elsewhere(&'static str),
}

impl Place {
    pub(crate) fn kind(&self) -> &'static str {
        match &self.kind {
            Kind::Local(_) => "file",
            #[cfg(feature = "s3")]
            Kind::S3(_) => "s3",
            #[cfg(feature = "cloudwatch")]
            Kind::Cloudwatch(_) => "cloudwatch",
            #[cfg(feature = "kafka")]
            Kind::Kafka(_) => "kafka",
            Kind::Elsewhere(kind) => kind,
        }
    }

    /// Local files cost a look; the others a conversation.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.kind, Kind::Local(_))
    }

    pub(crate) fn plan(
        &self,
        policy: &Policy,
        holds: &Holds,
        acknowledged: u64,
        now: Timestamp,
        go_on: &dyn Fn() -> bool,
    ) -> PlacePlan {
        let planned = match &self.kind {
            Kind::Local(log) => log
                .plan(policy, holds, acknowledged, now)
                .map(|plan| plan.map(Change::Files))
                .map_err(|error| format!("cannot look at {}: {error}", log.path.display())),
            #[cfg(feature = "s3")]
            Kind::S3(s3) => answered(s3.plan(policy, holds, now), go_on).map(|plan| plan.map(Change::S3)),
            #[cfg(feature = "cloudwatch")]
            Kind::Cloudwatch(it) => {
                answered(it.plan(policy, holds, now), go_on).map(|plan| plan.map(Change::Cloudwatch))
            }
            #[cfg(feature = "kafka")]
            Kind::Kafka(it) => {
                answered(it.plan(policy, holds, now), go_on).map(|plan| plan.map(Change::Kafka))
            }
            Kind::Elsewhere(_) => {
                let mut plan = Plan::default();
                plan.notes.push("whoever receives the records there keeps and deletes them".to_owned());
                Ok(plan)
            }
        };
        let _ = go_on;
        let (plan, failure) = match planned {
            Ok(plan) => (plan, None),
            Err(failure) => (Plan::default(), Some(failure)),
        };
        PlacePlan {
            place: self.name.clone(),
            kind: self.kind(),
            plan,
            failure,
            holds_written: None,
            index: 0,
        }
    }

    /// Makes a change. A file is deleted only if it still `may` be when all is ready for that.
    pub(crate) fn apply(
        &self,
        change: &Change,
        recorder: &Recorder,
        go_on: &dyn Fn() -> bool,
        may: &dyn Fn() -> bool,
    ) -> Result<(), String> {
        let _ = go_on;
        match (&self.kind, change) {
            (Kind::Local(log), Change::Files(change)) => log.apply(change, recorder, may),
            #[cfg(feature = "s3")]
            (Kind::S3(it), Change::S3(change)) => answered(it.apply(change), go_on),
            #[cfg(feature = "cloudwatch")]
            (Kind::Cloudwatch(it), Change::Cloudwatch(change)) => answered(it.apply(change), go_on),
            #[cfg(feature = "kafka")]
            (Kind::Kafka(it), Change::Kafka(change)) => answered(it.apply(change), go_on),
            (_, change) => Err(format!("not a change for {}: {change}", self.kind())),
        }
    }
}

#[cfg(any(feature = "s3", feature = "cloudwatch", feature = "kafka"))]
fn answered<T>(
    request: impl Future<Output = Result<T, SinkError>>,
    go_on: &dyn Fn() -> bool,
) -> Result<T, String> {
    waited(request, go_on)?.map_err(|error| error.to_string())
}
