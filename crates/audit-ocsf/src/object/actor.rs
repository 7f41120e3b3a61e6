use audit_model::{Map, Value};
use serde::{Deserialize, Serialize};

use crate::object::{Group, Idp, Session, User};

/// The OCSF object `actor`: who or what acted.
///
/// Left untyped in `extra`: `process`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Actor {
    /// `app_name` (optional; since 1.3.0): the client application or service that acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// `app_uid` (optional; since 1.3.0): the unique id of the client application or service that acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_uid: Option<String>,
    /// `authorizations` (optional): what was allowed or denied, and by which policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorizations: Option<Vec<Authorization>>,
    /// `idp` (optional): the identity provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idp: Option<Box<Idp>>,
    /// `invoked_by` (optional; deprecated since 1.3.0): the service that acted on behalf of the actor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoked_by: Option<String>,
    /// `session` (optional): the session that the actor acted in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Box<Session>>,
    /// `user` (recommended): the user who acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Box<User>>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Actor {
    /// A user who acts.
    #[must_use]
    pub fn new(user: User) -> Self {
        Self { user: Some(Box::new(user)), ..Self::default() }
    }
}

/// The OCSF object `authorization`: the outcome of a check of access.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Authorization {
    /// `decision` (optional up to 1.1.0, recommended since 1.3.0): the outcome, such as `authorized` or
    /// `denied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// `policy` (optional): the policy that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<Policy>>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Authorization {
    /// A decision, such as `authorized` or `denied`.
    #[must_use]
    pub fn new(decision: impl Into<String>) -> Self {
        Self { decision: Some(decision.into()), ..Self::default() }
    }
}

/// The OCSF object `policy`: a policy that applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Policy {
    /// `data` (optional; since 1.8.0): more about the policy, such as its JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// `desc` (optional): what the policy is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desc: Option<String>,
    /// `group` (optional): the group that the policy belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Box<Group>>,
    /// `is_applied` (recommended; since 1.3.0): whether the policy was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_applied: Option<bool>,
    /// `name` (recommended): the policy's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `type` (optional; since 1.8.0): what kind of policy it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// `uid` (recommended): the policy's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `version` (recommended): the policy's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Policy {
    /// A policy of that name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}
