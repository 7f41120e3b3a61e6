use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How records are sealed; without it they are bare events.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Integrity {
    /// Signatures with a key.
    pub signing: Option<Signing>,
    /// Each record sealed over the one before.
    pub chain: Option<Chain>,
}

/// Signatures with a key that only the writer and the verifier have.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Signing {
    /// Whether to sign.
    pub enabled: bool,
    /// With what.
    pub algorithm: Algorithm,
    /// The environment variable that holds the key.
    pub key_env_var: Option<String>,
    /// The file that holds the key.
    pub key_file: Option<PathBuf>,
    /// Keys that older records were signed with.
    pub previous_keys: Vec<KeySource>,
}

/// Where one key is: a variable or a file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct KeySource {
    /// The environment variable that holds the key.
    pub key_env_var: Option<String>,
    /// The file that holds the key.
    pub key_file: Option<PathBuf>,
}

/// How records are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC over SHA-256, the only one.
    #[default]
    #[serde(rename = "HMAC-SHA256")]
    HmacSha256,
}

/// Each record sealed over the one before.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Chain {
    /// Whether to chain; what is signed always is.
    pub enabled: bool,
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            enabled: true,
            algorithm: Algorithm::default(),
            key_env_var: None,
            key_file: None,
            previous_keys: Vec::new(),
        }
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Integrity {
    /// Whether records are signed with a key.
    #[must_use]
    pub fn signs(&self) -> bool {
        self.signing.as_ref().is_some_and(|signing| signing.enabled)
    }

    /// Whether each record is sealed over the one before.
    #[must_use]
    pub fn chains(&self) -> bool {
        self.chain.as_ref().map_or(self.signs(), |chain| chain.enabled)
    }

    pub(crate) fn settle(&mut self) {
        if self.chain.is_none() {
            self.chain = Some(Chain { enabled: self.signs() });
        }
    }
}
