#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod error;
mod memory;
mod sink;
mod stdout;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use batch::{Batch, Record};
pub use error::SinkError;
pub use memory::MemorySink;
pub use sink::{Receipt, Rejection, SendFuture, Sink};
pub use stdout::StdoutSink;
