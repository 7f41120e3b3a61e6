//! The ways in for events of other programs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::scalar::{address, duration, one_or_list};
use crate::tagged::tagged;
use crate::{KafkaSecurity, Secret};

/// A configured way in for events.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Source {
    /// What messages, metrics and the events themselves call it (`received.source`); its type when left out.
    #[serde(default)]
    pub name: Option<String>,
    /// Its type and what that type needs.
    // The name is `deserialize::REST`.
    #[serde(rename = "$rest")]
    #[schemars(flatten)]
    pub kind: SourceKind,
}

tagged! {
    /// What a source is, told apart by `type`.
    pub enum SourceKind {
        /// `POST /v1/events`.
        Http(HttpSource),
        /// A Unix socket for local programs.
        Socket(SocketSource),
        /// A file that another program appends to.
        File(FileSource),
        /// Topics of Kafka.
        Kafka(KafkaSource),
        /// A syslog listener for appliances.
        Syslog(SyslogSource),
    }
}

/// What a source's events are written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceFormat {
    /// Each as what it looks like: a CloudEvent, an OCSF record, or an event of `audit-log`.
    #[default]
    Any,
    /// Events of `audit-log`.
    Native,
    /// OCSF records.
    Ocsf,
}

/// Where in what is there already a source begins, the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// With the oldest that is there.
    #[default]
    Beginning,
    /// With what comes from now on.
    End,
}

/// `type: http`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct HttpSource {
    /// The address to listen on: `127.0.0.1:8400` when left out.
    #[serde(with = "address")]
    #[schemars(with = "Option<String>")]
    pub listen: Option<SocketAddr>,
    /// This server's certificate, and whose client certificates it believes.
    pub tls: Option<ServerTls>,
    /// Serve plain HTTP to other machines, which anybody in between can read and change.
    pub danger_allow_plain_http: bool,
    /// The largest body, in megabytes (MiB), as it is sent and after decompression: 10 when left out.
    pub max_body_mb: Option<NonZeroU32>,
    /// How many events a request may have: 10000 when left out.
    pub max_events: Option<NonZeroU32>,
    /// How long a request's head, and its body, may take to arrive: `30s` when left out.
    #[serde(with = "duration")]
    #[schemars(with = "Option<String>")]
    pub request_timeout: Option<Duration>,
    /// How many connections there may be at once: 1024 when left out.
    pub max_connections: Option<NonZeroU32>,
}

/// `type: socket`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct SocketSource {
    /// The path of the socket.
    pub path: PathBuf,
    /// Who may connect, as the bits of `chmod`: `"0600"` when left out.
    pub mode: Option<String>,
    /// What the lines are.
    #[serde(default)]
    pub format: SourceFormat,
}

/// `type: file`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct FileSource {
    /// The file, one event a line.
    pub path: PathBuf,
    /// What the lines are.
    #[serde(default)]
    pub format: SourceFormat,
    /// Where to begin the first time.
    #[serde(default)]
    pub start: Start,
}

/// `type: kafka`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct KafkaSource {
    /// Brokers to ask for the cluster, each `host:port`.
    pub bootstrap_servers: Vec<String>,
    /// The topic to consume, or a list of them.
    #[serde(rename = "topic", deserialize_with = "one_or_list::deserialize")]
    #[schemars(schema_with = "one_or_list::schema")]
    pub topics: Vec<String>,
    /// The consumer group: `audit-log` when left out.
    pub group: Option<String>,
    /// What the records' values are.
    #[serde(default)]
    pub format: SourceFormat,
    /// Where to begin the first time.
    #[serde(default)]
    pub start: Start,
    /// Encryption and authentication.
    pub security: Option<KafkaSecurity>,
    /// Any other property of librdkafka, by its own name; each value is a secret.
    #[serde(default)]
    pub librdkafka: BTreeMap<String, Secret>,
}

/// `type: syslog`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct SyslogSource {
    /// The address to listen on: port 6514 of this machine's loopback with TLS, and 6601 without, when left out.
    #[serde(default, with = "address")]
    #[schemars(with = "Option<String>")]
    pub listen: Option<SocketAddr>,
    /// How senders get here.
    pub protocol: SyslogListenProtocol,
    /// This server's certificate, and whose client certificates it believes: with `protocol: tls`.
    pub tls: Option<ServerTls>,
    /// Which messages are which events; those that none of these is about are `syslog.message`.
    #[serde(default)]
    pub rules: Vec<SyslogRule>,
    /// The largest message, in kilobytes (KiB): 256 when left out. Of a longer one the first part is recorded, with a note.
    pub max_message_kb: Option<NonZeroU32>,
    /// How many connections there may be at once: 256 when left out.
    pub max_connections: Option<NonZeroU32>,
}

/// Which messages are events of a type. Whatever is left out is not looked at.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct SyslogRule {
    /// The APP-NAME of those messages; `*` for any run of characters.
    pub app_name: Option<String>,
    /// Their MSGID.
    pub message_id: Option<String>,
    /// The event's type.
    pub event_type: String,
}

/// The transport under a syslog listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SyslogListenProtocol {
    /// RFC 6587.
    Tcp,
    /// RFC 5425.
    Tls,
}

/// Who a server is, and whose client certificates it believes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct ServerTls {
    /// A PEM file of the server's certificate and its intermediates. It is read again when it changes.
    pub cert_file: PathBuf,
    /// A PEM file of its key, without a passphrase.
    pub key_file: PathBuf,
    /// A PEM file of the authorities whose client certificates are believed.
    pub client_ca_file: Option<PathBuf>,
    /// Turn away who has no client certificate, where there is a `client_ca_file`.
    #[serde(default = "yes")]
    pub require_client_certificate: bool,
}

fn yes() -> bool {
    true
}

/// Where it is told how the service is: `/healthz`, `/readyz`, `/metrics` and `/v1/status`, to whoever asks.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Operations {
    /// The address to listen on: `127.0.0.1:9400` when left out.
    #[serde(with = "address")]
    #[schemars(with = "Option<String>")]
    pub listen: Option<SocketAddr>,
    /// Serve plain HTTP to other machines, as probes and Prometheus want it.
    pub danger_allow_plain_http: bool,
}

impl Source {
    /// Its `name`, or else its type.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.kind.type_name())
    }
}

impl SourceKind {
    /// The value of `type`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Socket(_) => "socket",
            Self::File(_) => "file",
            Self::Kafka(_) => "kafka",
            Self::Syslog(_) => "syslog",
        }
    }
}

impl HttpSource {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8400)))
    }
}

impl SyslogSource {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let port = if self.protocol == SyslogListenProtocol::Tls { 6514 } else { 6601 };
        self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], port)))
    }
}

impl SocketSource {
    /// The permission bits of `mode`; `None` where it is not what it should be.
    #[must_use]
    pub fn mode_bits(&self) -> Option<u32> {
        let Some(mode) = &self.mode else { return Some(0o600) };
        let digits = mode.strip_prefix("0o").unwrap_or(mode);
        u32::from_str_radix(digits, 8).ok().filter(|bits| (3..=4).contains(&digits.len()) && *bits <= 0o777)
    }
}

impl Operations {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9400)))
    }
}

/// As it is read: the type's keys beside the common ones.
impl Serialize for Source {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            #[serde(flatten)]
            kind: &'a SourceKind,
            name: &'a Option<String>,
        }
        Written { kind: &self.kind, name: &self.name }.serialize(to)
    }
}
