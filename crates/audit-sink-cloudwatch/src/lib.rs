#![doc = include_str!("../README.md")]

mod error;
mod options;
mod progress;
mod request;
mod sink;

pub use options::{CloudwatchOptions, InvalidName};
pub use sink::CloudwatchSink;
