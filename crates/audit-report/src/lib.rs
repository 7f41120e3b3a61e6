#![doc = include_str!("../README.md")]

mod actors;
mod alerts;
mod chart;
mod csv;
mod excerpt;
mod html;
mod integrity;
mod json;
mod kept;
mod notable;
mod operations;
mod outcome;
mod period;
mod report;
mod runs;
mod tally;
mod text;
mod timeline;
mod visible;
mod wording;

pub use actors::{Actor, Actors, MOST_ACTORS};
pub use alerts::{Alert, NotifyFailure};
pub use integrity::{Chain, Finding, Integrity, Soundness};
pub use json::FORMAT;
pub use kept::{MOST_ROWS, Section};
pub use notable::{Change, ConfigurationChange, Denied, Failure, Gap, GapKind, HoldRecord, Pruned};
pub use operations::{Operation, Operations};
pub use period::{Period, PeriodError, Unit};
pub use report::{Report, Retention, Summary};
pub use tally::Tally;
pub use timeline::{Slot, Timeline};
