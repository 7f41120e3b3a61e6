#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod caller;
#[cfg(feature = "certificates")]
mod certificate;
mod denial;
#[cfg(feature = "jwt")]
mod jwt;
mod logins;
mod network;
mod permission;
mod permissions;
mod rate_limit;
mod refusals;
mod role;
mod token_secret;
mod tokens;
mod tokens_file;
mod tokens_text;

pub use access::{Access, Presented};
pub use caller::Caller;
#[cfg(feature = "certificates")]
pub use certificate::{CertificateRule, CertificateRuleError};
pub use denial::Denial;
#[cfg(feature = "jwt")]
pub use jwt::{Algorithm, AlgorithmError, Jwt, JwtOptions, JwtOptionsError, KeySet, KeySetError};
#[cfg(feature = "oidc")]
pub use jwt::{OidcError, Refreshed, RemoteKeys};
pub use logins::Logins;
pub use permission::{Permission, PermissionError};
pub use permissions::{Decision, Permissions};
pub use rate_limit::RateLimit;
pub use refusals::Refusals;
pub use role::{Role, RoleError};
pub use secrecy::{ExposeSecret, SecretString};
pub use token_secret::{TokenHash, TokenHashError};
pub use tokens::{NewToken, PreviousSecret, Token, TokenError, Tokens};
pub use tokens_file::{LoadedTokens, TokensFile, TokensFileError};
