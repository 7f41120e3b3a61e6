#![doc = include_str!("../README.md")]

mod answer;
mod body;
mod endpoint;
mod error;
mod excerpt;
mod idempotency;
mod network;
mod options;
mod progress;
mod redirect;
mod retry_after;
mod signature;
mod sink;
mod url_secrets;

pub use body::Body;
pub use error::WebhookOptionsError;
pub use options::WebhookOptions;
pub use secrecy::SecretString;
pub use sink::WebhookSink;
