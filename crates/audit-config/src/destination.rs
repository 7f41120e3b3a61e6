use std::num::NonZeroU32;
use std::time::Duration;

use audit_model::EventPattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::Format;
use crate::places::{
    CloudwatchDestination, FileDestination, KafkaDestination, S3Destination, StdoutDestination,
    SyslogDestination, WebhookDestination,
};
use crate::scalar::{duration, patterns};
use crate::tagged::tagged;

/// A configured place that records go.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Destination {
    /// What messages, metrics and the dead-letter file call it; its type when left out.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether an event counts as recorded only when it has arrived here too.
    #[serde(default)]
    pub required: bool,
    /// Which of the logged events go here; all when empty.
    #[serde(default, with = "patterns")]
    #[schemars(with = "Vec<String>")]
    pub events: Vec<EventPattern>,
    /// Which of them don't.
    #[serde(default, with = "patterns")]
    #[schemars(with = "Vec<String>")]
    pub exclude_events: Vec<EventPattern>,
    /// Which of those go here, as a condition on the event, without `now`.
    #[serde(default, rename = "where")]
    pub condition: Option<String>,
    /// How records are written here; as the log holds them unless it says otherwise.
    #[serde(default)]
    pub format: Format,
    /// When a batch of records is sent.
    #[serde(default)]
    pub batch: Batch,
    /// How long a batch may be on its way before it counts as failed: `30s`, and `120s` for S3, unless said otherwise.
    #[serde(default, with = "duration")]
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Duration>,
    /// When a batch that failed is sent again.
    #[serde(default)]
    pub retry: Retry,
    /// Its type and what that type needs.
    // The name is `deserialize::REST`.
    #[serde(rename = "$rest")]
    #[schemars(flatten)]
    pub kind: DestinationKind,
}

tagged! {
    /// What a destination is, told apart by `type`.
    pub enum DestinationKind {
        /// A local file.
        File(FileDestination),
        /// Objects in S3 or what speaks its protocol.
        S3(S3Destination),
        /// A stream in CloudWatch Logs.
        Cloudwatch(CloudwatchDestination),
        /// A Kafka topic.
        Kafka(KafkaDestination),
        /// A syslog server.
        Syslog(SyslogDestination),
        /// An HTTP endpoint that takes POSTs.
        Webhook(WebhookDestination),
        /// Standard output, one record a line.
        Stdout(StdoutDestination),
    }
}

/// When a batch of records is sent: when one of these is reached.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Batch {
    /// So many records.
    pub max_records: Option<NonZeroU32>,
    /// So many kilobytes (KiB).
    pub max_size_kb: Option<NonZeroU32>,
    /// So long after its first record: `200ms`, `60s`.
    #[serde(with = "duration")]
    #[schemars(with = "Option<String>")]
    pub max_age: Option<Duration>,
}

/// When a batch that failed is sent again.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Retry {
    /// The pause after the first failure; each further failure doubles it.
    #[serde(with = "duration")]
    #[schemars(with = "Option<String>")]
    pub initial_delay: Option<Duration>,
    /// What the pause grows to.
    #[serde(with = "duration")]
    #[schemars(with = "Option<String>")]
    pub max_delay: Option<Duration>,
    /// After so many tries in vain a batch goes to the dead letters; never when left out.
    pub max_attempts: Option<NonZeroU32>,
}

impl Destination {
    /// Its `name`, or else its type.
    pub(crate) fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.kind.type_name())
    }
}

/// As it is read: the type's keys beside the common ones.
impl Serialize for Destination {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            #[serde(flatten)]
            kind: &'a DestinationKind,
            name: &'a Option<String>,
            required: bool,
            #[serde(with = "patterns")]
            events: &'a [EventPattern],
            #[serde(with = "patterns")]
            exclude_events: &'a [EventPattern],
            #[serde(rename = "where")]
            condition: &'a Option<String>,
            format: &'a Format,
            batch: &'a Batch,
            #[serde(with = "duration")]
            timeout: Option<Duration>,
            retry: &'a Retry,
        }
        let Self { name, required, events, exclude_events, condition, format, batch, timeout, retry, kind } =
            self;
        let (required, timeout) = (*required, *timeout);
        Written { kind, name, required, events, exclude_events, condition, format, batch, timeout, retry }
            .serialize(to)
    }
}
