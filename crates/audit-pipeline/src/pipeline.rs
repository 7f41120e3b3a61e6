use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use audit_integrity::{EventDigest, Head};
use audit_journal::{Journal, JournalError};
use audit_model::{CanonicalError, Event, Timestamp};

use crate::committer::Committer;
use crate::completion::Ticket;
use crate::queue::{Batch, Caller, LastCommit, Queue, Refusal};
use crate::resume::{refuse_sealed, resume, sequence_of, time_of};
use crate::{Durability, EmitError, OnFailure, Options, Receipt, StartError, lifecycle};

/// An open audit log: events in, sealed and durable records out.
///
/// Clones share the log. When the last one goes, the log is closed, which may wait for the disk and for destinations
/// (for as long as `Options::drain_timeout` says); [`Pipeline::close`] does that at a chosen moment and says how it went.
#[derive(Clone, Debug)]
pub struct Pipeline {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    writer: Mutex<Option<Writer>>,
}

/// The thread that writes; it says how the log was closed.
type Writer = JoinHandle<Result<Summary, JournalError>>;

/// What callers and the writer share.
pub(crate) struct Shared {
    options: Options,
    pub(crate) queue: Queue,
    pub(crate) committer: Mutex<Option<Committer>>,
    pub(crate) recorded: AtomicU64,
    pub(crate) notices: Notices,
    #[cfg(feature = "delivery")]
    pub(crate) delivery: std::sync::Weak<audit_delivery::Delivery>,
}

/// What somebody should know of the log, in sentences.
pub(crate) type Notices = Arc<Mutex<Vec<String>>>;

/// Adds a sentence; where nobody takes them, the newest of many are left out.
pub(crate) fn note(notices: &Notices, sentence: String) {
    const MOST: usize = 1000;
    let mut notices = notices.lock().unwrap_or_else(PoisonError::into_inner);
    match notices.len() {
        MOST => notices.push("more happened than is told here".to_owned()),
        0..MOST => notices.push(sentence),
        _ => {}
    }
}

/// How a log was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many events were recorded since it was opened, the log's own not counted.
    pub recorded: u64,
    /// How many events [`OnFailure::Permit`](crate::OnFailure::Permit) dropped; `audit.events_lost` records say when.
    pub dropped: u64,
    /// How many events were accepted and could not be recorded in the end, for want of a working disk.
    pub lost: u64,
    /// Where the chain ends, if records are sealed: kept elsewhere, it shows a cut tail.
    pub head: Option<Head>,
    /// Why old segments could not be compressed or looked through for pruning, the last time. The records are safe;
    /// the next opening tries again.
    pub housekeeping_failure: Option<String>,
    /// What destinations still lacked when closing had waited long enough. They get it when the log is opened again.
    #[cfg(feature = "delivery")]
    pub undelivered: Vec<audit_delivery::Undelivered>,
}

