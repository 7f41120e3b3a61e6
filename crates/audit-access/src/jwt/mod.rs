//! Bearer tokens of an identity provider: JSON Web Tokens (RFC 7519), signed (RFC 7515), checked as RFC 8725 says.
//!
//! Ours, on ring's signatures, and not `jsonwebtoken`: that passes over `crit`, reads the system's clock, chooses one cryptography for the whole
//! process (and panics at the first token when features that two dependencies set leave the choice open), has none on ring, and its
//! own brings a crate for RSA with an open advisory (RUSTSEC-2023-0071).

mod algorithm;
#[cfg(feature = "oidc")]
mod fetch;
mod key_set;
mod options;
#[cfg(feature = "oidc")]
mod remote_keys;
mod shared_keys;
mod verify;

pub use algorithm::{Algorithm, AlgorithmError};
#[cfg(feature = "oidc")]
pub use fetch::OidcError;
pub use key_set::{KeySet, KeySetError};
pub use options::{JwtOptions, JwtOptionsError};
#[cfg(feature = "oidc")]
pub use remote_keys::{Refreshed, RemoteKeys};
pub use verify::Jwt;
