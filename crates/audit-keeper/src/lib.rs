#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod files;
mod keeper;
mod place;
mod work;

pub use keeper::{Applied, Keeper, RecordHoldsError};
pub use place::{Change, PlacePlan};
