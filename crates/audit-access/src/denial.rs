use std::time::Duration;

use crate::Role;

/// Why somebody may not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// They showed nothing that says who they are: HTTP 401.
    NoCredentials,
    /// What they showed is not believed: HTTP 401.
    Unauthenticated {
        /// Why, as a stable word for the log, such as `unknown_token`, `expired`, `bad_signature`; the caller is not told.
        reason: &'static str,
        /// Whom it claims to be, where that can be said without giving a secret away.
        claimed: Option<String>,
    },
    /// They are known, and have not the role: HTTP 403.
    MissingRole {
        /// Who.
        identity: String,
        /// The role that is needed.
        needed: Role,
    },
    /// They did too much: HTTP 429.
    RateLimited {
        /// Who.
        identity: String,
        /// When they may try again.
        retry_after: Duration,
    },
}
