#![doc = include_str!("../README.md")]

mod check;
mod clock;
mod condition;
mod error;
mod evaluate;
mod explanation;
mod expr;
mod field;
mod instant;
mod like;
mod network;
mod number;
mod parse;
mod path;
mod program;
mod required;
mod set;
mod token;
mod translate;

pub use condition::Condition;
pub use error::ConditionError;
pub use explanation::{Explanation, Found};
pub use path::{FieldValue, Path};
pub use required::RequiredText;
pub use set::ConditionSet;
pub use translate::{Target, TargetError, Untranslatable};
