#![doc = include_str!("../README.md")]

mod access;
mod caller;
mod denial;
mod role;

pub use access::{Access, Presented};
pub use caller::Caller;
pub use denial::Denial;
pub use role::{Role, RoleError};
