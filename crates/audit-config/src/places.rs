//! What each type of destination needs.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::scalar::duration;

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
    /// Put objects under S3 Object Lock, for `retention.min_days`, or if that is left out for what the bucket says.
    #[serde(default)]
    pub object_lock: bool,
    /// Against whom objects are locked.
    #[serde(default)]
    pub object_lock_mode: ObjectLockMode,
    /// How objects are compressed.
    #[serde(default)]
    pub compression: Compression,
    /// Encrypt with this KMS key: its id or ARN.
    pub kms_key_id: Option<String>,
    /// Assume this role: its ARN.
    pub role_arn: Option<String>,
    /// Instead of what the AWS environment has: together with `secret_access_key`.
    pub access_key_id: Option<String>,
    /// Instead of what the AWS environment has: together with `access_key_id`.
    pub secret_access_key: Option<Secret>,
    /// The URL of a server other than AWS.
    pub endpoint: Option<String>,
    /// Put the bucket's name into the path instead of the host; when left out, only where there is an `endpoint`.
    pub path_style: Option<bool>,
}

/// Against whom S3 locks objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectLockMode {
    /// Against everybody, until the day is there.
    #[default]
    Compliance,
    /// Against all who lack `s3:BypassGovernanceRetention`.
    Governance,
}

/// How objects are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
#[non_exhaustive]
pub enum Compression {
    None,
    #[default]
    Gzip,
    Zstd,
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
    /// The URL of a server other than AWS.
    pub endpoint: Option<String>,
    /// Assume this role: its ARN.
    pub role_arn: Option<String>,
    /// Instead of what the AWS environment has: together with `secret_access_key`.
    pub access_key_id: Option<String>,
    /// Instead of what the AWS environment has: together with `access_key_id`.
    pub secret_access_key: Option<Secret>,
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
    /// Any other property of librdkafka, by its own name; each value is a secret.
    #[serde(default)]
    pub librdkafka: BTreeMap<String, Secret>,
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
    /// A PEM file of the authorities to trust; the system's when left out.
    pub ssl_ca_location: Option<PathBuf>,
    /// A PEM file of this client's certificate.
    pub ssl_certificate_location: Option<PathBuf>,
    /// A PEM file of that certificate's key.
    pub ssl_key_location: Option<PathBuf>,
    /// The passphrase of that key.
    pub ssl_key_password: Option<Secret>,
}

/// Kafka's `security.protocol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "these are Kafka's own words")]
#[non_exhaustive]
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
#[non_exhaustive]
pub enum SaslMechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

/// `type: syslog`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct SyslogDestination {
    /// `host:port`, or with `protocol: unix` the path of a socket.
    pub server: String,
    /// How to get there.
    #[serde(default)]
    pub protocol: SyslogProtocol,
    /// The facility in each message's priority.
    #[serde(default)]
    pub facility: SyslogFacility,
    /// How a message looks.
    #[serde(default)]
    pub syslog_format: SyslogFormat,
    /// Where a message ends in a TCP stream.
    #[serde(default)]
    pub framing: SyslogFraming,
    /// Whom to trust with `protocol: tls`, and who this is.
    #[serde(default)]
    pub tls: Tls,
    /// The name that the server's certificate has to be for, where it is not the host in `server`.
    pub server_name: Option<String>,
    /// The HOSTNAME of messages; this machine's when left out.
    pub hostname: Option<String>,
    /// The APP-NAME of messages; `audit-log` when left out.
    pub app_name: Option<String>,
    /// Over TCP and TLS: end the connection after each batch, and take the server's closing of its end for its having
    /// read it. Without it, what a server did not read before it died is lost.
    #[serde(default = "yes")]
    pub confirm: bool,
    /// What does not fit goes to the dead letters.
    pub max_message_kb: Option<NonZeroU32>,
}

fn yes() -> bool {
    true
}

/// How a syslog message looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SyslogFormat {
    /// The syslog protocol.
    #[default]
    Rfc5424,
    /// The older BSD syslog protocol.
    Rfc3164,
}

/// Where a message ends in a TCP stream (RFC 6587).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyslogFraming {
    /// Its length stands before it.
    #[default]
    OctetCounting,
    /// A newline stands after it.
    Newline,
}

/// Whom to trust, and who this is.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Tls {
    /// A PEM file of the authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// A PEM file of this client's certificate.
    pub cert_file: Option<PathBuf>,
    /// A PEM file of that certificate's key.
    pub key_file: Option<PathBuf>,
    /// Trust anybody, and so anybody in between.
    pub danger_accept_invalid_certificates: bool,
}

/// The transport under syslog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
#[non_exhaustive]
pub enum SyslogProtocol {
    #[default]
    Tcp,
    Udp,
    Tls,
    Unix,
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
    /// What a request's body is.
    #[serde(default)]
    pub body: WebhookBody,
    /// Sign requests with this: `X-Audit-Signature` is an HMAC-SHA256 of the time and the body.
    pub signing_secret: Option<Secret>,
    /// Compress requests.
    #[serde(default)]
    pub gzip: bool,
    /// Whom to trust, and who this is.
    #[serde(default)]
    pub tls: Tls,
    /// At most this many kilobytes (KiB) in a request.
    pub max_body_kb: Option<NonZeroU32>,
    /// An HTTP proxy on the way; the environment's are not used.
    pub proxy: Option<Secret>,
}

/// What a webhook's request holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WebhookBody {
    /// One record a line.
    #[default]
    Ndjson,
    /// A JSON array.
    JsonArray,
    /// Events for Splunk's HTTP Event Collector.
    SplunkHec,
}

/// `type: stdout`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StdoutDestination {}
