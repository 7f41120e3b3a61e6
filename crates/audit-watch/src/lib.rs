#![doc = include_str!("../README.md")]

mod notifier;
mod saved;
mod watch;

pub use notifier::{Notifier, Render};
pub use watch::{Watch, WatchError};
