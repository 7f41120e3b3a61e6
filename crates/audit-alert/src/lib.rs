#![doc = include_str!("../README.md")]

mod absence;
mod alert;
mod clock;
mod counters;
mod desk;
mod firing;
mod groups;
mod key;
mod options;
mod rule;
mod rules;
mod severity;
mod state;
mod storm;
mod terms;
mod times;
mod window;

pub use alert::{Alert, Status};
pub use counters::Counters;
pub use options::{PrecededBy, RuleOptions};
pub use rule::{Rule, RuleError};
pub use rules::Rules;
pub use severity::{Severity, SeverityError};
pub use state::State;
