use std::net::IpAddr;
use std::sync::Arc;

use audit_model::Timestamp;

use crate::caller::ANONYMOUS;
use crate::network::network;
use crate::rate_limit::Buckets;
use crate::token_secret::PREFIX;
use crate::{Caller, Denial, RateLimit, Role, Tokens};

/// What somebody shows of themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Presented<'a> {
    /// The token of `Authorization: Bearer`.
    pub bearer: Option<&'a str>,
    /// The client's certificate (DER), which the TLS server has verified.
    pub certificate: Option<&'a [u8]>,
    /// From where they come; `None` for a Unix socket.
    pub peer: Option<IpAddr>,
}

/// Who may do what. Cheap to clone; to change it while it is used, change a clone and put that in its place: it goes on counting where this
/// one was, as does one that is [`sharing_rates_with`](Access::sharing_rates_with) it.
#[derive(Clone, Debug, Default)]
pub struct Access {
    anonymous: Vec<Role>,
    tokens: Arc<Tokens>,
    #[cfg(feature = "jwt")]
    issuers: Vec<Arc<crate::Jwt>>,
    #[cfg(feature = "certificates")]
    certificates: Arc<Vec<crate::CertificateRule>>,
    rate_limit: Option<RateLimit>,
    buckets: Arc<Buckets>,
}

impl Access {
    /// Lets whoever shows nothing have these roles, if they come from this machine: over a Unix socket, or from a loopback address.
    #[must_use]
    pub fn anonymous(mut self, roles: impl IntoIterator<Item = Role>) -> Self {
        self.anonymous = roles.into_iter().collect();
        self
    }

    /// Knows callers by these API tokens, and by no others.
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Arc::new(tokens);
        self
    }

    /// Knows callers by the tokens of one more identity provider.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn jwt(mut self, issuer: impl Into<Arc<crate::Jwt>>) -> Self {
        self.issuers.push(issuer.into());
        self
    }

    /// Knows callers by their certificates, by these rules and no others.
    #[cfg(feature = "certificates")]
    #[must_use]
    pub fn certificates(mut self, rules: impl IntoIterator<Item = crate::CertificateRule>) -> Self {
        self.certificates = Arc::new(rules.into_iter().collect());
        self
    }

    /// Limits how much each caller may send. A stranger's failed attempts are counted too, by their network.
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// Goes on counting where `other` is, so that a new configuration gives nobody a new burst.
    #[must_use]
    pub fn sharing_rates_with(mut self, other: &Self) -> Self {
        self.buckets = Arc::clone(&other.buckets);
        self
    }

    /// Says who that is. A bearer token, if one is shown, decides, whatever certificate there is beside it. A certificate says nothing while there are no
    /// rules for any.
    ///
    /// # Errors
    /// When nothing or nothing credible is shown; [`Denial::RateLimited`] instead when that happens from one network more often than
    /// the rate allows. Who shows what is credible is never refused for what others of their network do.
    pub fn identify(&self, presented: &Presented<'_>, now: Timestamp) -> Result<Caller, Denial> {
        match self.recognise(presented, now) {
            Ok(caller) => Ok(caller.peer(presented.peer)),
            Err(denial) => Err(self.count_failure(presented.peer, now).err().unwrap_or(denial)),
        }
    }

    /// As [`Access::identify`], and fetches the keys of an identity provider again before refusing a token that was signed with a key not
    /// known yet: at most once a minute, and within ten seconds a document. Whoever comes while they are fetched waits no longer than until
    /// two seconds after that was begun. The fetch goes on when this is dropped.
    ///
    /// # Errors
    /// As [`Access::identify`].
    ///
    /// # Panics
    /// Outside of a tokio runtime, when keys have to be fetched.
    #[cfg(feature = "oidc")]
    pub async fn identify_with_fresh_keys(
        &self,
        presented: &Presented<'_>,
        now: Timestamp,
    ) -> Result<Caller, Denial> {
        let first = self.recognise(presented, now);
        let unknown_key =
            matches!(&first, Err(Denial::Unauthenticated { reason: "unknown_key" | "keys_unavailable", .. }));
        if unknown_key && let Some(bearer) = presented.bearer {
            for issuer in &self.issuers {
                issuer.refresh_for(bearer, now).await;
            }
            return self.identify(presented, now);
        }
        match first {
            Ok(caller) => Ok(caller.peer(presented.peer)),
            Err(denial) => Err(self.count_failure(presented.peer, now).err().unwrap_or(denial)),
        }
    }

    /// Counts `events` against the caller's rate, and says whether that is still within it. Callers without a name count by their network.
    ///
    /// # Errors
    /// [`Denial::RateLimited`] when it is not; nothing is counted then.
    pub fn admit(&self, caller: &Caller, events: u32, now: Timestamp) -> Result<(), Denial> {
        let Some(limit) = self.rate_limit else { return Ok(()) };
        let admitted = match caller.peer {
            Some(peer) if caller.is_anonymous() => self.buckets.admit_stranger(limit, peer, events, now),
            _ => self.buckets.admit_known(limit, &caller.identity, events, now),
        };
        admitted.map_err(|retry_after| Denial::RateLimited { identity: caller.identity.clone(), retry_after })
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

    fn recognise(&self, presented: &Presented<'_>, now: Timestamp) -> Result<Caller, Denial> {
        if let Some(bearer) = presented.bearer {
            if bearer.starts_with(PREFIX) {
                return self.tokens.identify(bearer, now);
            }
            #[cfg(feature = "jwt")]
            if !self.issuers.is_empty() {
                return crate::Jwt::identify(&self.issuers, bearer, now);
            }
            return Err(Denial::Unauthenticated { reason: "unknown_token", claimed: None });
        }
        #[cfg(feature = "certificates")]
        if let Some(certificate) = presented.certificate
            && !self.certificates.is_empty()
        {
            return crate::CertificateRule::identify(&self.certificates, certificate);
        }
        if !self.anonymous.is_empty() && is_local(presented.peer) {
            return Ok(Caller::new(ANONYMOUS, self.anonymous.iter().copied()));
        }
        Err(Denial::NoCredentials)
    }

    fn count_failure(&self, peer: Option<IpAddr>, now: Timestamp) -> Result<(), Denial> {
        let (Some(limit), Some(peer)) = (self.rate_limit, peer) else { return Ok(()) };
        self.buckets.admit_stranger(limit, peer, 1, now).map_err(|retry_after| {
            let network = network(peer);
            let length = if network.is_ipv6() { "/64" } else { "" };
            Denial::RateLimited { identity: format!("peer:{network}{length}"), retry_after }
        })
    }
}

impl<'a> Presented<'a> {
    /// Nothing, from there.
    #[must_use]
    pub fn from_peer(peer: Option<IpAddr>) -> Self {
        Self { peer, ..Self::default() }
    }

    /// Shows the token of `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(mut self, bearer: Option<&'a str>) -> Self {
        self.bearer = bearer;
        self
    }

    /// Shows the client's certificate (DER), which the TLS server has verified.
    #[must_use]
    pub fn certificate(mut self, certificate: Option<&'a [u8]>) -> Self {
        self.certificate = certificate;
        self
    }
}

fn is_local(peer: Option<IpAddr>) -> bool {
    peer.is_none_or(|peer| peer.to_canonical().is_loopback())
}
