use audit_model::Map;
use serde::{Deserialize, Serialize};

use crate::object::{Account, Organization};

/// The OCSF object `cloud`: a cloud environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cloud {
    /// `account` (optional): the cloud account, subscription or billing unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Box<Account>>,
    /// `cloud_partition` (optional; since 1.8.0): the isolated part of the provider's infrastructure, such as
    /// a government cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_partition: Option<String>,
    /// `org` (optional): the organisation that the cloud account belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<Box<Organization>>,
    /// `project_uid` (optional; deprecated since 1.8.0): the cloud project's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_uid: Option<String>,
    /// `provider` (required): the cloud provider's name.
    pub provider: String,
    /// `region` (recommended): the cloud region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// `zone` (optional): the availability zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Cloud {
    /// The cloud of that provider.
    #[must_use]
    pub fn new(provider: impl Into<String>) -> Self {
        Self {
            account: None,
            cloud_partition: None,
            org: None,
            project_uid: None,
            provider: provider.into(),
            region: None,
            zone: None,
            extra: Map::new(),
        }
    }
}
