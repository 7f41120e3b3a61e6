#![doc = include_str!("../README.md")]

mod hit;
mod input;
mod json_stream;
mod place;
mod query;
mod record;
mod scan;
mod visitor;

pub use hit::{BadLine, Hit};
pub use input::Input;
pub use json_stream::{Ends, JsonStream, MAX_VALUE, Piece};
pub use place::Place;
pub use query::Query;
pub use record::{NoEvent, read_event};
pub use scan::{Scanned, Unreadable, scan};
pub use visitor::Visitor;
