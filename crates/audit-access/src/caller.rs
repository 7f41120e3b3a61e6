use std::collections::BTreeSet;

use audit_model::Actor;

use crate::Role;

/// Somebody who was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// How they were recognised, and as whom: `token:ci`, `jwt:alice@example.com`, `certificate:CN=orders`, `anonymous`.
    pub identity: String,
    /// What they may do.
    pub roles: BTreeSet<Role>,
}

impl Caller {
    /// Somebody with these roles.
    #[must_use]
    pub fn new(identity: impl Into<String>, roles: impl IntoIterator<Item = Role>) -> Self {
        Self { identity: identity.into(), roles: roles.into_iter().collect() }
    }

    /// Whether they may do what needs this role.
    #[must_use]
    pub fn may(&self, role: Role) -> bool {
        self.roles.iter().any(|own| own.includes(role))
    }

    /// Who they are, in the log's words.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.roles.iter().fold(Actor::service(&self.identity), |actor, role| actor.role(role.as_str()))
    }
}
