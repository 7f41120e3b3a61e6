//! From a checked configuration to a pipeline.

use std::path::{Path, PathBuf};

use audit_condition::Condition;
use audit_integrity::{Key, KeyError, KeyRing};
use audit_model::Timestamp;
use audit_pipeline::{Options, Pipeline, Redaction, RedactionError, RedactionMethod, Selection};
use secrecy::SecretString;

use crate::content::Content;
use crate::{Built, Config, DestinationKind, Durability, Environment, OnFailure, RedactAction, Rotation};

/// Why a checked configuration cannot be run here and now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssembleError {
    /// There is no place for the journal.
    #[error(
        "no place for the journal, where records wait until destinations have them: set `state_dir`, or one of the \
         environment variables STATE_DIRECTORY, XDG_STATE_HOME and HOME"
    )]
    NoJournal,
    /// What a destination needs is not there, or not what it should be.
    #[error("{path}: {source}")]
    Destination {
        /// The configuration's key.
        path: String,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A kind of destination, or alerts, that this program was built without.
    #[error(
        "{path}: `{kind}` is not built into this program; build with `--features {}`",
        feature_of(kind).unwrap_or(kind)
    )]
    NotBuilt {
        /// The configuration's key.
        path: String,
        /// Its type.
        kind: &'static str,
    },
    /// A file that already has records in another format than those that would be appended.
    #[error("{path}: found {found} records in {}, expected {expected} ones; give it another path", file.display())]
    Content {
        /// The configuration's key.
        path: String,
        /// The file.
        file: PathBuf,
        /// What it holds: `native` or `OCSF`.
        found: String,
        /// What would be appended.
        expected: String,
    },
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
    /// The file that is the journal: that of the first `file` destination that gets every record as it is, or one in
    /// `state_dir`, where records wait until every destination has them. `None` when there is no place for it.
    #[must_use]
    pub fn journal(&self, environment: Environment<'_>) -> Option<JournalFile> {
        let is_only = self.destinations.len() == 1;
        for (index, destination) in self.destinations.iter().enumerate() {
            let gets_all = destination.events.is_empty()
                && destination.exclude_events.is_empty()
                && destination.condition.is_none();
            if let DestinationKind::File(file) = &destination.kind
                && destination.format.is_native()
                && (gets_all || is_only)
            {
                let rotation = file.rotation.as_ref().map_or_else(audit_journal::Rotation::never, rotation);
                return Some(JournalFile { path: file.path.clone(), rotation, destination: Some(index) });
            }
        }
        let in_home = |variable, below: &str| environment(variable).map(|home| Path::new(&home).join(below));
        let directory = self
            .state_dir
            .clone()
            .or_else(|| {
                // systemd joins several with colons.
                environment("STATE_DIRECTORY").map(|all| all.split(':').next().unwrap_or_default().into())
            })
            .or_else(|| in_home("XDG_STATE_HOME", "audit-log"))
            .or_else(|| in_home("HOME", ".local/state/audit-log"))?;
        // What every destination has goes with the next rotation.
        let size = self.max_spool_mb.map_or(SPOOL_SEGMENT, |most| u64::from(most.get()) * MB / 4);
        let rotation = audit_journal::Rotation::never().max_size(size.min(SPOOL_SEGMENT)).max_files(1);
        Some(JournalFile { path: directory.join("journal.log"), rotation, destination: None })
    }

    /// Where it is noted how far each destination is, and where the dead letters are.
    #[must_use]
    pub fn delivery_dir(&self, journal: &JournalFile) -> PathBuf {
        match (&self.state_dir, journal.destination) {
            (Some(directory), _) => directory.clone(),
            (None, None) => journal.path.parent().unwrap_or(Path::new("")).to_owned(),
            (None, Some(_)) => {
                let name = journal.path.file_name().unwrap_or_default().to_string_lossy();
                journal.path.with_file_name(format!(".{name}.delivery"))
            }
        }
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
    /// When there is no file to write to, one has records in another format, or a key is not where it should be.
    pub fn pipeline(&self, environment: Environment<'_>) -> Result<Options, AssembleError> {
        let options = self.pipeline_unkept(environment)?;
        #[cfg(feature = "delivery")]
        if let Some(journal) = self.journal(environment) {
            let keeper = self.keeper_of(&journal);
            return Ok(options.worker("audit-keeper", move |worker| keeper.work(worker)));
        }
        Ok(options)
    }

    /// The same without what `retention` and holds ask for: for whoever sees to that with a [`keeper`](Self::keeper).
    ///
    /// # Errors
    /// As [`pipeline`](Self::pipeline).
    pub fn pipeline_unkept(&self, environment: Environment<'_>) -> Result<Options, AssembleError> {
        let journal = self.journal(environment).ok_or(AssembleError::NoJournal)?;
        let journal_key = match journal.destination {
            Some(index) => format!("{}.path", self.destination_path(index)),
            None => "state_dir".to_owned(),
        };
        self.expect_content(&journal_key, &journal.path, Content::Native)?;
        let keys = self.signing_keys(environment)?;
        let mut options = Pipeline::options(&journal.path)
            .rotation(self.kept_rotation(&journal))
            .durability(match self.durability {
                Durability::Fsync => audit_pipeline::Durability::Fsync,
                Durability::Os => audit_pipeline::Durability::Os,
                Durability::None => audit_pipeline::Durability::None,
            })
            .on_failure(self.failure_policy())
            .buffer_bytes(self.buffer_mb.get() as usize * MB as usize)
            .redact(self.redaction(keys.as_ref())?);
        options = self.selections(&journal).into_iter().fold(options, Options::select);
        #[cfg(feature = "delivery")]
        {
            options = self.deliver(options, &journal)?;
        }
        #[cfg(feature = "alert")]
        if let Some(watching) =
            self.watching(&options.recorder(), &self.delivery_dir(&journal), environment)?
        {
            options = watching.destinations.into_iter().fold(options, Options::deliver_to);
            options = options.before_close(watching.before_close);
        }
        #[cfg(not(feature = "alert"))]
        if !self.alerts.is_empty() {
            return Err(AssembleError::NotBuilt { path: self.origin.full_path("alerts"), kind: "alert" });
        }
        #[cfg(not(feature = "delivery"))]
        if let Some(index) = (0..self.destinations.len()).find(|index| Some(*index) != journal.destination) {
            let kind = self.destinations[index].kind.type_name();
            return Err(AssembleError::NotBuilt { path: self.full_path(index), kind });
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

    pub(crate) fn failure_policy(&self) -> audit_pipeline::OnFailure {
        match self.on_failure {
            OnFailure::Block => audit_pipeline::OnFailure::Block,
            OnFailure::Reject => audit_pipeline::OnFailure::Reject,
            OnFailure::Permit => audit_pipeline::OnFailure::Permit,
        }
    }

    /// What is recorded at all.
    pub(crate) fn selections(&self, journal: &JournalFile) -> Vec<Selection> {
        let all = Selection::default()
            .events(self.events.clone())
            .exclude_events(self.exclude_events.clone())
            .actors(self.actors.clone())
            .exclude_actors(self.exclude_actors.clone());
        let mut selections = vec![selection_where(all, self.condition.as_deref())];
        if let (Some(0), [only]) = (journal.destination, self.destinations.as_slice()) {
            let own =
                Selection::default().events(only.events.clone()).exclude_events(only.exclude_events.clone());
            selections.push(selection_where(own, only.condition.as_deref()));
        }
        selections
    }

    /// Where something keeps the log, that one deletes, by number too.
    fn kept_rotation(&self, journal: &JournalFile) -> audit_journal::Rotation {
        let mut rotation = journal.rotation.clone();
        if cfg!(feature = "delivery") && journal.destination.is_some() {
            rotation.max_files = None;
        }
        rotation
    }

    /// Refuses a file that holds records in another format than `expected`: nobody could read, let alone verify, both as one
    /// log.
    pub(crate) fn expect_content(
        &self,
        key: &str,
        file: &Path,
        expected: Content,
    ) -> Result<(), AssembleError> {
        match Content::of(file) {
            Some(found) if found != expected => Err(AssembleError::Content {
                path: self.origin.full_path(key),
                file: file.to_owned(),
                found: found.to_string(),
                expected: expected.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// A destination's path as it is shown.
    pub(crate) fn full_path(&self, index: usize) -> String {
        self.origin.full_path(&self.destination_path(index))
    }

    pub(crate) fn redaction(&self, keys: Option<&SigningKeys>) -> Result<Redaction, AssembleError> {
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

pub(crate) const MB: u64 = 1 << 20;
const SPOOL_SEGMENT: u64 = 64 * MB;

/// What of a configuration this crate can run, as it was built.
pub const BUILT: Built<'static> = Built {
    parts: &[
        "file",
        #[cfg(feature = "delivery")]
        "delivery",
        #[cfg(feature = "delivery")]
        "lifecycle",
        #[cfg(feature = "delivery")]
        "retention",
        #[cfg(feature = "delivery")]
        "stdout",
        #[cfg(feature = "alert")]
        "alerts",
        #[cfg(feature = "cloudwatch")]
        "cloudwatch",
        #[cfg(feature = "email")]
        "email",
        #[cfg(feature = "kafka")]
        "kafka",
        #[cfg(feature = "pagerduty")]
        "pagerduty",
        #[cfg(feature = "s3")]
        "s3",
        #[cfg(feature = "slack")]
        "slack",
        #[cfg(feature = "syslog")]
        "syslog",
        #[cfg(feature = "webhook")]
        "webhook",
    ],
    feature_of: &feature_of,
};

fn feature_of(part: &str) -> Option<&'static str> {
    match part {
        "file" | "stdout" | "retention" | "lifecycle" => Some("delivery"),
        "alerts" => Some("alert"),
        other => {
            let features = [
                "alert",
                "cloudwatch",
                "delivery",
                "email",
                "kafka",
                "pagerduty",
                "s3",
                "slack",
                "syslog",
                "webhook",
            ];
            features.into_iter().find(|feature| *feature == other)
        }
    }
}

/// The file that is the journal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JournalFile {
    /// Where it is.
    pub path: PathBuf,
    /// When it is rotated.
    pub rotation: audit_journal::Rotation,
    /// Which destination it is; none, when it lives in `state_dir`.
    pub destination: Option<usize>,
}

pub(crate) fn rotation(rotation: &Rotation) -> audit_journal::Rotation {
    let mut set = audit_journal::Rotation::never().compress(rotation.compress);
    set.max_size = rotation.max_size_mb.map(|megabytes| u64::from(megabytes.get()) * MB);
    set.max_files = rotation.max_files.map(|files| files.get() as usize);
    set.max_age = rotation.max_age;
    set
}

/// A selection of events that meet a condition, too. Conditions were read when the configuration was.
fn selection_where(selection: Selection, condition: Option<&str>) -> Selection {
    match condition.and_then(|text| Condition::parse(text).ok()) {
        Some(condition) => selection.only(move |event| condition.matches(event, Timestamp::now())),
        None => selection,
    }
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
