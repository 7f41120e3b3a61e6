#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod class;
mod coalesce;
mod contradiction;
#[cfg(feature = "validate")]
mod explain;
#[cfg(feature = "validate")]
mod finding;
mod http;
pub mod id;
mod login;
mod mapping;
pub mod object;
#[cfg(feature = "validate")]
mod observable;
mod product;
mod read;
mod record;
#[cfg(feature = "validate")]
mod schema;
#[cfg(feature = "validate")]
mod schema_version;
#[cfg(feature = "validate")]
mod suspicion;
mod target;
mod text;
#[cfg(feature = "validate")]
mod validate;
#[cfg(feature = "validate")]
mod value_type;
mod verb;
mod version;
#[cfg(feature = "validate")]
mod walk;
#[cfg(feature = "validate")]
mod wording;
mod writer;

pub use class::{
    ApiActivity, ApplicationLifecycle, AttributeError, Authentication, ClassError, ClassUid, OcsfEvent,
};
pub use coalesce::{Coalesced, Coalescer, event_count};
pub use contradiction::{Contradiction, ContradictionKind, carried_line, contradictions};
#[cfg(feature = "validate")]
pub use explain::{Explanation, Line, explain};
#[cfg(feature = "validate")]
pub use finding::{Code, Finding, FindingSeverity};
pub use mapping::{Mapping, MappingError, NativeRecord, Recorded};
pub use read::{ReadError, event_from_value};
#[cfg(feature = "validate")]
pub use schema::Requirement;
#[cfg(feature = "validate")]
pub use schema_version::{SchemaVersion, SchemaVersionError};
pub use target::{Class, Rule};
#[cfg(feature = "validate")]
pub use validate::{Validator, validate};
pub use version::{Version, VersionError};
