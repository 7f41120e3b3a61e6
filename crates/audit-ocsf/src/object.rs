//! The objects that records consist of, one struct for all versions: the union of their attributes.
//!
//! A field's documentation names the attribute and what the schema demands of it. Only the versions of
//! [`Version`](crate::Version) are told apart: what came with 1.2.0 stands as since 1.3.0, and what came with 1.4.0
//! to 1.8.0 as since 1.8.0.
//!
//! An attribute that every version requires is a plain field, every other an `Option`; JSON's `null` counts as
//! absent. A single object that may be absent is boxed. What no field is for (attributes that the schema does not
//! know, and the objects that a struct names as untyped) is kept in `extra` as it came, `null` included.

mod actor;
mod api;
mod certificate;
mod cloud;
mod device;
mod http;
mod logger;
mod metadata;
mod network_endpoint;
mod observable;
mod os;
mod product;
mod resource_details;
mod session;
mod user;

pub use actor::{Actor, Authorization, Policy};
pub use api::{Api, Request, Response, Service};
pub use certificate::{Certificate, Fingerprint};
pub use cloud::Cloud;
pub use device::Device;
pub use http::{HttpHeader, HttpRequest, HttpResponse, Url};
pub use logger::Logger;
pub use metadata::{Extension, Metadata};
pub use network_endpoint::NetworkEndpoint;
pub use observable::{Enrichment, Observable, Reputation};
pub use os::Os;
pub use product::{Feature, Product};
pub use resource_details::{KeyValueObject, ResourceDetails};
pub use session::{AuthFactor, Idp, Session};
pub use user::{Account, Group, Organization, User};
