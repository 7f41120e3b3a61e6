#![doc = include_str!("../README.md")]

mod any_certificate;
mod error;
mod explain;
mod options;
mod pem;
mod renewed;
mod server;

pub use error::TlsError;
pub use explain::explain;
pub use options::TlsOptions;
pub use renewed::RenewedServer;
pub use server::ServerTlsOptions;
