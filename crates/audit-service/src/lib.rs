#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod change;
mod error;
mod files;
mod health;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "kafka")]
mod kafka;
mod operations;
mod place;
mod record;
mod reload;
mod retry;
mod running;
mod service;
mod sources;
#[cfg(feature = "syslog")]
mod syslog;
mod witness;

pub use error::{ReloadError, ServiceError};
pub use service::{Counts, OwnedEnvironment, Service, ServiceOptions};
pub use sources::BUILT;
