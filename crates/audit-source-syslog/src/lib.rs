#![doc = include_str!("../README.md")]

mod certificate;
mod connection;
mod event;
mod facility;
mod frames;
mod message;
mod options;
mod rule;
mod source;
mod sparing;

pub use message::{Element, Message};
pub use options::SyslogSourceOptions;
pub use rule::{Rule, RuleError};
pub use source::SyslogSource;
