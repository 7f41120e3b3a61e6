use std::path::{Path, PathBuf};

use audit_integrity::{ChainId, Key, Signer};
use audit_journal::Rotation;

use crate::settings::Settings;
use crate::{Pipeline, Redaction, Selection, StartError};

/// What a receipt promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The record is on disk: it survives a power loss.
    #[default]
    Fsync,
    /// The record is with the operating system: it survives the end of this process.
    Os,
    /// The record is in this process's memory.
    None,
}

/// What happens to events when the log can take no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFailure {
    /// Callers wait until it can.
    Block,
    /// Callers get an error, and can refuse the operation that they wanted to record.
    #[default]
    Reject,
    /// Callers go on; what is dropped is counted, and recorded when it can be.
    Permit,
}

/// How a pipeline is set up. The default is durable, unsealed, unrotated.
#[derive(Debug)]
#[non_exhaustive]
pub struct Options {
    pub(crate) path: PathBuf,
    pub(crate) signer: Option<Signer>,
    pub(crate) previous_keys: Vec<Key>,
    pub(crate) chain_id: Option<ChainId>,
    pub(crate) rotation: Rotation,
    pub(crate) durability: Durability,
    pub(crate) buffer_bytes: usize,
    pub(crate) settings: Settings,
    #[cfg(feature = "delivery")]
    pub(crate) delivery: crate::followers::DeliveryOptions,
}

impl Options {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            signer: None,
            previous_keys: Vec::new(),
            chain_id: None,
            rotation: Rotation::never(),
            durability: Durability::default(),
            buffer_bytes: 8 << 20,
            settings: Settings::default(),
            #[cfg(feature = "delivery")]
            delivery: crate::followers::DeliveryOptions::default(),
        }
    }

    /// Seals every record into a chain signed with this key.
    #[must_use]
    pub fn signing_key(mut self, key: Key) -> Self {
        self.signer = Some(Signer::Hmac(key));
        self
    }

    /// Adds a key that the log was signed with earlier, so that its end can be checked when it is opened.
    #[must_use]
    pub fn previous_key(mut self, key: Key) -> Self {
        self.previous_keys.push(key);
        self
    }

    /// Seals every record into a chain without a key, unless there is one.
    #[must_use]
    pub fn chain(mut self) -> Self {
        self.signer.get_or_insert(Signer::Digest);
        self
    }

    /// Names a new chain; without it, a name is made up, and a chain that is there goes on under its own. With a name
    /// that is not its own [`start`](Self::start) fails: [`StartError::OtherChain`].
    #[must_use]
    pub fn chain_id(mut self, id: ChainId) -> Self {
        self.chain_id = Some(id);
        self
    }

    /// Sets when the file is rotated.
    #[must_use]
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }

    /// Sets what a receipt promises.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets what happens to events when the log can take no more.
    #[must_use]
    pub fn on_failure(mut self, policy: OnFailure) -> Self {
        self.settings.on_failure = policy;
        self
    }

    /// Records only events that this selects, and every other selection given before.
    #[must_use]
    pub fn select(mut self, selection: Selection) -> Self {
        self.settings.selections.push(selection);
        self
    }

    /// Sets what is taken out of events before they are recorded.
    #[must_use]
    pub fn redact(mut self, redaction: Redaction) -> Self {
        self.settings.redaction = redaction;
        self
    }

    /// Sets how many bytes of events may wait in memory, while as many again are being written; 8 MiB, if this is not
    /// called.
    #[must_use]
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.buffer_bytes = bytes;
        self
    }

    /// Delivers records to a destination, too.
    #[cfg(feature = "delivery")]
    #[must_use]
    pub fn deliver_to(self, destination: audit_delivery::Destination) -> Self {
        self.delivery
            .destinations
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(destination);
        self
    }

    /// Sets where it is noted how far each destination is, and where dead letters are kept: a directory for this log
    /// alone. `.NAME.delivery` beside the log, if this is not called.
    #[cfg(feature = "delivery")]
    #[must_use]
    pub fn state_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.delivery.directory = Some(directory.into());
        self
    }

    /// Sets how long closing the log waits for its destinations; ten seconds, if this is not called.
    #[cfg(feature = "delivery")]
    #[must_use]
    pub fn drain_timeout(mut self, patience: std::time::Duration) -> Self {
        self.settings.drain = patience;
        self
    }

    /// Sets how long a caller waits for the required destinations before [`OnFailure::Reject`] tells it that they have
    /// not confirmed, or [`OnFailure::Permit`] lets it go on; ten seconds, if this is not called.
    #[cfg(feature = "delivery")]
    #[must_use]
    pub fn required_timeout(mut self, patience: std::time::Duration) -> Self {
        self.settings.patience = patience;
        self
    }

    /// Sets how many bytes of the log's files may wait for destinations before the log takes no more; without end, if
    /// this is not called.
    #[cfg(feature = "delivery")]
    #[must_use]
    pub fn max_spool_bytes(mut self, bytes: u64) -> Self {
        self.settings.max_spool_bytes = Some(bytes);
        self
    }

    /// A way for a destination to put records of its own into this log, once it is started.
    #[cfg(feature = "delivery")]
    #[must_use]
    pub fn recorder(&self) -> crate::Recorder {
        self.delivery.recorder.clone()
    }

    /// Has this called when the pipeline is to be closed, before it takes no more events: for a destination that records
    /// what it finds, and wants to be done first. It runs on the thread of whoever closes, who waits for it.
    #[cfg(feature = "delivery")]
    #[must_use]
    pub fn before_close(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.settings.before_close.push(crate::settings::Hook(std::sync::Arc::new(hook)));
        self
    }

    /// Has this work be done beside the log, on a thread of its own, from when it is open until it is closed: for what goes by
    /// the clock, as retention does.
    #[cfg(feature = "delivery")]
    #[must_use]
    pub fn worker(self, name: &str, body: impl FnOnce(&crate::Worker) + Send + 'static) -> Self {
        let work = crate::worker::Work::new(name, body);
        self.delivery.work.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(work);
        self
    }

    /// Opens the log, records `audit.started`, and begins to take events.
    ///
    /// # Errors
    /// [`StartError::Journal`] when another writer has the log, or it cannot be opened or written.
    ///
    /// When what is there cannot be gone on with: [`StartError::OtherChain`] when it is another chain than
    /// [`chain_id`](Self::chain_id) says; [`StartError::Sealed`] when its last record is sealed, and this would not seal;
    /// [`StartError::Unsealed`] when its rotated files hold events without a seal, and this would seal;
    /// [`StartError::OtherSealing`] when one of the two signs, and the other seals without a key.
    ///
    /// `StartError::Delivery` when destinations, or the directory for their state, cannot be used (feature `delivery`);
    /// [`StartError::Thread`] when a thread cannot be started.
    pub fn start(self) -> Result<Pipeline, StartError> {
        Pipeline::start(self)
    }
}
