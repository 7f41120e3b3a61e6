#![doc = include_str!("../README.md")]

mod compress;
mod error;
mod file;
mod incident;
mod journal;
mod reader;
mod recovery;
mod rotation;
mod segment;
mod tampering;
mod times;

pub use error::JournalError;
pub use incident::{Incident, Prunable};
pub use journal::{Journal, Options, SequenceOf};
pub use reader::{Line, Reader};
pub use recovery::Recovery;
pub use rotation::Rotation;
pub use segment::{Segment, segments};
pub use tampering::Tampering;
pub use times::{SegmentTimes, TimeOf, times};
