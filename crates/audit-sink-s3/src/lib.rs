#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod client;
mod error;
mod held;
#[cfg(feature = "retention")]
mod lifecycle;
mod name;
mod object_lock;
mod options;
#[cfg(feature = "read")]
mod reader;
#[cfg(feature = "retention")]
mod retention;
mod sink;

pub use body::Compression;
pub use object_lock::{ObjectLock, ObjectLockMode};
pub use options::S3Options;
#[cfg(feature = "read")]
pub use reader::{S3Object, S3Reader};
#[cfg(feature = "retention")]
pub use retention::S3Retention;
pub use secrecy::SecretString;
pub use sink::S3Sink;
