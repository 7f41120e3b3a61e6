#![doc = include_str!("../README.md")]

mod alert;
#[cfg(feature = "pipeline")]
mod assemble;
mod built;
mod check;
mod config;
mod deserialize;
mod destination;
mod environment;
mod error;
mod integrity;
mod node;
mod notify;
mod origin;
mod parse;
mod redact;
mod retention;
mod root;
mod scalar;
mod schema;
mod secret;
mod show;
mod tagged;

pub use alert::{AlertRule, EmailNotifier, Notifier, Notifiers, PagerdutyNotifier, Severity, SlackNotifier};
#[cfg(feature = "pipeline")]
pub use assemble::{AssembleError, SigningKeys};
pub use built::Built;
pub use config::{Config, Durability, OnFailure};
pub use destination::{
    CloudwatchDestination, Destination, DestinationKind, FileDestination, KafkaDestination, KafkaSecurity,
    Rotation, S3Destination, SaslMechanism, SecurityProtocol, SyslogDestination, SyslogFacility,
    SyslogProtocol, WebhookDestination,
};
pub use environment::{Environment, process_environment};
pub use error::{ConfigError, ConfigErrors};
pub use integrity::{Algorithm, Chain, Integrity, KeySource, Signing};
pub use parse::{Parsed, parse};
pub use redact::{RedactAction, RedactRule};
pub use retention::{LifecycleStep, Retention, StorageClass};
pub use schema::schema;
pub use secret::{MASK, Secret};
