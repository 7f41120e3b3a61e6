use audit_model::Map;
use serde::{Deserialize, Serialize};

use crate::id::{AccountTypeId, RiskLevelId, UserTypeId};
use crate::object::KeyValueObject;

/// The OCSF object `user`: a person, or whatever else can act under a name.
///
/// Left untyped in `extra`: `ldap_person`, `programmatic_credentials`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// `account` (optional): the account that the user belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Box<Account>>,
    /// `credential_uid` (optional; deprecated since 1.8.0): the unique id of the user's credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_uid: Option<String>,
    /// `display_name` (optional; since 1.8.0): the user's name as the product shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `domain` (optional): the domain in which the user is defined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// `email_addr` (optional): the user's main e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_addr: Option<String>,
    /// `forward_addr` (optional; since 1.8.0): the address that the user's mail is forwarded to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_addr: Option<String>,
    /// `full_name` (optional): the user's full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// `groups` (optional): the groups that the user belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<Group>>,
    /// `has_mfa` (recommended; since 1.8.0): whether the user has a second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_mfa: Option<bool>,
    /// `name` (recommended): the user name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `org` (optional): the organisation that the user belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<Box<Organization>>,
    /// `phone_number` (optional; since 1.8.0): the user's telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// `risk_level` (optional; since 1.3.0): the caption of `risk_level_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_level: Option<String>,
    /// `risk_level_id` (optional; since 1.3.0): how high the risk is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_level_id: Option<RiskLevelId>,
    /// `risk_score` (optional; since 1.3.0): how high the risk is, as the source scored it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_score: Option<i64>,
    /// `type` (optional): the caption of `type_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// `type_id` (required in 1.0.0, recommended since 1.1.0): what kind of user it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_id: Option<UserTypeId>,
    /// `uid` (recommended): the user's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `uid_alt` (optional): another unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid_alt: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl User {
    /// A user of that name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

/// The OCSF object `group`: a group of users, policies, devices, …
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Group {
    /// `desc` (optional): what the group is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desc: Option<String>,
    /// `domain` (optional; since 1.1.0): the domain in which the group is defined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// `name` (recommended): the group's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `privileges` (optional): what the group may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privileges: Option<Vec<String>>,
    /// `type` (optional): what kind of group it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// `uid` (recommended): the group's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `uid_alt` (optional; since 1.8.0): another unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid_alt: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Group {
    /// A group of that name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

/// The OCSF object `account`: an account within a system or a cloud.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Account {
    /// `is_disabled` (optional; since 1.8.0): whether the account is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_disabled: Option<bool>,
    /// `is_locked` (optional; since 1.8.0): whether the account is locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_locked: Option<bool>,
    /// `is_on_premises_sync_enabled` (optional; since 1.8.0): whether the account is synchronised with a
    /// directory on the premises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_on_premises_sync_enabled: Option<bool>,
    /// `labels` (optional; since 1.3.0): labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// `name` (recommended): the account's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `tags` (optional; since 1.8.0): tags, as names with values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<KeyValueObject>>,
    /// `type` (optional): the caption of `type_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// `type_id` (recommended): what kind of account it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_id: Option<AccountTypeId>,
    /// `uid` (recommended): the account's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Account {
    /// An account of that unique id.
    #[must_use]
    pub fn new(uid: impl Into<String>) -> Self {
        Self { uid: Some(uid.into()), ..Self::default() }
    }
}

/// The OCSF object `organization`: an organisation and its unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Organization {
    /// `name` (recommended): the organisation's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `ou_name` (recommended): the organisational unit's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ou_name: Option<String>,
    /// `ou_uid` (optional): the organisational unit's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ou_uid: Option<String>,
    /// `uid` (recommended): the organisation's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Organization {
    /// An organisation of that name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}
