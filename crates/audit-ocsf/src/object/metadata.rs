use audit_model::Map;
use serde::{Deserialize, Serialize};

use crate::Version;
use crate::object::{KeyValueObject, Logger, Product};

/// The OCSF object `metadata`: about the record itself: what reported it, in which version of the schema.
///
/// Left untyped in `extra`: `data_classification`, `data_classifications`, `reporter`,
/// `total_queued_duration`, `transformation_info_list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Metadata {
    /// `correlation_uid` (optional): what ties records of one request together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_uid: Option<String>,
    /// `debug` (optional; since 1.8.0): what went wrong in making the record, without being fatal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug: Option<Vec<String>>,
    /// `event_code` (optional): the source's own name or number for this kind of event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_code: Option<String>,
    /// `extension` (optional; deprecated since 1.1.0): the schema extension that the record uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<Box<Extension>>,
    /// `extensions` (optional; since 1.1.0): the schema extensions that the record uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Vec<Extension>>,
    /// `is_truncated` (optional; since 1.8.0): whether the event was cut because of its size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_truncated: Option<bool>,
    /// `labels` (optional): labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// `log_format` (optional; since 1.8.0): the format of the log that it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<String>,
    /// `log_level` (optional; since 1.1.0): the level at which it was logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    /// `log_name` (recommended): the name of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_name: Option<String>,
    /// `log_provider` (recommended up to 1.3.0, optional since 1.8.0): what logged the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_provider: Option<String>,
    /// `log_source` (optional; since 1.8.0): the system or component that the event comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source: Option<String>,
    /// `log_version` (optional): the version of the log's own format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_version: Option<String>,
    /// `logged_time` (optional): when the logging system took the event in, in milliseconds since 1970-01-01
    /// UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logged_time: Option<i64>,
    /// `logged_time_dt` (optional; with the profile `datetime`): as `logged_time`, as text (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logged_time_dt: Option<String>,
    /// `loggers` (optional; since 1.1.0): what the event went through on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loggers: Option<Vec<Logger>>,
    /// `modified_time` (optional): when the record was last changed or enriched, in milliseconds since
    /// 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_time: Option<i64>,
    /// `modified_time_dt` (optional; with the profile `datetime`): as `modified_time`, as text (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_time_dt: Option<String>,
    /// `original_event_uid` (optional; since 1.8.0): the id that the event had before it became OCSF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_event_uid: Option<String>,
    /// `original_time` (recommended): the time as the source wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_time: Option<String>,
    /// `processed_time` (optional): when the record was processed, as by an ETL job, in milliseconds since
    /// 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processed_time: Option<i64>,
    /// `processed_time_dt` (optional; with the profile `datetime`): as `processed_time`, as text (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processed_time_dt: Option<String>,
    /// `product` (required): the product that reported the event.
    pub product: Product,
    /// `profiles` (optional): the schema profiles that the record uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profiles: Option<Vec<String>>,
    /// `sequence` (optional): the record's sequence number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<i64>,
    /// `source` (optional; since 1.8.0): the source of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `tags` (optional; since 1.8.0): tags, as names with values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<KeyValueObject>>,
    /// `tenant_uid` (recommended; since 1.1.0): the tenant's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_uid: Option<String>,
    /// `transmit_time` (optional; since 1.8.0): when the event was sent on, in milliseconds since 1970-01-01
    /// UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmit_time: Option<i64>,
    /// `transmit_time_dt` (optional; since 1.8.0; with the profile `datetime`): as `transmit_time`, as text
    /// (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmit_time_dt: Option<String>,
    /// `type` (optional; since 1.8.0): what kind of event of its source it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// `uid` (optional): the record's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `untruncated_size` (optional; since 1.8.0): the event's size before it was cut, in kilobytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untruncated_size: Option<i64>,
    /// `version` (required): the version of the OCSF schema.
    pub version: String,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Metadata {
    /// What that product reports, in that version of the schema.
    #[must_use]
    pub fn new(product: Product, version: Version) -> Self {
        Self {
            correlation_uid: None,
            debug: None,
            event_code: None,
            extension: None,
            extensions: None,
            is_truncated: None,
            labels: None,
            log_format: None,
            log_level: None,
            log_name: None,
            log_provider: None,
            log_source: None,
            log_version: None,
            logged_time: None,
            logged_time_dt: None,
            loggers: None,
            modified_time: None,
            modified_time_dt: None,
            original_event_uid: None,
            original_time: None,
            processed_time: None,
            processed_time_dt: None,
            product,
            profiles: None,
            sequence: None,
            source: None,
            tags: None,
            tenant_uid: None,
            transmit_time: None,
            transmit_time_dt: None,
            r#type: None,
            uid: None,
            untruncated_size: None,
            version: version.as_str().to_owned(),
            extra: Map::new(),
        }
    }
}

/// The OCSF object `extension`: a schema extension that a record uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Extension {
    /// `name` (required up to 1.3.0, recommended since 1.8.0): the extension's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `uid` (required up to 1.3.0, recommended since 1.8.0): the extension's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `version` (required): the extension's version.
    pub version: String,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Extension {
    /// An extension of that name, unique id and version.
    #[must_use]
    pub fn new(name: impl Into<String>, uid: impl Into<String>, version: impl Into<String>) -> Self {
        Self { name: Some(name.into()), uid: Some(uid.into()), version: version.into(), extra: Map::new() }
    }
}
