#![doc = include_str!("../README.md")]

mod address;
mod connection;
mod error;
mod letter;
mod message;
mod one_line;
mod options;
mod progress;
mod reply;
mod route;
mod server;
mod sink;
mod starttls;
mod wire;

pub use error::EmailOptionsError;
pub use letter::{Letter, LetterError};
pub use options::{EmailOptions, Encryption};
pub use secrecy::SecretString;
pub use sink::EmailSink;
