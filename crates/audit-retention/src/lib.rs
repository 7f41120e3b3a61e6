#![doc = include_str!("../README.md")]

mod hold;
mod policy;

pub use hold::{Hold, Holds};
pub use policy::{Policy, Transition};
