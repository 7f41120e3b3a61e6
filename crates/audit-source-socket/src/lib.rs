#![doc = include_str!("../README.md")]

mod connection;
mod lines;
mod listener;
mod options;
mod source;

pub use options::SocketOptions;
pub use source::SocketSource;
