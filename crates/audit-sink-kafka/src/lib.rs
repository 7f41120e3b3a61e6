#![doc = include_str!("../README.md")]

mod check;
mod connection;
mod error;
mod options;
mod progress;
mod property;
mod record;
mod reports;
mod sink;

pub use error::KafkaOptionsError;
pub use options::{KafkaOptions, SaslMechanism, SecurityProtocol};
pub use sink::KafkaSink;
