#![doc = include_str!("../README.md")]

mod datagram;
mod facility;
mod message;
mod options;
mod sink;
mod stream;

pub use facility::{Facility, FacilityError};
pub use options::{Format, Framing, SyslogOptions, SyslogOptionsError, Transport};
pub use sink::SyslogSink;
