#![doc = include_str!("../README.md")]

mod committer;
mod completion;
#[cfg(feature = "delivery")]
mod deletion;
mod error;
#[cfg(feature = "delivery")]
mod followers;
#[cfg(not(feature = "delivery"))]
#[path = "no_followers.rs"]
mod followers;
mod lifecycle;
mod options;
mod pipeline;
mod queue;
mod receipt;
#[cfg(feature = "delivery")]
mod recorder;
mod redaction;
mod resume;
mod selection;
#[cfg(feature = "delivery")]
mod worker;

#[cfg(feature = "delivery")]
pub use deletion::{Deletion, DeletionError};
pub use error::{EmitError, StartError};
pub use options::{Durability, OnFailure, Options};
pub use pipeline::{Emit, Pipeline, Summary};
pub use receipt::Receipt;
#[cfg(feature = "delivery")]
pub use recorder::Recorder;
pub use redaction::{Redaction, RedactionError, RedactionMethod};
pub use selection::Selection;
#[cfg(feature = "delivery")]
pub use worker::Worker;
