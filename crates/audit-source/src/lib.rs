#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cloud_event;
mod error;
mod format;
mod intake;
mod provenance;
mod rejects;
mod source;
mod turns;

pub use error::SourceError;
pub use format::{Format, MAX_EVENT, describe, other_than_utf8};
pub use intake::{Intake, SourceStatus, Taken};
pub use provenance::Provenance;
pub use rejects::Rejects;
pub use source::{RunFuture, Source};
pub use tokio_util::sync::CancellationToken;
