use audit_model::Map;
use serde::{Deserialize, Serialize};

use crate::object::{Device, Product};

/// The OCSF object `logger` (since 1.1.0): a station on the way of an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Logger {
    /// `device` (recommended; since 1.1.0): the device on which the logger runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Box<Device>>,
    /// `event_uid` (optional; since 1.8.0): the id that the logger gave to the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_uid: Option<String>,
    /// `is_truncated` (optional; since 1.8.0): whether the event was cut because of its size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_truncated: Option<bool>,
    /// `log_format` (optional; since 1.8.0): the format of the log that it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<String>,
    /// `log_level` (optional; since 1.1.0): the level at which it was logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    /// `log_name` (recommended; since 1.1.0): the name of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_name: Option<String>,
    /// `log_provider` (recommended; since 1.1.0): what logged the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_provider: Option<String>,
    /// `log_version` (optional; since 1.1.0): the version of the log's own format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_version: Option<String>,
    /// `logged_time` (optional in 1.1.0, recommended since 1.3.0): when the logging system took the event in,
    /// in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logged_time: Option<i64>,
    /// `logged_time_dt` (optional; since 1.1.0; with the profile `datetime`): as `logged_time`, as text (RFC
    /// 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logged_time_dt: Option<String>,
    /// `name` (recommended; since 1.1.0): the logger's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `product` (recommended; since 1.1.0): the product that logged the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Box<Product>>,
    /// `transmit_time` (optional from 1.1.0 to 1.3.0, recommended since 1.8.0): when the event was sent on,
    /// in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmit_time: Option<i64>,
    /// `transmit_time_dt` (optional; since 1.1.0; with the profile `datetime`): as `transmit_time`, as text
    /// (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmit_time_dt: Option<String>,
    /// `uid` (recommended; since 1.1.0): the logger's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `untruncated_size` (optional; since 1.8.0): the event's size before it was cut, in kilobytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untruncated_size: Option<i64>,
    /// `version` (optional; since 1.1.0): the logger's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}
