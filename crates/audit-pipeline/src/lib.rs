#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "delivery")]
mod callers;
mod committer;
mod completion;
#[cfg(feature = "delivery")]
mod deletion;
mod emit;
mod error;
#[cfg(feature = "delivery")]
mod followers;
#[cfg(not(feature = "delivery"))]
#[path = "no_followers.rs"]
mod followers;
mod health;
mod lifecycle;
mod options;
mod pipeline;
mod queue;
mod receipt;
mod reconfigure;
#[cfg(feature = "delivery")]
mod recorder;
mod redaction;
mod resume;
mod selection;
mod settings;
mod shared;
mod status;
#[cfg(feature = "delivery")]
mod worker;

#[cfg(feature = "delivery")]
pub use deletion::{Deletion, DeletionError};
pub use emit::Emit;
pub use error::{EmitError, StartError};
pub use options::{Durability, OnFailure, Options};
pub use pipeline::{Pipeline, Summary};
pub use receipt::Receipt;
pub use reconfigure::{Reconfiguration, ReconfigureError, Reconfigured};
#[cfg(feature = "delivery")]
pub use recorder::Recorder;
pub use redaction::{Redaction, RedactionError, RedactionMethod};
pub use selection::Selection;
pub use status::PipelineStatus;
#[cfg(feature = "delivery")]
pub use worker::Worker;
