use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use audit_model::EventPattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::Secret;
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
    }
}

/// `type: file`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct FileDestination {
    /// The file that records are appended to.
    pub path: PathBuf,
    /// When to begin a new file, and how many to keep.
    pub rotation: Option<Rotation>,
}

/// When to begin a new file, and how many to keep.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Rotation {
    /// Begin a new file before this many megabytes are exceeded.
    pub max_size_mb: Option<NonZeroU32>,
    /// How many files to keep.
    pub max_files: Option<NonZeroU32>,
    /// Compress the files that are full.
    pub compress: bool,
    /// Begin a new file when the current one is this old: `24h`.
    #[serde(with = "duration")]
    #[schemars(with = "Option<String>")]
    pub max_age: Option<Duration>,
}

/// `type: s3`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct S3Destination {
    /// The bucket's name.
    pub bucket: String,
    /// What object keys begin with.
    #[serde(default)]
    pub prefix: String,
    /// The bucket's region; from the AWS environment when left out.
    pub region: Option<String>,
    /// Upload at least this often.
    pub batch_interval_secs: Option<NonZeroU32>,
    /// Put objects under S3 Object Lock.
    #[serde(default)]
    pub object_lock: bool,
    /// The URL of a server other than AWS.
    pub endpoint: Option<String>,
    /// Put the bucket's name into the path instead of the host.
    #[serde(default)]
    pub path_style: bool,
}

/// `type: cloudwatch`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct CloudwatchDestination {
    /// The log group.
    pub log_group: String,
    /// The stream in it, one per writer.
    pub log_stream: String,
    /// The region; from the AWS environment when left out.
    pub region: Option<String>,
}

/// `type: kafka`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct KafkaDestination {
    /// Brokers to ask for the cluster, each `host:port`.
    pub bootstrap_servers: Vec<String>,
    /// The topic to produce to.
    pub topic: String,
    /// Encryption and authentication.
    pub security: Option<KafkaSecurity>,
}

/// How to talk to Kafka brokers.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct KafkaSecurity {
    /// Whether with TLS, and whether with SASL.
    pub security_protocol: SecurityProtocol,
    /// How SASL authenticates.
    pub sasl_mechanism: Option<SaslMechanism>,
    /// Who.
    pub sasl_username: Option<String>,
    /// And the password.
    pub sasl_password: Option<Secret>,
}

/// Kafka's `security.protocol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "these are Kafka's own words")]
pub enum SecurityProtocol {
    #[default]
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

/// Kafka's `sasl.mechanism`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "these are Kafka's own words")]
pub enum SaslMechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    #[serde(rename = "OAUTHBEARER")]
    OauthBearer,
    #[serde(rename = "GSSAPI")]
    Gssapi,
}

/// `type: syslog`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct SyslogDestination {
    /// `host:port`.
    pub server: String,
    /// How to get there.
    #[serde(default)]
    pub protocol: SyslogProtocol,
    /// The facility in each message's priority.
    #[serde(default)]
    pub facility: SyslogFacility,
}

/// The transport under syslog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum SyslogProtocol {
    #[default]
    Tcp,
    Udp,
}

/// The facilities of RFC 5424 §6.2.1 that have a usual name; the discriminant is the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are syslog's")]
pub enum SyslogFacility {
    Kern = 0,
    User = 1,
    Mail = 2,
    Daemon = 3,
    Auth = 4,
    Syslog = 5,
    Lpr = 6,
    News = 7,
    Uucp = 8,
    Cron = 9,
    Authpriv = 10,
    Ftp = 11,
    #[default]
    Local0 = 16,
    Local1 = 17,
    Local2 = 18,
    Local3 = 19,
    Local4 = 20,
    Local5 = 21,
    Local6 = 22,
    Local7 = 23,
}

/// `type: webhook`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct WebhookDestination {
    /// Where to POST.
    pub url: String,
    /// Headers to send along; each value is a secret.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// At most this many records in a request.
    pub batch_size: Option<NonZeroU32>,
    /// Give a request up after so many more tries; never when left out.
    pub retry_attempts: Option<u32>,
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
        }
        let Self { name, required, events, exclude_events, kind } = self;
        Written { kind, name, required: *required, events, exclude_events }.serialize(to)
    }
}
