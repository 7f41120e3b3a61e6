#![doc = include_str!("../README.md")]

mod blocks;
mod compressed;
mod hit;
mod input;
mod json_stream;
mod judge;
mod layout;
mod outbox;
mod place;
mod plain_file;
mod query;
mod record;
mod scan;
mod sieve;
mod time;
mod token;
mod visitor;
mod walk;
mod wanted;
mod worker;

pub use hit::{BadLine, Hit};
pub use input::Input;
pub use json_stream::{Ends, JsonStream, MAX_VALUE, Piece};
pub use place::Place;
pub use query::Query;
pub use record::{NoEvent, read_event};
pub use scan::{Scanned, Unreadable, scan, scan_in_pieces};
pub use visitor::Visitor;
