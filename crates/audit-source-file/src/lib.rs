#![doc = include_str!("../README.md")]

mod event_id;
mod follower;
mod lines;
mod look;
mod options;
mod position;
mod print;
mod siblings;
mod source;
mod tail;
mod trail;

pub use options::{FileOptions, Start};
pub use source::FileSource;
