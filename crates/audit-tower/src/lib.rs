#![doc = include_str!("../README.md")]

mod annotations;
mod body;
mod call;
mod correlation;
mod decision;
mod description;
mod exchange;
mod fail_closed;
mod future;
mod layer;
mod outcome;
mod recording;
mod requests;
mod service;
mod text;

pub use annotations::Annotations;
pub use body::AuditBody;
pub use decision::Decision;
pub use description::Description;
pub use fail_closed::{FailClosed, Refused};
pub use future::ResponseFuture;
pub use layer::AuditLayer;
pub use requests::Requests;
pub use service::AuditService;
