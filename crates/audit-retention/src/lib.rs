#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod check;
pub mod cloudwatch;
pub mod files;
mod hold;
mod hold_event;
mod holds_file;
pub mod kafka;
mod plan;
mod policy;
pub mod s3;
mod storage_class;

pub use check::PolicyError;
pub use hold::{Hold, Holds};
pub use hold_event::{HoldEvent, Release};
pub use holds_file::{HoldsFile, HoldsFileError};
pub use plan::Plan;
pub use policy::{Policy, Transition};
pub use storage_class::StorageClass;
