use audit_model::{Map, Value};
use serde::{Deserialize, Serialize};

use crate::id::ResourceRoleId;
use crate::object::{Group, User};

/// The OCSF object `resource_details`: something that was acted on.
///
/// Left untyped in `extra`: `agent_list`, `data_classification`, `data_classifications`,
/// `resource_relationship`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResourceDetails {
    /// `cloud_partition` (optional; with the profile `cloud`): the isolated part of the provider's
    /// infrastructure where the resource is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_partition: Option<String>,
    /// `created_time` (optional; since 1.8.0): when the resource was created, in milliseconds since
    /// 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time: Option<i64>,
    /// `created_time_dt` (optional; since 1.8.0; with the profile `datetime`): as `created_time`, as text
    /// (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time_dt: Option<String>,
    /// `criticality` (optional): how critical the resource is, as the source says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub criticality: Option<String>,
    /// `data` (optional): more about the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// `group` (optional): the group that the resource belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Box<Group>>,
    /// `hostname` (recommended; since 1.8.0): the resource's full host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// `ip` (recommended; since 1.8.0): the resource's address, IPv4 or IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// `is_backed_up` (optional; since 1.8.0): whether there is a backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_backed_up: Option<bool>,
    /// `labels` (optional): labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// `modified_time` (optional; since 1.8.0): when the resource was last changed, in milliseconds since
    /// 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_time: Option<i64>,
    /// `modified_time_dt` (optional; since 1.8.0; with the profile `datetime`): as `modified_time`, as text
    /// (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_time_dt: Option<String>,
    /// `name` (optional up to 1.1.0, recommended since 1.3.0): the resource's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `namespace` (optional; since 1.1.0): what keeps resources of equal names apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `owner` (recommended): whom it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Box<User>>,
    /// `provider` (optional; since 1.8.0; with the profile `cloud`): the cloud provider that the resource is
    /// at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// `region` (optional; with the profile `cloud`): the cloud region of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// `role` (optional; since 1.8.0): the caption of `role_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `role_id` (recommended; since 1.8.0): what part the resource had in the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_id: Option<ResourceRoleId>,
    /// `tags` (optional; since 1.8.0): tags, as names with values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<KeyValueObject>>,
    /// `type` (optional): what kind of resource it is, in the source's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// `uid` (optional up to 1.1.0, recommended since 1.3.0): the resource's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `uid_alt` (optional; since 1.8.0): another unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid_alt: Option<String>,
    /// `version` (optional): the resource's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `zone` (optional; since 1.8.0; with the profile `cloud`): the availability zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl ResourceDetails {
    /// A resource of that kind and name.
    #[must_use]
    pub fn new(resource_type: impl Into<String>, name: impl Into<String>) -> Self {
        Self { r#type: Some(resource_type.into()), name: Some(name.into()), ..Self::default() }
    }
}

/// The OCSF object `key_value_object` (since 1.8.0): a name with a value or values; a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeyValueObject {
    /// `name` (required; since 1.8.0): the name.
    pub name: String,
    /// `value` (recommended; since 1.8.0): the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `values` (recommended; since 1.8.0): the values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl KeyValueObject {
    /// A name with a value.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: Some(value.into()), values: None, extra: Map::new() }
    }
}
