//! What callers and the writer share.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use audit_integrity::EventDigest;
use audit_journal::JournalError;
use audit_model::{CanonicalError, Event};

use crate::committer::Committer;
#[cfg(feature = "delivery")]
use crate::emit::{Emit, EmitState};
use crate::health::Health;
use crate::pipeline::{Notices, Summary};
use crate::queue::{Batch, LastCommit, Queue};
#[cfg(feature = "delivery")]
use crate::queue::{Caller, Refusal};
use crate::settings::Live;
use crate::{EmitError, Options, Receipt, Redaction};

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) live: Arc<Live>,
    pub(crate) queue: Queue,
    pub(crate) committer: Mutex<Option<Committer>>,
    pub(crate) recorded: AtomicU64,
    pub(crate) health: Arc<Health>,
    pub(crate) notices: Notices,
    /// Held by whoever changes what can be changed, and by nobody else.
    pub(crate) changing: Mutex<()>,
    #[cfg(feature = "delivery")]
    pub(crate) followers: Arc<crate::followers::Followers>,
}

thread_local! {
    /// Where a thread encodes its events.
    static ENCODED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Shared {
    /// Selects, redacts and encodes an event, and hands its bytes and hash on. An event that nobody waits for is left to
    /// the writer for hashing while that one sleeps: so the two share the work evenly, whoever is the slower.
    pub(crate) fn prepare(
        &self,
        event: &Event,
        waits: bool,
        then: impl FnOnce(&[u8], Option<EventDigest>) -> Result<Receipt, EmitError>,
    ) -> Result<Receipt, EmitError> {
        if event.event_type.is_reserved() {
            return Err(EmitError::Reserved(event.event_type.clone()));
        }
        let settings = self.live.now();
        if !settings.selections.iter().all(|selection| selection.selects(event)) {
            return Ok(Receipt::NotSelected);
        }
        // Taken out, not borrowed: a waker that `then` wakes may emit an event, too.
        let mut buffer = ENCODED.take();
        buffer.clear();
        encode(event, &settings.redaction, &mut buffer)?;
        // What follows may wait for long.
        drop(settings);
        let hashes = self.options.signer.is_some() && (waits || !self.queue.is_writer_idle());
        let digest = hashes.then(|| EventDigest::of(&buffer));
        let answer = then(&buffer, digest);
        // One huge event does not keep its memory in every thread.
        buffer.clear();
        buffer.shrink_to(64 << 10);
        ENCODED.set(buffer);
        answer
    }

    /// As [`Pipeline::emit`], for the log's own parts: whatever is selected, reserved or redacted.
    #[cfg(feature = "delivery")]
    pub(crate) fn record(this: &Arc<Self>, event: &Event) -> Result<Emit, EmitError> {
        let bytes = event.to_canonical_json()?;
        let digest = this.options.signer.is_some().then(|| EventDigest::of(&bytes));
        let state = match this.queue.push(&bytes, digest, Caller::Log, true) {
            Ok(ticket) => EmitState::InLine(ticket),
            Err(Refusal::Full { .. }) => EmitState::NoRoom(bytes, digest),
            Err(Refusal::Closed) => return Err(EmitError::Closed),
        };
        Ok(Emit { shared: Arc::clone(this), caller: Caller::Log, state })
    }

    /// The same for one that nobody waits for; false when there is no room, or the log is closed.
    #[cfg(feature = "delivery")]
    pub(crate) fn put(&self, event: &Event) -> bool {
        let Ok(bytes) = event.to_canonical_json() else { return false };
        let digest = self.options.signer.is_some().then(|| EventDigest::of(&bytes));
        self.queue.push(&bytes, digest, Caller::LogGoesOn, true).is_ok()
    }

    /// The same, waiting on this thread.
    #[cfg(feature = "delivery")]
    pub(crate) fn record_blocking(&self, event: &Event) -> Result<Receipt, EmitError> {
        let bytes = event.to_canonical_json()?;
        let digest = self.options.signer.is_some().then(|| EventDigest::of(&bytes));
        loop {
            match self.queue.push(&bytes, digest, Caller::Log, true) {
                Ok(ticket) => return ticket.wait(),
                Err(Refusal::Full { .. }) => self.queue.block_for_room(bytes.len(), true),
                Err(Refusal::Closed) => return Err(EmitError::Closed),
            }
        }
    }

    fn lock_committer(&self) -> MutexGuard<'_, Option<Committer>> {
        self.committer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The committer, if nobody is using it, and the last commit was for one caller: several are better joined.
    pub(crate) fn idle_committer(&self) -> Option<MutexGuard<'_, Option<Committer>>> {
        let guard = self.committer.try_lock().ok()?;
        guard.as_ref().is_some_and(|committer| committer.last_commit().callers <= 1).then_some(guard)
    }

    /// The writer's thread.
    pub(crate) fn write(&self) -> Result<Summary, JournalError> {
        let mut last = LastCommit::default();
        while self.queue.wait_for_work(last) {
            last = self.commit(&mut self.lock_committer());
        }
        let committer = self.lock_committer().take();
        committer.ok_or_else(|| self.panicked())?.close(self)
    }

    /// Commits what has gathered.
    pub(crate) fn commit(&self, slot: &mut Option<Committer>) -> LastCommit {
        let commit = |committer: &mut Committer| {
            committer.commit(self);
            committer.last_commit()
        };
        let committed = slot.as_mut().map(|committer| catch_unwind(AssertUnwindSafe(|| commit(committer))));
        if let Some(Ok(last)) = committed {
            return last;
        }
        // Nobody knows what is in the file now. The next opening finds out; until then nothing is taken and nobody waits.
        *slot = None;
        self.queue.close();
        drop(self.queue.take(Batch::default()));
        LastCommit::default()
    }

    pub(crate) fn panicked(&self) -> JournalError {
        let source = std::io::Error::other("a panic ended it; open it again to go on");
        JournalError::Io {
            what: "the log was not closed in an orderly way",
            path: self.options.path.clone(),
            source,
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("options", &self.options)
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}

fn encode(event: &Event, redaction: &Redaction, buffer: &mut Vec<u8>) -> Result<(), CanonicalError> {
    if redaction.concerns(event) {
        let mut redacted = event.clone();
        redaction.apply(&mut redacted);
        return redacted.write_canonical_json(buffer);
    }
    event.write_canonical_json(buffer)
}
