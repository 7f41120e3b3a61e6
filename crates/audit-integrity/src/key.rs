use std::fmt;
use std::sync::Arc;

use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::chain::is_plain_name;

/// A key that signs, ready for use: the key's own bytes are not kept.
#[derive(Clone)]
pub struct Key {
    // The hash state after the padded key: HMAC's set-up costs two compressions, once.
    keyed: Hmac<Sha256>,
    id: KeyId,
}

/// A text that cannot be a key. It never shows the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// RFC 2104 §3 discourages keys shorter than the hash's output.
    #[error(
        "the signing key has {0} bytes; expected at least {MIN_LENGTH} (make one with `audit-log keygen`)"
    )]
    TooShort(usize),
    /// The digits after `base64:` or `hex:` are not that.
    #[error("the signing key begins with `{0}` and what follows is not that encoding")]
    Encoding(&'static str),
}

const MIN_LENGTH: usize = 32;

/// The label that the key id is derived under.
const KEY_ID_LABEL: &[u8] = b"audit-log/v1 key id";

impl Key {
    /// Reads a key: the text's bytes as they stand, or decoded when it begins with `base64:` or
    /// `hex:`. One newline at the end, as editors leave in a file, is dropped.
    ///
    /// # Errors
    /// When it decodes to fewer than 32 bytes, or not at all.
    pub fn from_text(text: &SecretString) -> Result<Self, KeyError> {
        let text = text.expose_secret();
        let text = text.strip_suffix('\n').unwrap_or(text);
        let decoded = if let Some(digits) = text.strip_prefix("base64:") {
            BASE64.decode(digits.trim().as_bytes()).map_err(|_| KeyError::Encoding("base64:"))?
        } else if let Some(digits) = text.strip_prefix("hex:") {
            HEXLOWER_PERMISSIVE.decode(digits.trim().as_bytes()).map_err(|_| KeyError::Encoding("hex:"))?
        } else {
            text.as_bytes().to_vec()
        };
        Self::from_bytes(&Zeroizing::new(decoded))
    }

    /// Takes a key's bytes.
    ///
    /// # Errors
    /// When there are fewer than 32.
    pub fn from_bytes(key: &[u8]) -> Result<Self, KeyError> {
        if key.len() < MIN_LENGTH {
            return Err(KeyError::TooShort(key.len()));
        }
        let keyed = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        let id = authenticate(&keyed, KEY_ID_LABEL);
        Ok(Self { id: KeyId(HEXLOWER.encode(&id[..8]).into()), keyed })
    }

    /// The text form of a key, as `audit-log keygen` prints it.
    #[must_use]
    pub fn to_text(key: &[u8; 32]) -> SecretString {
        format!("base64:{}", BASE64.encode(key)).into()
    }

    /// The key's name in the records that it signed: the first 16 hexadecimal digits of an HMAC
    /// under it, so that it tells which key is needed and nothing about it.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// HMAC-SHA256 (RFC 2104) of `message`.
    #[must_use]
    pub fn authenticate(&self, message: &[u8]) -> [u8; 32] {
        authenticate(&self.keyed, message)
    }

    /// Whether `code` is the HMAC-SHA256 of `message`, compared in constant time.
    #[must_use]
    pub fn is_authentic(&self, message: &[u8], code: &[u8]) -> bool {
        let mut mac = self.keyed.clone();
        mac.update(message);
        mac.verify_slice(code).is_ok()
    }
}

fn authenticate(keyed: &Hmac<Sha256>, message: &[u8]) -> [u8; 32] {
    let mut mac = keyed.clone();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The name of a key in the records that it signed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// The id as it stands in the record.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        is_plain_name(text).then(|| Self(text.into()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// The keys that records may have been signed with: the present one and earlier ones.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: Vec<Key>,
}

impl KeyRing {
    /// A ring without a key: it verifies chains that were not signed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key.
    pub fn add(&mut self, key: Key) {
        self.keys.push(key);
    }

    /// The key of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id.as_str() == id)
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// All keys, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }
}

impl FromIterator<Key> for KeyRing {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        Self { keys: keys.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Result<String, KeyError> {
        Key::from_text(&text.into()).map(|key| key.id().to_string())
    }

    #[test]
    fn one_key_in_all_its_spellings() {
        let plain = id("0123456789abcdef0123456789abcdef");
        assert!(plain.is_ok());
        assert_eq!(plain, id("0123456789abcdef0123456789abcdef\n"));
        assert_eq!(plain, id("base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\r\n"));
        assert_eq!(plain, id("hex:3031323334353637383961626364656630313233343536373839616263646566"));
        assert_ne!(plain, id("0123456789abcdef0123456789abcdeF"));
        // docs/formats.md: only a newline is dropped, and only one.
        assert_ne!(plain, id("0123456789abcdef0123456789abcdef\r\n"));
    }

    #[test]
    fn a_code_is_authentic_for_its_message_only() {
        let key = Key::from_text(&"0123456789abcdef0123456789abcdef".into()).unwrap();
        let code = key.authenticate(b"a message");
        assert!(key.is_authentic(b"a message", &code));
        assert!(!key.is_authentic(b"another", &code));
        assert!(!key.is_authentic(b"a message", &code[..31]) && !key.is_authentic(b"a message", b""));
    }

    #[test]
    fn weak_and_broken_keys_are_refused_without_showing_them() {
        assert_eq!(id("hunter2"), Err(KeyError::TooShort(7)));
        assert_eq!(id("hex:zz"), Err(KeyError::Encoding("hex:")));
        let shown = format!("{:?}", Key::from_text(&"0123456789abcdef0123456789abcdef".into()).unwrap());
        assert!(!shown.contains("0123456789abcdef0123"), "{shown}");
    }
}
