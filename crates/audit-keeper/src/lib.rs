#![doc = include_str!("../README.md")]

mod files;
mod keeper;
mod place;
mod work;

pub use keeper::{Applied, Keeper};
pub use place::{Change, PlacePlan};
