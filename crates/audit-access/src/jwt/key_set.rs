use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use audit_model::Value;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
};

use crate::Algorithm;

/// The public keys of an identity provider: a JWK Set (RFC 7517 §5).
///
/// Keys of RSA (2048 to 8192 bits), P-256, P-384 and Ed25519 are used. Others in the set are passed over, among them symmetric ones (`oct`), those for
/// encryption, and those without all they need.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// The file cannot be read.
    #[error("cannot read the keys in {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is no JWK Set.
    #[error(
        "it is no set of keys: {problem}; expected a JSON object with `keys`, as an identity provider has it at its jwks_uri"
    )]
    Broken {
        /// What was found.
        problem: String,
    },
    /// There is no key in it that a token's signature could be checked with.
    #[error(
        "none of its {found} keys can be used; expected a public key of RSA (2048 bits or more), P-256, P-384 or Ed25519 for signatures"
    )]
    Unusable {
        /// How many keys there are.
        found: usize,
    },
}

/// The largest set, in bytes.
pub(crate) const MAX_SET: usize = 512 << 10;

const MAX_KEYS: usize = 100;

#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    /// The only one that it may be used with, if the provider says so.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl KeySet {
    /// Reads a JWK Set.
    ///
    /// # Errors
    /// When the text is none, is larger than 512 KiB, has more than 100 keys, or none that can be used.
    pub fn parse(text: &[u8]) -> Result<Self, KeySetError> {
        let broken = |problem: String| KeySetError::Broken { problem };
        if text.len() > MAX_SET {
            return Err(broken("it is larger than 512 KiB".to_owned()));
        }
        let set = audit_model::parse_json(text).map_err(|error| broken(error.to_string()))?;
        let found = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or_else(|| broken("there is no array `keys`".to_owned()))?;
        if found.len() > MAX_KEYS {
            return Err(broken(format!("it has {} keys, and no more than {MAX_KEYS} are read", found.len())));
        }
        let keys: Vec<_> = found.iter().filter_map(Key::read).collect();
        if keys.is_empty() {
            return Err(KeySetError::Unusable { found: found.len() });
        }
        Ok(Self { keys })
    }

    /// Reads a file with a JWK Set.
    ///
    /// # Errors
    /// As [`KeySet::parse`], and when the file cannot be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeySetError> {
        let path = path.as_ref();
        let mut text = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_SET as u64 + 1).read_to_end(&mut text))
            .map_err(|source| KeySetError::Io { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// How many keys there are that can be used.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key that a token says it was signed with, or the only one that it can have been signed with.
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let mut fitting = self.keys.iter().filter(|key| {
            key.material.is_for(algorithm) && key.algorithm.is_none_or(|only| only == algorithm)
        });
        match id {
            Some(id) => fitting.find(|key| key.id.as_deref() == Some(id)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
    }

    /// Whether the signature is that of the key for the message; nothing when there is no such key.
    pub(crate) fn verify(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        self.find(id, algorithm).map(|key| key.material.verifies(algorithm, message, signature))
    }
}

impl Key {
    fn read(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name| URL_SAFE_NO_PAD.decode(text(name)?).ok().filter(|bytes| bytes.len() <= 1024);
        // RFC 7517 §4.2, §4.3
        if text("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        if let Some(operations) = jwk.get("key_ops").and_then(Value::as_array)
            && !operations.iter().any(|operation| operation == "verify")
        {
            return None;
        }
        let point = |length: usize| {
            let (x, y) = (bytes("x")?, bytes("y")?);
            // SEC 1 §2.3.3: a point that is not compressed.
            (x.len() == length && y.len() == length).then(|| [&[4], &x[..], &y[..]].concat())
        };
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => Material::Rsa { n: bytes("n")?, e: bytes("e")? },
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x").filter(|x| x.len() == 32)?),
            _ => return None,
        };
        let algorithm = match jwk.get("alg") {
            None => None,
            // Of an algorithm that is not let in: the key is of no use either.
            Some(name) => Some(name.as_str()?.parse().ok()?),
        };
        let id = text("kid").map(str::to_owned);
        Some(Self { id, algorithm, material })
    }
}

impl Material {
    /// A key is good for the algorithms of its kind only, whatever the token says (RFC 8725 §3.1).
    fn is_for(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        matches!(
            (self, algorithm),
            (Self::Rsa { .. }, Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512)
                | (Self::P256(_), Es256)
                | (Self::P384(_), Es384)
                | (Self::Ed25519(_), EdDsa)
        )
    }

    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::Rsa { n, e }, _) => {
                let parameters = match algorithm {
                    Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
                    Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
                    Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
                    _ => return false,
                };
                // RFC 7518 §6.3.1.1 forbids leading zeros, which some providers write all the same, and ring refuses.
                let without_zeros = |bytes: &'_ [u8]| {
                    bytes.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>()
                };
                let key = RsaPublicKeyComponents { n: without_zeros(n), e: without_zeros(e) };
                key.verify(parameters, message, signature).is_ok()
            }
            (Self::P256(point), Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            (Self::P384(point), Algorithm::Es384) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(message, signature).is_ok()
            }
            (Self::Ed25519(point), Algorithm::EdDsa) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature).is_ok()
            }
            _ => false,
        }
    }
}
