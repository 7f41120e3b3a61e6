#![doc = include_str!("../README.md")]

mod action;
mod actor;
mod canonical;
mod context;
mod details;
mod event;
mod event_id;
mod event_type;
mod fields;
mod json;
mod open_string;
mod pattern;
mod resource;
mod severity;
mod timestamp;
mod tree;

pub use action::{Action, ActionResult};
pub use actor::{Actor, ActorType};
pub use canonical::{
    CanonicalError, MAX_SAFE_INTEGER, canonical_json, write_canonical, write_canonical_within,
    write_json_string,
};
pub use context::Context;
pub use details::{
    AccessDeniedDetails, BackupDetails, BackupStage, ConfigChange, ConfigChangedDetails, DetailsError,
    RestoreDetails, RestoreStage,
};
pub use event::{EVENT_VERSION, Event, EventError, FieldError};
pub use event_id::EventId;
pub use event_type::{EventType, EventTypeError};
pub use json::{JsonError, MAX_DEPTH, parse_json};
pub use pattern::{EventPattern, PatternError, glob_matches, nearest_event_type};
pub use resource::Resource;
pub use severity::Severity;
pub use timestamp::{Timestamp, TimestampError};

/// A JSON object: `details`, and the fields that this crate has no name for.
pub type Map = serde_json::Map<String, serde_json::Value>;

/// Any JSON value.
pub type Value = serde_json::Value;
