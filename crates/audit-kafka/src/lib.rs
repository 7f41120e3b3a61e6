#![doc = include_str!("../README.md")]

mod brokers;
mod error;
mod property;
mod security;
mod trouble;

pub use brokers::{Brokers, validate_topic};
pub use error::{KafkaOptionsError, refusal};
pub use property::Property;
pub use security::{SaslMechanism, SecurityProtocol};
pub use trouble::{Trouble, advice};
