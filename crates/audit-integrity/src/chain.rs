use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// What a signature's text begins with. The first description of the format calls HMAC-SHA256 signatures this too.
pub(crate) const PREFIX: &str = "sha256:";

/// The name of a chain: one writer, one chain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(Arc<str>);

/// A text that cannot name a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a chain id; expected 1 to 128 letters, digits, `.`, `_`, `:` or `-`")]
pub struct ChainIdError {
    found: String,
}

impl ChainId {
    /// The id as it stands in the record.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChainId {
    type Err = ChainIdError;

    /// Only characters that JSON never escapes, so that the id stands in a record as it is.
    fn from_str(text: &str) -> Result<Self, ChainIdError> {
        if is_plain_name(text) {
            Ok(Self(text.into()))
        } else {
            Err(ChainIdError { found: text.chars().take(128).collect() })
        }
    }
}

pub(crate) fn is_plain_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'))
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// The SHA-256 of an event's canonical bytes: what a signature covers in the event's place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventDigest(pub(crate) [u8; 32]);

impl EventDigest {
    /// Hashes an event's canonical bytes.
    #[must_use]
    pub fn of(canonical_event: &[u8]) -> Self {
        Self(Sha256::digest(canonical_event).into())
    }
}

impl fmt::Debug for EventDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", HEXLOWER.encode(&self.0))
    }
}

/// A record's signature: HMAC-SHA256, or SHA-256 in a chain without a key.
///
/// Its text is `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(pub(crate) [u8; 32]);

/// A text that is not a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a signature; expected `sha256:` and 64 lower-case hexadecimal digits")]
pub struct SignatureError {
    found: String,
}

impl Signature {
    /// What the first record of a chain names as the signature before it.
    pub const NONE: Self = Self([0; 32]);

    pub(crate) fn hex(self) -> [u8; 64] {
        let mut digits = [0; 64];
        HEXLOWER.encode_mut(&self.0, &mut digits);
        digits
    }
}

impl FromStr for Signature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        let error = || SignatureError { found: text.chars().take(80).collect() };
        let digits = text.strip_prefix(PREFIX).filter(|d| d.len() == 64).ok_or_else(error)?;
        let mut bytes = [0; 32];
        HEXLOWER.decode_mut(digits.as_bytes(), &mut bytes).map_err(|_| error())?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
