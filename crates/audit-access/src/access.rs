use std::net::IpAddr;

use audit_model::Timestamp;

use crate::{Caller, Denial, Role};

/// What somebody shows of themselves.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Presented<'a> {
    /// The token of `Authorization: Bearer`.
    pub bearer: Option<&'a str>,
    /// The client's certificate (DER), which the TLS server has verified.
    pub certificate: Option<&'a [u8]>,
    /// From where they come; `None` for a Unix socket.
    pub peer: Option<IpAddr>,
}

/// Who may do what.
#[derive(Debug, Default)]
pub struct Access {
    anonymous: Vec<Role>,
}

impl Access {
    /// Lets whoever shows nothing have these roles.
    #[must_use]
    pub fn anonymous(mut self, roles: impl IntoIterator<Item = Role>) -> Self {
        self.anonymous = roles.into_iter().collect();
        self
    }

    /// Says who that is.
    ///
    /// # Errors
    /// When nothing or nothing credible is shown.
    pub fn identify(&self, presented: &Presented<'_>, now: Timestamp) -> Result<Caller, Denial> {
        let _ = now;
        match (presented.bearer, presented.certificate) {
            (None, None) if !self.anonymous.is_empty() => {
                Ok(Caller::new("anonymous", self.anonymous.iter().copied()))
            }
            (None, None) => Err(Denial::NoCredentials),
            _ => Err(Denial::Unauthenticated { reason: "unknown_token", claimed: None }),
        }
    }

    /// Counts `events` against the caller's rate, and says whether that is still within it.
    ///
    /// # Errors
    /// [`Denial::RateLimited`] when it is not; nothing is counted then.
    pub fn admit(&self, caller: &Caller, events: u32, now: Timestamp) -> Result<(), Denial> {
        let _ = (caller, events, now);
        Ok(())
    }

    /// Says whether they may do what needs this role.
    ///
    /// # Errors
    /// [`Denial::MissingRole`] when they may not.
    pub fn authorize(&self, caller: &Caller, role: Role) -> Result<(), Denial> {
        if caller.may(role) {
            return Ok(());
        }
        Err(Denial::MissingRole { identity: caller.identity.clone(), needed: role })
    }
}
