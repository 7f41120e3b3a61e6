use std::net::{IpAddr, SocketAddr};

use audit_access::{Access, Caller, Denial, Presented, Role};
use audit_model::Timestamp;
use hyper::Request;
use hyper::header::{AUTHORIZATION, HeaderMap, USER_AGENT};

use crate::answer::Refusal;
use crate::measures::Measures;
use crate::problem::denied;
use crate::{Asked, Witness};

/// Who is at the other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// What the TLS handshake has verified (DER).
    pub(crate) certificate: Option<Vec<u8>>,
}

impl Peer {
    pub(crate) fn ip(&self) -> IpAddr {
        // The same peer is the same on a socket that takes both (RFC 4291 §2.5.5.2).
        self.address.ip().to_canonical()
    }
}

/// One request at the door: what it shows, and whom to tell.
pub(crate) struct Admission<'a> {
    access: &'a Access,
    witness: &'a dyn Witness,
    presented: Presented<'a>,
    asked: Asked<'a>,
    /// `Authorization` is there, and is nothing that we take.
    is_odd: bool,
}

impl<'a> Admission<'a> {
    pub(crate) fn new<B>(
        access: &'a Access,
        witness: &'a dyn Witness,
        peer: &'a Peer,
        request: &'a Request<B>,
    ) -> Self {
        let bearer = bearer(request.headers());
        let mut presented = Presented::default();
        presented.bearer = bearer.ok().flatten();
        presented.certificate = peer.certificate.as_deref();
        presented.peer = Some(peer.ip());
        let asked = Asked {
            method: request.method().as_str(),
            path: request.uri().path(),
            user_agent: request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()),
            peer: peer.address,
        };
        Self { access, witness, presented, asked, is_odd: bearer.is_err() }
    }

    /// Says who it is, if they have the role.
    pub(crate) async fn admit(&self, role: Role, now: Timestamp) -> Result<Caller, Refusal> {
        if self.is_odd {
            // Not anonymous: they meant to say who they are.
            let denial = Denial::Unauthenticated { reason: "malformed_credentials", claimed: None };
            return Err(self.refuse(&denial));
        }
        #[cfg(feature = "oidc")]
        let known = self.access.identify_with_fresh_keys(&self.presented, now).await;
        #[cfg(not(feature = "oidc"))]
        let known = std::future::ready(self.access.identify(&self.presented, now)).await;
        let caller = known.map_err(|denial| self.refuse(&denial))?;
        self.witness.used(&caller, &self.asked);
        self.access.authorize(&caller, role).map_err(|denial| self.refuse(&denial))?;
        Ok(caller)
    }

    /// Counts events against the caller's rate.
    pub(crate) fn count(&self, caller: &Caller, events: usize, now: Timestamp) -> Result<(), Refusal> {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        self.access.admit(caller, events, now).map_err(|denial| self.refuse(&denial))
    }

    fn refuse(&self, denial: &Denial) -> Refusal {
        Measures::denied(denial);
        self.witness.refused(denial, &self.presented, &self.asked);
        denied(denial)
    }
}

/// The same of one who is not believed before there is a request. A name in a certificate that is not believed may be anybody's, and so
/// they claim none.
pub(crate) fn refuse_handshake(witness: &dyn Witness, peer: &Peer, reason: &'static str) {
    let denial = Denial::Unauthenticated { reason, claimed: None };
    Measures::denied(&denial);
    let asked = Asked { method: "TLS", path: "handshake", user_agent: None, peer: peer.address };
    witness.refused(&denial, &Presented::from_peer(Some(peer.ip())), &asked);
}

/// The token of `Authorization: Bearer`; `Err` when the header is something else.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ()> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(one), None) = (given.next(), given.next()) else {
        return if headers.contains_key(AUTHORIZATION) { Err(()) } else { Ok(None) };
    };
    let (scheme, token) = one.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(())?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(());
    }
    Ok(Some(token))
}
