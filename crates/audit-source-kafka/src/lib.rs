#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod condition;
mod identity;
mod lost;
mod options;
mod progress;
mod reader;
mod session;
mod source;
mod taking;
mod window;

pub use audit_kafka::{Brokers, KafkaOptionsError, SaslMechanism, SecurityProtocol};

pub use lost::LostRecords;
pub use options::{KafkaSourceOptions, Start};
pub use source::KafkaSource;
