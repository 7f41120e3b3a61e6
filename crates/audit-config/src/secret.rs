use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// What a secret looks like wherever a configuration is shown.
pub const MASK: &str = "******";

/// A [`SecretString`] that is written out as [`MASK`].
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(from = "String")]
pub struct Secret(#[schemars(with = "String")] SecretString);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Secret> for SecretString {
    fn from(secret: Secret) -> Self {
        secret.0
    }
}

impl ExposeSecret<str> for Secret {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if TELLS_APART.get() {
            return to
                .collect_str(&format_args!("{FINGERPRINT}{:016x}", KEYED.hash_one(self.expose_secret())));
        }
        to.serialize_str(MASK)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// No YAML holds this character.
const FINGERPRINT: &str = "\0secret ";

thread_local! {
    static TELLS_APART: Cell<bool> = const { Cell::new(false) };
}

/// Random in each process, so that a fingerprint says nothing outside of it.
static KEYED: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Has secrets be written, within `write`, as what tells one from another and says nothing else.
pub(crate) fn fingerprinted<T>(write: impl FnOnce() -> T) -> T {
    struct Until;
    impl Drop for Until {
        fn drop(&mut self) {
            TELLS_APART.set(false);
        }
    }
    let _until = Until;
    TELLS_APART.set(true);
    write()
}

pub(crate) fn is_fingerprint(text: &str) -> bool {
    text.starts_with(FINGERPRINT)
}
