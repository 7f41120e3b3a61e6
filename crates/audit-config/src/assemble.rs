//! From a checked configuration to a pipeline.

use std::path::{Path, PathBuf};

use audit_integrity::{Key, KeyError, KeyRing};
use audit_pipeline::{Options, Pipeline, Redaction, RedactionError, RedactionMethod, Selection};
use secrecy::SecretString;

use crate::{
    Config, DestinationKind, Durability, Environment, FileDestination, OnFailure, RedactAction, Rotation,
};

/// Why a checked configuration cannot be run here and now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssembleError {
    /// There is no file to write to.
    #[error("the configuration has no `file` destination, the one kind that this program can run")]
    NoFile,
    /// The variable that should hold a key is not set.
    #[error(
        "{path}: the environment variable {variable} is not set; put a key there (`audit-log keygen` makes one)"
    )]
    NoVariable {
        /// The configuration's key.
        path: String,
        /// The variable.
        variable: String,
    },
    /// The file that should hold a key cannot be read.
    #[error("{path}: cannot read {}: {source} (`audit-log keygen` makes a key)", file.display())]
    Unreadable {
        /// The configuration's key.
        path: String,
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is there is no key.
    #[error("{path}: {source}")]
    Key {
        /// The configuration's key.
        path: String,
        /// Why not.
        source: KeyError,
    },
    /// A chain id of the wrong form.
    #[error("enterprise.audit.chain_id: {0}")]
    ChainId(#[from] audit_integrity::ChainIdError),
    /// A path that cannot be redacted.
    #[error("enterprise.audit.redact: {0}")]
    Redaction(#[from] RedactionError),
}

/// The keys that a configuration names.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SigningKeys {
    /// The one that signs.
    pub present: Key,
    /// Those that signed before.
    pub previous: Vec<Key>,
}

impl SigningKeys {
    /// All of them, for verifying.
    #[must_use]
    pub fn ring(&self) -> KeyRing {
        std::iter::once(&self.present).chain(&self.previous).cloned().collect()
    }
}

impl Config {
    /// The file that is the journal: that of the one `file` destination.
    #[must_use]
    pub fn journal(&self) -> Option<&FileDestination> {
        self.destinations.iter().find_map(|destination| match &destination.kind {
            DestinationKind::File(file) => Some(file),
            _ => None,
        })
    }

    /// The keys that records are and were signed with; `None` where nothing is signed.
    ///
    /// # Errors
    /// When a variable or file is not there, or holds no key.
    pub fn signing_keys(&self, environment: Environment<'_>) -> Result<Option<SigningKeys>, AssembleError> {
        const AT: &str = "enterprise.audit.integrity.signing";
        let Some(signing) = self.integrity.signing.as_ref().filter(|signing| signing.enabled) else {
            return Ok(None);
        };
        let read = |at: &str, variable: &Option<String>, file: &Option<PathBuf>| {
            read_key(at, variable.as_deref(), file.as_deref(), environment)
        };
        let previous = signing.previous_keys.iter().enumerate();
        Ok(Some(SigningKeys {
            present: read(AT, &signing.key_env_var, &signing.key_file)?,
            previous: previous
                .map(|(index, key)| {
                    read(&format!("{AT}.previous_keys[{index}]"), &key.key_env_var, &key.key_file)
                })
                .collect::<Result<_, _>>()?,
        }))
    }

    /// The pipeline that this configuration asks for, ready to start. Keys come from `environment` and from files.
    ///
    /// # Errors
    /// When there is no file to write to, or a key is not where it should be.
    pub fn pipeline(&self, environment: Environment<'_>) -> Result<Options, AssembleError> {
        let file = self.journal().ok_or(AssembleError::NoFile)?;
        let keys = self.signing_keys(environment)?;
        let mut options = Pipeline::options(&file.path)
            .rotation(file.rotation.as_ref().map_or_else(audit_journal::Rotation::never, rotation))
            .durability(match self.durability {
                Durability::Fsync => audit_pipeline::Durability::Fsync,
                Durability::Os => audit_pipeline::Durability::Os,
                Durability::None => audit_pipeline::Durability::None,
            })
            .on_failure(match self.on_failure {
                OnFailure::Block => audit_pipeline::OnFailure::Block,
                OnFailure::Reject => audit_pipeline::OnFailure::Reject,
                OnFailure::Permit => audit_pipeline::OnFailure::Permit,
            })
            .buffer_bytes(self.buffer_mb.get() as usize * MB as usize)
            .redact(self.redaction(keys.as_ref())?)
            .select(
                Selection::default()
                    .events(self.events.clone())
                    .exclude_events(self.exclude_events.clone())
                    .actors(self.actors.clone())
                    .exclude_actors(self.exclude_actors.clone()),
            );
        for destination in &self.destinations {
            let own = Selection::default().events(destination.events.clone());
            options = options.select(own.exclude_events(destination.exclude_events.clone()));
        }
        if let Some(id) = &self.chain_id {
            options = options.chain_id(id.parse()?);
        }
        if let Some(SigningKeys { present, previous }) = keys {
            options = previous.into_iter().fold(options.signing_key(present), Options::previous_key);
        } else if self.integrity.chains() {
            options = options.chain();
        }
        Ok(options)
    }

    fn redaction(&self, keys: Option<&SigningKeys>) -> Result<Redaction, AssembleError> {
        let mut redaction = Redaction::default();
        for rule in &self.redact {
            let method = match (rule.action, keys) {
                (RedactAction::Drop, _) => RedactionMethod::Drop,
                (RedactAction::Hmac, Some(keys)) => RedactionMethod::Hmac(keys.present.clone()),
                // Parsing refuses `hmac` without a key; masking gives nothing away either.
                (RedactAction::Mask | RedactAction::Hmac, _) => RedactionMethod::Mask,
            };
            redaction = redaction.rule(&rule.path, method)?;
        }
        Ok(redaction)
    }
}

const MB: u64 = 1 << 20;

fn rotation(rotation: &Rotation) -> audit_journal::Rotation {
    let mut set = audit_journal::Rotation::never().compress(rotation.compress);
    set.max_size = rotation.max_size_mb.map(|megabytes| u64::from(megabytes.get()) * MB);
    set.max_files = rotation.max_files.map(|files| files.get() as usize);
    set.max_age = rotation.max_age;
    set
}

fn read_key(
    at: &str,
    variable: Option<&str>,
    file: Option<&Path>,
    environment: Environment<'_>,
) -> Result<Key, AssembleError> {
    let (path, text) = match (variable, file) {
        (_, Some(file)) => {
            let path = format!("{at}.key_file");
            match std::fs::read_to_string(file) {
                Ok(text) => (path, text),
                Err(source) => return Err(AssembleError::Unreadable { path, file: file.to_owned(), source }),
            }
        }
        (variable, None) => {
            let (path, variable) = (format!("{at}.key_env_var"), variable.unwrap_or_default());
            match environment(variable) {
                Some(text) => (path, text),
                None => return Err(AssembleError::NoVariable { path, variable: variable.to_owned() }),
            }
        }
    };
    Key::from_text(&SecretString::from(text)).map_err(|source| AssembleError::Key { path, source })
}
