mod api_activity;
mod application_lifecycle;
mod authentication;
mod class_uid;
mod error;

pub use api_activity::ApiActivity;
pub use application_lifecycle::ApplicationLifecycle;
pub use authentication::Authentication;
pub use class_uid::ClassUid;
pub use error::{AttributeError, ClassError};

use audit_model::{Value, parse_json};
use serde::{Deserialize, Deserializer, Serialize};

use crate::object::Metadata;

/// A record of one of the classes that have a type, in whichever version.
///
/// Reading checks what a type can hold: that every attribute with a field has the JSON type of the schema, and
/// that those are there which every version requires. Whatever else may be wrong with a record is kept as it came;
/// finding it is the validator's task. An integer written as `1.0` is refused.
///
/// ```
/// use audit_ocsf::id::ApiActivityId;
/// use audit_ocsf::object::{Actor, Api, Metadata, NetworkEndpoint, Product, User};
/// use audit_ocsf::{ApiActivity, OcsfEvent, Version};
///
/// let metadata = Metadata::new(Product::new("kafka-backup", "Example"), Version::V1_3_0);
/// let actor = Actor::new(User::new("alice@company.com"));
/// let mut call = ApiActivity::new(
///     ApiActivityId::CREATE,
///     actor,
///     Api::new("backup.create"),
///     NetworkEndpoint::new("10.0.0.50"),
///     metadata,
///     1_733_048_130_123,
/// );
/// call.message = Some("backup created".to_owned());
/// assert_eq!(call.type_uid, 600_301);
///
/// let event = OcsfEvent::from(call);
/// assert_eq!(OcsfEvent::from_value(&event.to_value())?, event);
///
/// let text = br#"{"class_uid": 6003, "api": {"operation": "get", "service": "s3"}}"#;
/// let error = OcsfEvent::from_json(text).unwrap_err();
/// assert_eq!(error.to_string(), "api.service: found the string \"s3\"; expected an object");
/// # Ok::<(), audit_ocsf::AttributeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum OcsfEvent {
    /// 3002: somebody logged on or off, or tried to.
    Authentication(Box<Authentication>),
    /// 6002: an application was installed, started, stopped, …
    ApplicationLifecycle(Box<ApplicationLifecycle>),
    /// 6003: an API was called.
    ApiActivity(Box<ApiActivity>),
}

impl OcsfEvent {
    /// Reads a record from JSON.
    ///
    /// # Errors
    /// When the text is not JSON, is of a class that has no type, or an attribute is of another JSON type than the
    /// schema's or missing though every version requires it.
    pub fn from_json(text: &[u8]) -> Result<Self, ClassError> {
        Ok(Self::from_value(&parse_json(text)?)?)
    }

    /// As [`OcsfEvent::from_json`], from JSON that has been read already.
    ///
    /// # Errors
    /// When the record is of a class that has no type, or an attribute is of another JSON type than the schema's or
    /// missing though every version requires it.
    pub fn from_value(value: &Value) -> Result<Self, AttributeError> {
        let Value::Object(record) = value else {
            return Err(AttributeError::new("", Some(value), "an object"));
        };
        let class = record.get("class_uid").filter(|class| !class.is_null());
        match class.and_then(Value::as_i64) {
            Some(Authentication::CLASS_UID) => error::read(value).map(Self::Authentication),
            Some(ApplicationLifecycle::CLASS_UID) => error::read(value).map(Self::ApplicationLifecycle),
            Some(ApiActivity::CLASS_UID) => error::read(value).map(Self::ApiActivity),
            _ => Err(AttributeError::new(
                "class_uid",
                class,
                "3002 (Authentication), 6002 (Application Lifecycle) or 6003 (API Activity)",
            )),
        }
    }

    /// The record as its JSON object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("all names are strings, and all numbers finite")
    }

    /// `class_uid`: the class's number.
    #[must_use]
    pub fn class_uid(&self) -> i64 {
        match self {
            Self::Authentication(_) => Authentication::CLASS_UID,
            Self::ApplicationLifecycle(_) => ApplicationLifecycle::CLASS_UID,
            Self::ApiActivity(_) => ApiActivity::CLASS_UID,
        }
    }

    /// `metadata`: about the record itself.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Authentication(event) => &event.metadata,
            Self::ApplicationLifecycle(event) => &event.metadata,
            Self::ApiActivity(event) => &event.metadata,
        }
    }

    /// `time`: when it happened, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn time(&self) -> i64 {
        match self {
            Self::Authentication(event) => event.time,
            Self::ApplicationLifecycle(event) => event.time,
            Self::ApiActivity(event) => event.time,
        }
    }
}

impl<'de> Deserialize<'de> for OcsfEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl From<Authentication> for OcsfEvent {
    fn from(event: Authentication) -> Self {
        Self::Authentication(Box::new(event))
    }
}

impl From<ApplicationLifecycle> for OcsfEvent {
    fn from(event: ApplicationLifecycle) -> Self {
        Self::ApplicationLifecycle(Box::new(event))
    }
}

impl From<ApiActivity> for OcsfEvent {
    fn from(event: ApiActivity) -> Self {
        Self::ApiActivity(Box::new(event))
    }
}
