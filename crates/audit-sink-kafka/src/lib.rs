#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod check;
mod connection;
mod options;
mod progress;
mod property;
mod record;
mod reports;
#[cfg(feature = "retention")]
mod retention;
mod sink;

pub use audit_kafka::{Brokers, KafkaOptionsError, SaslMechanism, SecurityProtocol};

pub use options::KafkaOptions;
#[cfg(feature = "retention")]
pub use retention::KafkaRetention;
pub use secrecy::SecretString;
pub use sink::KafkaSink;
