#![doc = include_str!("../README.md")]

mod dead_letter;
mod delivery;
mod destination;
mod follower;
mod format;
mod gather;
mod parcel;
mod progress;
mod record;
mod retry;
mod state;

pub use dead_letter::{DeadLetter, DeadLetters};
pub use delivery::{Delivery, DeliveryError, Listener, Refused, Source, Undelivered, make_private};
pub use destination::{BatchLimits, Beginning, Destination};
pub use format::{Encoded, Format};
pub use record::event_of;
pub use retry::Retry;
pub use state::{Failure, InFlight, State};
