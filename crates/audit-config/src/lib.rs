#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod alert;
#[cfg(feature = "alert")]
mod alerting;
#[cfg(feature = "pipeline")]
mod assemble;
#[cfg(feature = "kafka")]
mod brokers;
mod built;
mod changes;
mod check;
mod check_format;
mod check_source;
mod config;
#[cfg(feature = "pipeline")]
mod content;
#[cfg(feature = "delivery")]
mod deliver;
mod deserialize;
mod destination;
mod environment;
mod error;
mod format;
mod integrity;
#[cfg(feature = "delivery")]
mod keep;
mod messages;
mod node;
mod notifiers;
mod notify;
#[cfg(feature = "delivery")]
mod ocsf;
mod origin;
mod parse;
mod places;
#[cfg(feature = "alert")]
mod reachable;
#[cfg(feature = "delivery")]
mod reconfigure;
mod redact;
mod retention;
mod root;
mod rules;
mod scalar;
mod schema;
mod secret;
mod show;
mod source;
mod tagged;

pub use access::{Access, ClientCertificate, Jwt, RateLimit, Role};
pub use alert::{
    AlertRule, EmailNotifier, Notifier, Notifiers, PagerdutyNotifier, PrecededBy, Severity, SlackNotifier,
    SmtpEncryption, WebhookNotifier,
};
#[cfg(feature = "pipeline")]
pub use assemble::{AssembleError, BUILT, JournalFile, SigningKeys};
pub use built::Built;
pub use changes::Change;
pub use config::{Config, Durability, OnFailure};
pub use destination::{Batch, Destination, DestinationKind, Retry};
pub use environment::{Environment, process_environment};
pub use error::{ConfigError, ConfigErrors};
pub use format::{Format, NativeFormat, OcsfClass, OcsfCoalesce, OcsfFormat, OcsfProduct, OcsfRule};
pub use integrity::{Algorithm, Chain, Integrity, KeySource, Signing};
pub use notifiers::NotifierPlace;
pub use parse::{Parsed, parse};
pub use places::{
    CloudwatchDestination, Compression, FileDestination, KafkaDestination, KafkaSecurity, ObjectLockMode,
    Rotation, S3Destination, SaslMechanism, SecurityProtocol, StdoutDestination, SyslogDestination,
    SyslogFacility, SyslogFormat, SyslogFraming, SyslogProtocol, Tls, WebhookBody, WebhookDestination,
};
#[cfg(feature = "delivery")]
pub use reconfigure::ReconfigureError;
pub use redact::{RedactAction, RedactRule};
pub use retention::{LifecycleStep, Retention};
pub use schema::schema;
pub use secrecy::{ExposeSecret, SecretString};
pub use secret::{MASK, Secret};
pub use source::{
    FileSource, HttpSource, KafkaSource, Operations, ServerTls, SocketSource, Source, SourceFormat,
    SourceKind, Start, SyslogListenProtocol, SyslogSource,
};
