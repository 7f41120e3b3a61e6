#![doc = include_str!("../README.md")]

mod change;
mod dead_letter;
mod delivery;
mod destination;
mod follower;
mod format;
mod gather;
mod outage;
mod parcel;
mod place;
mod progress;
mod record;
mod resume;
mod retry;
mod state;

pub use dead_letter::{DeadLetter, DeadLetters};
pub use delivery::{Delivery, DeliveryError, Listener, Log, Refused, Undelivered};
pub use destination::{BatchLimits, Beginning, Destination};
pub use format::{Encoded, Format};
pub use outage::{Outage, OutageLimits};
pub use place::PlaceStatus;
pub use record::event_of;
pub use resume::make_private;
pub use retry::Retry;
pub use state::{Failure, InFlight, State};
