#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod options;
mod progress;
mod request;
#[cfg(feature = "retention")]
mod retention;
mod sink;

pub use options::{CloudwatchOptions, CloudwatchOptionsError};
#[cfg(feature = "retention")]
pub use retention::CloudwatchRetention;
pub use secrecy::SecretString;
pub use sink::CloudwatchSink;
