use audit_model::{Map, Value};
use serde::{Deserialize, Serialize};

use crate::object::{Group, KeyValueObject};

/// The OCSF object `api`: a call of an API.
///
/// Left untyped in `extra`: `token`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Api {
    /// `group` (optional; since 1.1.0): the group that the API belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Box<Group>>,
    /// `operation` (required): what was called, such as a method and path or a procedure's name.
    pub operation: String,
    /// `request` (recommended): what was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Box<Request>>,
    /// `response` (recommended): what was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Box<Response>>,
    /// `service` (optional): the service that offers the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Box<Service>>,
    /// `version` (optional): the API's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Api {
    /// A call of that operation.
    #[must_use]
    pub fn new(operation: impl Into<String>) -> Self {
        Self {
            group: None,
            operation: operation.into(),
            request: None,
            response: None,
            service: None,
            version: None,
            extra: Map::new(),
        }
    }
}

/// The OCSF object `request`: what an API was asked for.
///
/// Left untyped in `extra`: `containers`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// `data` (optional; since 1.1.0): what was sent with the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// `flags` (optional): flags of the communication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<Vec<String>>,
    /// `uid` (required): the request's unique id.
    pub uid: String,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Request {
    /// A request of that unique id.
    #[must_use]
    pub fn new(uid: impl Into<String>) -> Self {
        Self { data: None, flags: None, uid: uid.into(), extra: Map::new() }
    }
}

/// The OCSF object `response`: what an API answered.
///
/// Left untyped in `extra`: `containers`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Response {
    /// `code` (recommended): the number that the call returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// `data` (optional; since 1.1.0): what the call returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// `error` (recommended): the error's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `error_message` (recommended): the error in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// `flags` (optional): flags of the communication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<Vec<String>>,
    /// `message` (recommended): what the call returned, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

/// The OCSF object `service`: a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Service {
    /// `labels` (optional): labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// `name` (recommended): the service's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `tags` (optional; since 1.8.0): tags, as names with values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<KeyValueObject>>,
    /// `uid` (recommended): the service's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `version` (recommended): the service's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Service {
    /// A service of that name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}