thread_local! {
    /// Where a thread encodes its events.
    static ENCODED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Pipeline {
    /// Options for a log at that path, to be changed and [started](Options::start).
    #[must_use]
    pub fn options(path: impl AsRef<Path>) -> Options {
        Options::new(path.as_ref())
    }

    pub(crate) fn start(options: Options) -> Result<Self, StartError> {
        let now = Timestamp::now();
        let mut journal_options = audit_journal::Options::default()
            .rotation(options.rotation.clone())
            .sync(options.durability == Durability::Fsync);
        if options.signer.is_some() {
            journal_options = journal_options.numbered_by(sequence_of);
        }
        if options.rotation != audit_journal::Rotation::never() {
            // Whoever searches for a time can leave out files.
            journal_options = journal_options.times_by(time_of);
        }
        let (mut journal, recovery) = Journal::open(&options.path, journal_options, now)?;
        let notices = Notices::default();
        let (sealer, found) = match &options.signer {
            Some(signer) => {
                let (sealer, found) =
                    resume(&options, signer.clone(), &mut journal, &recovery, &notices, now)?;
                (Some(sealer), found)
            }
            None => {
                refuse_sealed(&options.path, &recovery)?;
                (None, Vec::new())
            }
        };
        let mut committer = Committer::new(journal, sealer, options.on_failure, Arc::clone(&notices));
        committer.notice_recovery(&recovery);
        // Before anything is recorded: whatever is wrong with the destinations, then nothing was begun.
        #[cfg(feature = "delivery")]
        let followers = crate::followers::Followers::start(&options, &committer, &notices)?;
        #[cfg(feature = "delivery")]
        let delivery = followers.as_ref().map(crate::followers::Followers::delivery).unwrap_or_default();
        // And before anything is deleted, which they may lack.
        #[cfg(feature = "delivery")]
        committer.follow(followers);
        let started = lifecycle::started(now, committer.path(), &recovery, options.durability);
        for event in std::iter::once(&started).chain(&found) {
            committer.record(event, now)?;
        }
        committer.record_incidents();
        committer.write_head();
        committer.tell_followers();
        let shared = Arc::new(Shared {
            queue: Queue::new(options.buffer_bytes),
            committer: Mutex::new(Some(committer)),
            recorded: AtomicU64::new(0),
            notices,
            #[cfg(feature = "delivery")]
            delivery,
            options,
        });
        #[cfg(feature = "delivery")]
        shared.options.delivery.recorder.started(&shared);
        let writer = {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name("audit-writer".into());
            thread.spawn(move || shared.write()).map_err(StartError::Thread)?
        };
        let pipeline = Self { inner: Arc::new(Inner { shared, writer: Mutex::new(Some(writer)) }) };
        #[cfg(feature = "delivery")]
        {
            let delivery = &pipeline.inner.shared.options.delivery;
            let work = std::mem::take(&mut *delivery.work.lock().unwrap_or_else(PoisonError::into_inner));
            delivery.workers.start(work, &delivery.recorder).map_err(StartError::Thread)?;
        }
        Ok(pipeline)
    }

    /// Records an event, and waits without blocking the thread until it is as durable as was asked for.
    ///
    /// The event is on its way when this returns; awaiting tells what became of it. A future that is dropped loses
    /// the answer, not the event (unless it was still waiting for room in memory).
    ///
    /// # Errors
    /// When the event cannot be written as JSON, the log cannot take it, or was closed.
    pub fn emit(&self, event: &Event) -> Emit {
        let shared = &self.inner.shared;
        let waits = shared.options.durability != Durability::None;
        let caller = Caller::waiting(waits);
        let mut state = None;
        let answer = shared.prepare(event, waits, |bytes, digest| {
            match shared.queue.push(bytes, digest, caller, true) {
                Ok(ticket) => {
                    state = waits.then_some(EmitState::InLine(ticket));
                    Ok(Receipt::Queued)
                }
                Err(Refusal::Full { .. }) => {
                    state = Some(EmitState::NoRoom(bytes.to_vec(), digest));
                    Ok(Receipt::Queued)
                }
                Err(Refusal::Closed) => Err(EmitError::Closed),
            }
        });
        Emit { shared: Arc::clone(shared), caller, state: state.unwrap_or(EmitState::Known(answer)) }
    }

    /// Records an event, and blocks until it is as durable as was asked for.
    ///
    /// A lone caller commits in its own thread, and so waits for the disk and for nobody else.
    ///
    /// # Errors
    /// As [`Pipeline::emit`].
    pub fn emit_blocking(&self, event: &Event) -> Result<Receipt, EmitError> {
        let shared = &self.inner.shared;
        if shared.options.durability == Durability::None {
            return self.enqueue_blocking(event);
        }
        shared.prepare(event, true, |bytes, digest| {
            loop {
                let leader = shared.idle_committer();
                match shared.queue.push(bytes, digest, Caller::Waits, leader.is_none()) {
                    Ok(ticket) => {
                        if let Some(mut committer) = leader {
                            shared.commit(&mut committer);
                        }
                        return ticket.wait();
                    }
                    Err(Refusal::Closed) => return Err(EmitError::Closed),
                    Err(Refusal::Full { .. }) => {
                        drop(leader);
                        shared.queue.block_for_room(bytes.len(), true);
                    }
                }
            }
        })
    }

    /// Puts an event on its way to the log, and never waits.
    ///
    /// The event is in this process's memory when this returns. Should the disk fail it is tried again, for as long
    /// as there is room for it.
    ///
    /// # Errors
    /// When the event cannot be written as JSON, too many events wait already, or the log was closed.
    pub fn try_emit(&self, event: &Event) -> Result<Receipt, EmitError> {
        let shared = &self.inner.shared;
        shared.prepare(event, false, |bytes, digest| {
            match shared.queue.push(bytes, digest, Caller::GoesOn, true) {
                Ok(_) => Ok(Receipt::Queued),
                Err(Refusal::Closed) => Err(EmitError::Closed),
                Err(Refusal::Full { .. }) if shared.options.on_failure == OnFailure::Permit => {
                    if shared.queue.count_turned_away() {
                        Ok(Receipt::Dropped)
                    } else {
                        Err(EmitError::Closed)
                    }
                }
                Err(Refusal::Full { waiting_bytes }) => Err(EmitError::Full { waiting_bytes }),
            }
        })
    }

    /// Puts an event on its way to the log, and waits only while there is no room for it in memory.
    ///
    /// # Errors
    /// When the event cannot be written as JSON, or the log was closed.
    pub fn enqueue_blocking(&self, event: &Event) -> Result<Receipt, EmitError> {
        let shared = &self.inner.shared;
        shared.prepare(event, false, |bytes, digest| {
            loop {
                match shared.queue.push(bytes, digest, Caller::GoesOn, true) {
                    Ok(_) => return Ok(Receipt::Queued),
                    Err(Refusal::Closed) => return Err(EmitError::Closed),
                    Err(Refusal::Full { .. }) => shared.queue.block_for_room(bytes.len(), false),
                }
            }
        })
    }

    /// What happened to the log that somebody should know, each told once, as a sentence: tampering, an end that had to
    /// be mended, a disk that fails or works again. What concerns the log's content is on record in it, too.
    #[must_use]
    pub fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.shared.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many events were recorded since the log was opened.
    #[must_use]
    pub fn recorded(&self) -> u64 {
        self.inner.shared.recorded.load(Ordering::Relaxed)
    }

    /// Writes whatever is on its way and the close record, and closes the log, for all clones. It blocks until that is
    /// done. `None` when it was closed already.
    ///
    /// # Errors
    /// When the close record cannot be written. If accepted events are lost with it, the error says how many.
    pub fn close(&self) -> Result<Option<Summary>, JournalError> {
        self.inner.close()
    }
}

#[cfg(feature = "delivery")]
impl Pipeline {
    /// Has a [`close`](Self::close) that is on its way, in another thread, wait no longer for destinations.
    pub fn give_up_delivery(&self) {
        let shared = &self.inner.shared;
        if let Some(delivery) = shared.delivery.upgrade().filter(|_| shared.queue.is_closed()) {
            delivery.give_up();
        }
    }
}

impl Inner {
    fn close(&self) -> Result<Option<Summary>, JournalError> {
        #[cfg(feature = "delivery")]
        self.shared.options.delivery.workers.tell();
        #[cfg(feature = "delivery")]
        if !self.shared.queue.is_closed() {
            self.shared.options.delivery.before_close.iter().for_each(|hook| hook.0());
        }
        self.shared.queue.close();
        #[cfg(feature = "delivery")]
        self.shared.options.delivery.workers.join();
        // Locked to the end, so that whoever else closes the log finds it closed.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match writer.take() {
            // A waker may own the last clone, and be dropped in the writer's thread, which closes the log by itself.
            Some(writer) if writer.thread().id() != std::thread::current().id() => {
                writer.join().unwrap_or_else(|_| Err(self.shared.panicked())).map(Some)
            }
            _ => Ok(None),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Who wants to know how it went calls `close`.
        let _ = self.close();
    }
}

impl Shared {
    /// Selects, redacts and encodes an event, and hands its bytes and hash on. An event that nobody waits for is left to
    /// the writer for hashing while that one sleeps: so the two share the work evenly, whoever is the slower.
    fn prepare(
        &self,
        event: &Event,
        waits: bool,
        then: impl FnOnce(&[u8], Option<EventDigest>) -> Result<Receipt, EmitError>,
    ) -> Result<Receipt, EmitError> {
        if event.event_type.is_reserved() {
            return Err(EmitError::Reserved(event.event_type.clone()));
        }
        if !self.options.selections.iter().all(|selection| selection.selects(event)) {
            return Ok(Receipt::NotSelected);
        }
        // Taken out, not borrowed: a waker that `then` wakes may emit an event, too.
        let mut buffer = ENCODED.take();
        buffer.clear();
        self.encode(event, &mut buffer)?;
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

    fn encode(&self, event: &Event, buffer: &mut Vec<u8>) -> Result<(), CanonicalError> {
        if self.options.redaction.concerns(event) {
            let mut redacted = event.clone();
            self.options.redaction.apply(&mut redacted);
            return redacted.write_canonical_json(buffer);
        }
        event.write_canonical_json(buffer)
    }

    fn lock_committer(&self) -> MutexGuard<'_, Option<Committer>> {
        self.committer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The committer, if nobody is using it, and the last commit was for one caller: several are better joined.
    fn idle_committer(&self) -> Option<MutexGuard<'_, Option<Committer>>> {
        let guard = self.committer.try_lock().ok()?;
        guard.as_ref().is_some_and(|committer| committer.last_commit().callers <= 1).then_some(guard)
    }

    /// The writer's thread.
    fn write(&self) -> Result<Summary, JournalError> {
        let mut last = LastCommit::default();
        while self.queue.wait_for_work(last) {
            last = self.commit(&mut self.lock_committer());
        }
        let committer = self.lock_committer().take();
        committer.ok_or_else(|| self.panicked())?.close(self)
    }

    /// Commits what has gathered.
    fn commit(&self, slot: &mut Option<Committer>) -> LastCommit {
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

    fn panicked(&self) -> JournalError {
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
        f.debug_struct("Shared").field("options", &self.options).finish_non_exhaustive()
    }
}

/// What [`Pipeline::emit`] returns: resolves when the event is as durable as was asked for.
#[must_use = "the answer says whether the event was recorded"]
pub struct Emit {
    shared: Arc<Shared>,
    caller: Caller,
    state: EmitState,
}

enum EmitState {
    Known(Result<Receipt, EmitError>),
    InLine(Ticket),
    NoRoom(Vec<u8>, Option<EventDigest>),
}

impl Future for Emit {
    type Output = Result<Receipt, EmitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { shared, caller, state } = &mut *self;
        loop {
            match state {
                EmitState::Known(answer) => return Poll::Ready(answer.clone()),
                EmitState::InLine(ticket) => return ticket.poll(context.waker()),
                EmitState::NoRoom(bytes, digest) => match shared.queue.push(bytes, *digest, *caller, true) {
                    Ok(ticket) if caller.waits() => *state = EmitState::InLine(ticket),
                    Ok(_) => *state = EmitState::Known(Ok(Receipt::Queued)),
                    Err(Refusal::Closed) => *state = EmitState::Known(Err(EmitError::Closed)),
                    Err(Refusal::Full { .. }) => {
                        if shared.queue.wait_for_room(bytes.len(), caller.waits(), context.waker()) {
                            return Poll::Pending;
                        }
                    }
                },
            }
        }
    }
}

impl fmt::Debug for Emit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").finish_non_exhaustive()
    }
}
