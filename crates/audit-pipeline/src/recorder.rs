use std::fmt;
use std::sync::{Arc, OnceLock, TryLockError, Weak};

use audit_model::{Event, Timestamp};

use crate::pipeline::note;
use crate::shared::Shared;
use crate::{Deletion, DeletionError, Emit, EmitError, Receipt};

/// A way for a part of the log, a destination that watches it say, to put records of its own into it.
///
/// It is had from [`Options::recorder`](crate::Options::recorder) before the pipeline is started, or from
/// [`Pipeline::recorder`](crate::Pipeline::recorder), and does not keep the pipeline open. Its events are neither selected nor redacted, and may be of the types that are reserved for the log.
#[derive(Clone, Default)]
pub struct Recorder {
    shared: Arc<OnceLock<Weak<Shared>>>,
}

impl Recorder {
    pub(crate) fn started(&self, shared: &Arc<Shared>) {
        let _ = self.shared.set(Arc::downgrade(shared));
    }

    /// Begins to record an event, which is durable when the answer is there, whatever the log's durability. It is on its
    /// way even if nobody asks for the answer, unless there was no room in memory: then it is when the answer is asked for.
    ///
    /// # Errors
    /// [`EmitError::Closed`] while the pipeline is not open; [`EmitError::Event`] when the event has no canonical text.
    pub fn record(&self, event: &Event) -> Result<Emit, EmitError> {
        Shared::record(&self.open()?, event)
    }

    /// The last record that those who follow the log can read; 0 while the pipeline is not open.
    #[must_use]
    pub fn durable(&self) -> u64 {
        let Ok(shared) = self.open() else { return 0 };
        shared.followers.delivery().map_or(0, audit_delivery::Delivery::durable)
    }

    /// Up to which record a destination of the log has all; 0 while the pipeline is not open.
    #[must_use]
    pub fn acknowledged_by(&self, destination: &str) -> u64 {
        let Ok(shared) = self.open() else { return 0 };
        shared.followers.delivery().and_then(|delivery| delivery.acknowledged_by(destination)).unwrap_or(0)
    }

    /// The number of the log's last record, if all is in it that was accepted so far; `None` while something is on its way,
    /// and when the pipeline is not open.
    #[must_use]
    pub fn flushed(&self) -> Option<u64> {
        let shared = self.open().ok()?;
        // Not waited for: the one who writes may wait for room on the disk.
        let committer = match shared.committer.try_lock() {
            Ok(committer) => committer,
            Err(TryLockError::Poisoned(committer)) => committer.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let last = committer.as_ref()?.last_sequence();
        shared.queue.is_empty().then_some(last)
    }

    /// Deletes a rotated file by policy: puts that on record, waits until the record is durable, and deletes it then. It
    /// blocks for as long as the disk takes, and reads the file to its end. Before it is put on record, and once more before
    /// it is deleted, it is asked whether that `may` be: what is held meanwhile stays.
    ///
    /// # Errors
    /// When the file cannot be read or deleted, the deletion cannot be put on record, or it may not be: then it is not
    /// deleted. One that is on record and failed is on record as that, too.
    pub fn delete(&self, deletion: &Deletion<'_>, may: &dyn Fn() -> bool) -> Result<(), DeletionError> {
        let path = || deletion.segment.path.clone();
        let event = deletion.record(Timestamp::now()).map_err(|source| DeletionError::File {
            what: "cannot read",
            path: path(),
            source,
        })?;
        if !may() {
            return Err(DeletionError::Forbidden(path()));
        }
        let _recorded = self.record_blocking(&event)?;
        let deleted = match may() {
            true => deletion.segment.delete().map_err(|source| DeletionError::File {
                what: "cannot delete",
                path: path(),
                source,
            }),
            false => Err(DeletionError::Forbidden(path())),
        };
        if let Err(error) = &deleted {
            let _recorded = self.record_blocking(&deletion.failed(Timestamp::now(), &error.to_string()))?;
        }
        deleted
    }

    /// As [`record`](Self::record), and waits until it is durable.
    ///
    /// # Errors
    /// As [`record`](Self::record), and when it cannot be written.
    pub fn record_blocking(&self, event: &Event) -> Result<Receipt, EmitError> {
        self.open()?.record_blocking(event)
    }

    /// Up to which record every destination has all that is kept for it, whatever room there is; `u64::MAX` where there is
    /// none. 0 while the pipeline is not open.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        let Ok(shared) = self.open() else { return 0 };
        let delivery = shared.followers.delivery();
        delivery.map_or(u64::MAX, audit_delivery::Delivery::acknowledged_by_others)
    }

    /// Closes the log's file, if it has records, and goes on in a new one: a log that is quiet finds out late that its file is
    /// older than [`Rotation::max_age`](audit_journal::Rotation::max_age).
    ///
    /// # Errors
    /// [`EmitError::Closed`] while the pipeline is not open; [`EmitError::Journal`] when the file cannot be rotated.
    pub fn rotate(&self) -> Result<(), EmitError> {
        let shared = self.open()?;
        let mut committer = shared.committer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let rotated = committer.as_mut().ok_or(EmitError::Closed)?.rotate();
        rotated.map_err(|error| EmitError::Journal(Arc::new(error)))
    }

    /// Tells something that somebody should know, as a sentence; see [`Pipeline::take_notices`](crate::Pipeline::take_notices).
    /// Nobody hears it while the pipeline is not open.
    pub fn notice(&self, sentence: String) {
        if let Ok(shared) = self.open() {
            note(&shared.notices, sentence);
        }
    }

    /// Puts an event on its way, if there is room for it in memory, and says whether it is. It is held while the disk fails.
    pub(crate) fn put(&self, event: &Event) -> bool {
        self.open().is_ok_and(|shared| shared.put(event))
    }

    fn open(&self) -> Result<Arc<Shared>, EmitError> {
        self.shared.get().and_then(Weak::upgrade).ok_or(EmitError::Closed)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("open", &self.open().is_ok()).finish()
    }
}
