use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use audit_integrity::Head;
use audit_journal::{Journal, JournalError};
use audit_model::{Event, Timestamp};

use crate::committer::Committer;
use crate::emit::{Emit, EmitState};
use crate::health::Health;
use crate::queue::{Caller, Queue, Refusal};
use crate::resume::{refuse_sealed, resume, sequence_of, time_of};
use crate::settings::Live;
use crate::shared::Shared;
use crate::{Durability, EmitError, OnFailure, Options, Receipt, StartError, lifecycle};

/// An open audit log: events in, sealed and durable records out.
///
/// Clones share the log. When the last one goes, the log is closed, which may wait for the disk and for destinations
/// (for as long as `Options::drain_timeout` says); [`Pipeline::close`] does that at a chosen moment and says how it went.
#[derive(Clone, Debug)]
pub struct Pipeline {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    writer: Mutex<Option<Writer>>,
}

/// The thread that writes; it says how the log was closed.
type Writer = JoinHandle<Result<Summary, JournalError>>;

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

impl Pipeline {
    /// Options for a log at that path, to be changed and [started](Options::start).
    #[must_use]
    pub fn options(path: impl AsRef<Path>) -> Options {
        Options::new(path.as_ref())
    }

    pub(crate) fn start(mut options: Options) -> Result<Self, StartError> {
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
        let live = Arc::new(Live::new(std::mem::take(&mut options.settings)));
        let health = Arc::<Health>::default();
        let mut committer =
            Committer::new(journal, sealer, Arc::clone(&live), Arc::clone(&notices), Arc::clone(&health));
        committer.notice_recovery(&recovery);
        #[cfg(feature = "delivery")]
        let followers = {
            let destinations = std::mem::take(
                &mut *options.delivery.destinations.lock().unwrap_or_else(PoisonError::into_inner),
            );
            let followers = Arc::new(crate::followers::Followers::new(&options, &committer, &live, &notices));
            // Before anything is recorded: whatever is wrong with the destinations, then nothing was begun. And before
            // anything is deleted, which they may lack.
            committer.follow(crate::followers::Followed(Arc::clone(&followers)));
            followers.begin(destinations)?;
            followers
        };
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
            health,
            notices,
            changing: Mutex::default(),
            #[cfg(feature = "delivery")]
            followers,
            live,
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
    /// [`EmitError::Event`] when the event cannot be written as JSON, [`EmitError::Reserved`] when only the log itself
    /// records events of its type, [`EmitError::Journal`] when the log cannot take it, and [`EmitError::Closed`] when it
    /// was closed: then the event is not in the log. (After a panic of the thread that writes, nobody can say.)
    ///
    /// [`EmitError::Undelivered`] when a required destination has not confirmed it: then the event is in the log; do not
    /// repeat it.
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
    /// [`EmitError::Event`] when the event cannot be written as JSON, [`EmitError::Reserved`] when only the log itself
    /// records events of its type, [`EmitError::Full`] when too many events wait already (with [`OnFailure::Permit`] it
    /// is dropped, and that is no error), and [`EmitError::Closed`] when the log was closed.
    pub fn try_emit(&self, event: &Event) -> Result<Receipt, EmitError> {
        let shared = &self.inner.shared;
        shared.prepare(event, false, |bytes, digest| {
            match shared.queue.push(bytes, digest, Caller::GoesOn, true) {
                Ok(_) => Ok(Receipt::Queued),
                Err(Refusal::Closed) => Err(EmitError::Closed),
                Err(Refusal::Full { .. }) if shared.live.now().on_failure == OnFailure::Permit => {
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
    /// [`EmitError::Event`] when the event cannot be written as JSON, [`EmitError::Reserved`] when only the log itself
    /// records events of its type, and [`EmitError::Closed`] when the log was closed.
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
    /// A way to put records of the log's own parts into it.
    #[must_use]
    pub fn recorder(&self) -> crate::Recorder {
        self.inner.shared.options.delivery.recorder.clone()
    }

    /// Has a [`close`](Self::close) that is on its way, in another thread, wait no longer for destinations.
    pub fn give_up_delivery(&self) {
        let shared = &self.inner.shared;
        if let Some(delivery) = shared.followers.delivery().filter(|_| shared.queue.is_closed()) {
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
            let hooks = self.shared.live.now().before_close.clone();
            hooks.iter().for_each(|hook| hook.0());
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
