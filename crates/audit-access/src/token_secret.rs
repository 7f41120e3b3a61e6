use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// What every API token begins with.
pub(crate) const PREFIX: &str = "alog_";

/// The longest name of a token, in bytes.
pub(crate) const MAX_ID: usize = 32;

const SECRET_DIGITS: usize = 64;
const CHECKSUM_DIGITS: usize = 8;

/// What is kept of an API token: the SHA-256 of its whole text, written `sha256:` and 64 hexadecimal digits, so that it is what
/// `printf %s "$TOKEN" | sha256sum` says.
///
/// A slow hash (argon2, scrypt) is for passwords, which can be guessed. There are 2^256 secrets, and nobody guesses one whatever
/// a guess costs; a slow hash here would only let a stranger keep the processor busy.
///
/// Compared in constant time. `Debug` does not show it.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

/// A text that is no hash of a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is no hash of a token; expected `sha256:` and 64 hexadecimal digits, as `audit-log token create` writes it"
)]
pub struct TokenHashError(());

/// An API token as it is handed out.
pub(crate) struct NewSecret {
    pub(crate) text: SecretString,
    pub(crate) hash: TokenHash,
}

impl TokenHash {
    /// The hash of a token's whole text.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Tells this hash from another one, for the log, and leads neither to it nor to the token: `sha256:` and 16 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::new().chain_update(b"audit-log/token-hash\n").chain_update(self.0).finalize();
        format!("sha256:{}", const_hex::encode(&digest[..8]))
    }
}

/// In constant time.
impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl NewSecret {
    /// A token of that name, with 256 random bits of the operating system.
    pub(crate) fn generate(id: &str) -> Result<Self, getrandom::Error> {
        let mut secret = [0; SECRET_DIGITS / 2];
        getrandom::fill(&mut secret)?;
        let mut text = format!("{PREFIX}{id}_{}", const_hex::encode(secret));
        text.push_str(&checksum(&text));
        Ok(Self { hash: TokenHash::of(&text), text: text.into() })
    }
}

/// The name in a token, when the text has a token's form and its checksum is right. The checksum finds a token that was mistyped
/// or cut; it keeps nobody out, and is not meant to.
pub(crate) fn id_of(text: &str) -> Option<&str> {
    let (id, digits) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let form = is_id(id)
        && digits.len() == SECRET_DIGITS + CHECKSUM_DIGITS
        && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !form {
        return None;
    }
    let (covered, sum) = text.split_at(text.len() - CHECKSUM_DIGITS);
    (checksum(covered) == sum).then_some(id)
}

/// Whether a text can be the name of a token: lower-case letters, digits and hyphens, and no hyphen first.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn checksum(covered: &str) -> String {
    const_hex::encode(&Sha256::digest(covered.as_bytes())[..CHECKSUM_DIGITS / 2])
}

impl FromStr for TokenHash {
    type Err = TokenHashError;

    fn from_str(text: &str) -> Result<Self, TokenHashError> {
        let digits =
            text.strip_prefix("sha256:").filter(|digits| digits.len() == 64).ok_or(TokenHashError(()))?;
        let mut bytes = [0; 32];
        const_hex::decode_to_slice(digits, &mut bytes).map_err(|_| TokenHashError(()))?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", const_hex::encode(self.0))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn a_token_that_was_mistyped_or_cut_is_told_apart() {
        let made = NewSecret::generate("ci").unwrap();
        let text = made.text.expose_secret();
        assert_eq!(id_of(text), Some("ci"));
        assert_eq!(text.len(), PREFIX.len() + "ci_".len() + 72);
        for cut in 0..text.len() {
            assert_eq!(id_of(&text[..cut]), None, "cut at {cut}");
        }
        for (at, _) in text.char_indices() {
            let mut other = text.as_bytes().to_vec();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(id_of(std::str::from_utf8(&other).unwrap()), None, "typed wrong at {at}");
        }
    }

    #[test]
    fn two_tokens_are_never_the_same() {
        let (one, other) = (NewSecret::generate("ci").unwrap(), NewSecret::generate("ci").unwrap());
        assert_ne!(one.text.expose_secret(), other.text.expose_secret());
        assert_ne!(one.hash, other.hash);
    }

    #[test]
    fn a_hash_is_what_sha256sum_says() {
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(TokenHash::of("abc").to_string(), text);
        assert_eq!(text.parse(), Ok(TokenHash::of("abc")));
        for wrong in [
            "",
            "sha256:",
            &text[7..],
            &text[..70],
            "sha256:0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015",
        ] {
            assert!(wrong.parse::<TokenHash>().is_err(), "{wrong}");
        }
        assert!(!format!("{:?}", TokenHash::of("abc")).contains("ba78"));
    }
}
