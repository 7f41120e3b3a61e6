#![doc = include_str!("../README.md")]

mod datagram;
mod facility;
mod message;
mod options;
mod sink;
mod stream;

pub use facility::{Facility, UnknownFacility};
pub use options::{Format, Framing, OptionsError, SyslogOptions, Transport};
pub use sink::SyslogSink;
