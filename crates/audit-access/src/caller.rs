use std::collections::BTreeSet;
use std::net::IpAddr;

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
    /// From where they come; `None` for a Unix socket.
    pub peer: Option<IpAddr>,
}

impl Caller {
    /// Somebody with these roles.
    #[must_use]
    pub fn new(identity: impl Into<String>, roles: impl IntoIterator<Item = Role>) -> Self {
        Self { identity: identity.into(), roles: roles.into_iter().collect(), peer: None }
    }

    /// Says from where they come.
    #[must_use]
    pub fn peer(mut self, peer: Option<IpAddr>) -> Self {
        self.peer = peer;
        self
    }

    /// Whether they showed nothing that says who they are.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.identity == ANONYMOUS
    }

    /// Whether they may do what needs this role.
    #[must_use]
    pub fn may(&self, role: Role) -> bool {
        self.roles.iter().any(|own| own.includes(role))
    }

    /// Who they are, in the log's words.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let actor =
            self.roles.iter().fold(Actor::service(&self.identity), |actor, role| actor.role(role.as_str()));
        match self.peer {
            Some(peer) => actor.ip_address(peer.to_canonical().to_string()),
            None => actor,
        }
    }
}

/// No recognised identity is this: they all have a colon.
pub(crate) const ANONYMOUS: &str = "anonymous";
