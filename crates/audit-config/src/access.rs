//! Who may use the service, and for what.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deserialize::{recover, recover_each};

/// Who may use the service, and for what. Nobody, unless it says so.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Access {
    /// The file of API tokens, hashed, that `audit-log token create` makes. It is read again when it changes.
    pub tokens_file: Option<PathBuf>,
    /// Bearers of tokens that an identity provider signs (OpenID Connect, RFC 7519).
    #[serde(deserialize_with = "recover")]
    pub jwt: Option<Jwt>,
    /// Clients with a certificate that the listener's `tls.client_ca_file` vouches for.
    #[serde(deserialize_with = "recover_each")]
    pub client_certificates: Vec<ClientCertificate>,
    /// What whoever is on this machine may do without saying who they are.
    #[serde(deserialize_with = "recover_each")]
    pub anonymous: Vec<Role>,
    /// How much each caller may send.
    #[serde(deserialize_with = "recover")]
    pub rate_limit: Option<RateLimit>,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Send events.
    Ingest,
    /// See metrics and status.
    Read,
    /// Both.
    Admin,
}

/// Tokens that an identity provider signs.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Jwt {
    /// Their `iss`, to the letter.
    pub issuer: String,
    /// What has to be in their `aud`.
    pub audience: String,
    /// A file of the provider's public keys (JWKS, RFC 7517).
    pub jwks_file: Option<PathBuf>,
    /// Where the provider has them; found out from the issuer when neither this nor `jwks_file` is given.
    pub jwks_url: Option<String>,
    /// Which claim has their roles, members of members with dots: `roles` when left out, `realm_access.roles` say.
    pub role_claim: Option<String>,
    /// What each value of that claim lets them do; its own name when left out.
    #[serde(default)]
    pub roles: BTreeMap<String, Vec<Role>>,
}

/// Clients known by their certificate: by one of these.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct ClientCertificate {
    /// The subject's name, such as `CN=orders` or `CN=orders,O=Example`.
    pub subject: Option<String>,
    /// One of its alternative names: a DNS name, URI (SPIFFE) or e-mail address.
    pub san: Option<String>,
    /// What they may do.
    pub roles: Vec<Role>,
}

/// How much a caller may send: a token bucket.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct RateLimit {
    /// So many events a second in the long run.
    pub events_per_second: NonZeroU32,
    /// And so many at once; as many as in a second when left out.
    pub burst: Option<NonZeroU32>,
}
