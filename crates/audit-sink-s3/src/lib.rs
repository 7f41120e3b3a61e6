#![doc = include_str!("../README.md")]

mod body;
mod error;
mod held;
mod name;
mod object_lock;
mod options;
mod sink;

pub use body::Compression;
pub use object_lock::{ObjectLock, ObjectLockMode};
pub use options::S3Options;
pub use sink::S3Sink;
