use std::net::SocketAddr;

use audit_access::{Caller, Denial, Presented};

/// What was asked for, as far as a record of a refusal tells it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// The method, such as `POST`; `TLS` where a handshake was refused, which comes before any request.
    pub method: &'a str,
    /// The path, without a query; `handshake` where that was refused.
    pub path: &'a str,
    /// What the program calls itself, if that is text.
    pub user_agent: Option<&'a str>,
    /// From where.
    pub peer: SocketAddr,
}

/// Somebody who is told who came and who was refused, to put it on record.
///
/// It is called while the request waits: whoever has more to do than to count or to queue does that elsewhere, and bounds how
/// much one who is refused again and again can make of it.
pub trait Witness: Send + Sync {
    /// This was refused: a request, or a TLS handshake for want of a client certificate that is believed.
    fn refused(&self, denial: &Denial, presented: &Presented<'_>, asked: &Asked<'_>);

    /// This caller was recognised, and asks for something.
    fn used(&self, caller: &Caller, asked: &Asked<'_>);
}

/// Who keeps nothing.
pub(crate) struct Nobody;

impl Witness for Nobody {
    fn refused(&self, _: &Denial, _: &Presented<'_>, _: &Asked<'_>) {}

    fn used(&self, _: &Caller, _: &Asked<'_>) {}
}
