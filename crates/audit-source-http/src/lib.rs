#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admission;
mod answer;
mod batch;
mod body;
mod certificates;
mod connection;
mod content;
mod events;
mod gate;
mod handshake;
mod listener;
mod measures;
mod openapi;
mod operations;
mod options;
mod patience;
mod places;
mod problem;
mod route;
mod server;
mod source;
mod witness;

pub use listener::Listener;
pub use operations::{Operations, OperationsServer};
pub use options::{CurrentAccess, HttpOptions, Limits};
pub use source::{HttpError, HttpSource};
pub use witness::{Asked, Witness};
