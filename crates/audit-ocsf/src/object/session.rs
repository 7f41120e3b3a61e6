use audit_model::Map;
use serde::{Deserialize, Serialize};

use crate::id::{AuthFactorTypeId, IdpStateId};
use crate::object::{Device, Fingerprint};

/// The OCSF object `session`: an authenticated session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Session {
    /// `count` (optional; since 1.1.0): how many equal sessions came from the same source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// `created_time` (recommended): when the session was created, in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time: Option<i64>,
    /// `created_time_dt` (optional; with the profile `datetime`): as `created_time`, as text (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time_dt: Option<String>,
    /// `credential_uid` (optional): the unique id of the user's credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_uid: Option<String>,
    /// `expiration_reason` (optional; since 1.1.0): why the session expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_reason: Option<String>,
    /// `expiration_time` (optional): when the session expires, in milliseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<i64>,
    /// `expiration_time_dt` (optional; with the profile `datetime`): as `expiration_time`, as text (RFC
    /// 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_time_dt: Option<String>,
    /// `is_mfa` (optional; since 1.1.0): whether more than one factor was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_mfa: Option<bool>,
    /// `is_remote` (recommended): whether it came over a network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_remote: Option<bool>,
    /// `is_vpn` (optional; since 1.1.0): whether it is a session of a VPN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_vpn: Option<bool>,
    /// `issuer` (recommended): who issued the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `terminal` (optional; since 1.1.0): the pseudo-terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// `uid` (recommended): the session's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `uid_alt` (optional; since 1.1.0): another unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid_alt: Option<String>,
    /// `uuid` (optional): the session's UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Session {
    /// A session of that unique id.
    #[must_use]
    pub fn new(uid: impl Into<String>) -> Self {
        Self { uid: Some(uid.into()), ..Self::default() }
    }
}

/// The OCSF object `idp`: an identity provider.
///
/// Left untyped in `extra`: `scim`, `sso`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Idp {
    /// `auth_factors` (optional; since 1.8.0): the factors that the provider supports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_factors: Option<Vec<AuthFactor>>,
    /// `domain` (optional; since 1.8.0): the provider's main domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// `fingerprint` (optional; since 1.8.0): the fingerprint of the provider's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Box<Fingerprint>>,
    /// `has_mfa` (optional; since 1.8.0): whether the provider asks for a second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_mfa: Option<bool>,
    /// `issuer` (optional; since 1.8.0): what the provider calls itself as an issuer, often a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `name` (recommended): the provider's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `protocol_name` (optional; since 1.8.0): the protocol that the provider speaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol_name: Option<String>,
    /// `state` (optional; since 1.8.0): the caption of `state_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `state_id` (optional; since 1.8.0): whether the provider is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_id: Option<IdpStateId>,
    /// `tenant_uid` (optional; since 1.8.0): the tenant at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_uid: Option<String>,
    /// `uid` (recommended): the provider's unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `url_string` (optional; since 1.8.0): the provider's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_string: Option<String>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl Idp {
    /// A provider of that name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

/// The OCSF object `auth_factor` (since 1.3.0): something that an identity was verified with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuthFactor {
    /// `device` (recommended; since 1.3.0): the device that was used as the factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Box<Device>>,
    /// `email_addr` (optional; since 1.3.0): the e-mail address that was used as the factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_addr: Option<String>,
    /// `factor_type` (recommended; since 1.3.0): the caption of `factor_type_id`, or the source's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor_type: Option<String>,
    /// `factor_type_id` (required; since 1.3.0): what kind of factor it is.
    pub factor_type_id: AuthFactorTypeId,
    /// `is_hotp` (recommended; since 1.3.0): whether it is a counted one-time password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_hotp: Option<bool>,
    /// `is_totp` (recommended; since 1.3.0): whether it is a timed one-time password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_totp: Option<bool>,
    /// `phone_number` (optional; since 1.3.0): the telephone number that was used as the factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// `provider` (recommended; since 1.3.0): who provided the factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// `security_questions` (optional; since 1.3.0): the questions that were used as the factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_questions: Option<Vec<String>>,
    /// What has no field of its own, as it came. A name that has one must not be put here: it would stand twice.
    #[serde(flatten)]
    pub extra: Map,
}

impl AuthFactor {
    /// A factor of that kind.
    #[must_use]
    pub fn new(factor_type_id: AuthFactorTypeId) -> Self {
        Self {
            device: None,
            email_addr: None,
            factor_type: None,
            factor_type_id,
            is_hotp: None,
            is_totp: None,
            phone_number: None,
            provider: None,
            security_questions: None,
            extra: Map::new(),
        }
    }
}
