#![doc = include_str!("../README.md")]

mod check;
mod connection;
mod error;
mod options;
mod progress;
mod property;
mod record;
mod reports;
#[cfg(feature = "retention")]
mod retention;
mod sink;

pub use error::KafkaOptionsError;
pub use options::{KafkaOptions, SaslMechanism, SecurityProtocol};
#[cfg(feature = "retention")]
pub use retention::KafkaRetention;
pub use sink::KafkaSink;
