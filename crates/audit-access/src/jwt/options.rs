use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::{Algorithm, Role};

/// Whose tokens are believed, and what who shows one may do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JwtOptions {
    /// The identity provider, as its tokens have it in `iss`: the same text, down to a slash at the end.
    pub issuer: String,
    /// One of these has to be in `aud`, so that a token for another service is of no use here (RFC 8725 §3.9).
    pub audiences: Vec<String>,
    /// What tokens may be signed with. All of [`Algorithm::ALL`] unless set.
    pub algorithms: Vec<Algorithm>,
    /// By how much the provider's clock may differ from ours. One minute unless set; five at most.
    pub leeway: Duration,
    /// Where the token says what its subject may do: a claim, or a path of claims with dots, such as `realm_access.roles`. There is an
    /// array of texts, or a text with spaces between (`scope`). `roles` unless set.
    pub role_claim: String,
    /// What each of those texts means here. Those that are not here mean nothing.
    pub roles: BTreeMap<String, BTreeSet<Role>>,
}

/// Options that would let nobody in, or too many.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtOptionsError {
    /// Something is missing.
    #[error("{field} is empty; expected {expected}")]
    Empty {
        /// What.
        field: &'static str,
        /// What should be there.
        expected: &'static str,
    },
    /// The clocks may differ by too much.
    #[error("leeway is {} seconds; expected 300 at most", found.as_secs())]
    Leeway {
        /// What was found.
        found: Duration,
    },
}

impl JwtOptions {
    /// Believes this provider's tokens that are for this audience. Its subjects have no roles until [`role`](Self::role) says which.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            algorithms: Algorithm::ALL.to_vec(),
            leeway: Duration::from_secs(60),
            role_claim: "roles".to_owned(),
            roles: BTreeMap::new(),
        }
    }

    /// Believes tokens that are for this audience too.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Believes tokens that are signed with one of these only.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets by how much the clocks may differ.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets where the token says what its subject may do.
    #[must_use]
    pub fn role_claim(mut self, path: impl Into<String>) -> Self {
        self.role_claim = path.into();
        self
    }

    /// Gives whose token says `name` these roles.
    #[must_use]
    pub fn role(mut self, name: impl Into<String>, roles: impl IntoIterator<Item = Role>) -> Self {
        self.roles.entry(name.into()).or_default().extend(roles);
        self
    }

    pub(crate) fn check(&self) -> Result<(), JwtOptionsError> {
        let empty = |field, expected| Err(JwtOptionsError::Empty { field, expected });
        if self.issuer.is_empty() {
            return empty("issuer", "the URL that the provider's tokens have in `iss`");
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return empty("audience", "the name that the provider knows this service by");
        }
        if self.algorithms.is_empty() {
            return empty("algorithms", "one or more, such as RS256");
        }
        if self.role_claim.is_empty() {
            return empty("role_claim", "a claim's name or path, such as realm_access.roles");
        }
        if self.leeway > Duration::from_secs(300) {
            return Err(JwtOptionsError::Leeway { found: self.leeway });
        }
        Ok(())
    }
}
