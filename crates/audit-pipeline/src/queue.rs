//! Where events wait for the one who writes: a buffer that is swapped for an empty one.
//!
//! Measured against channels with one emitter and with 64: one lock around an append to a flat buffer costs less than a
//! channel's node, and the batch comes out in one piece.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use audit_integrity::EventDigest;

use crate::EmitError;
use crate::completion::{Completion, Outcome, Ticket};

/// Events that are committed together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The canonical bytes of all of them.
    pub(crate) bytes: Vec<u8>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) completion: Arc<Completion>,
    /// How many callers wait for the batch.
    pub(crate) waiting: usize,
}

impl Batch {
    /// Its events, each with its bytes.
    pub(crate) fn events(&self) -> impl Iterator<Item = (&Entry, &[u8])> {
        let mut rest = self.bytes.as_slice();
        self.entries.iter().map(move |entry| {
            let (event, behind) = rest.split_at(entry.length);
            rest = behind;
            (entry, event)
        })
    }

    /// The batch's buffers, for use in another one.
    pub(crate) fn emptied(mut self) -> Self {
        self.bytes.clear();
        self.entries.clear();
        // An exceptionally large batch does not keep its memory for ever.
        self.bytes.shrink_to(4 << 20);
        self.completion = Arc::default();
        self.waiting = 0;
        self
    }
}

impl Drop for Batch {
    /// Nobody waits for ever, whatever went wrong.
    fn drop(&mut self) {
        if self.waiting > 0 {
            self.completion.complete(Outcome::Failed(EmitError::Closed));
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) length: usize,
    /// Absent when nothing is sealed, or when hashing was left to the writer.
    pub(crate) digest: Option<EventDigest>,
    /// Whether a caller waits for it.
    pub(crate) waited_for: bool,
    /// Whether it is a part of the log that put it there.
    pub(crate) is_own: bool,
}

/// Whoever puts an event into the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    Waits,
    GoesOn,
    /// A part of the log, which waits: its events are not counted among those of callers.
    #[cfg_attr(not(feature = "delivery"), allow(dead_code, reason = "only destinations record anything"))]
    Log,
    /// A part of the log that does not wait.
    #[cfg_attr(not(feature = "delivery"), allow(dead_code, reason = "only destinations record anything"))]
    LogGoesOn,
}

impl Caller {
    pub(crate) fn waiting(waits: bool) -> Self {
        if waits { Self::Waits } else { Self::GoesOn }
    }

    pub(crate) fn waits(self) -> bool {
        matches!(self, Self::Waits | Self::Log)
    }

    fn is_own(self) -> bool {
        matches!(self, Self::Log | Self::LogGoesOn)
    }
}

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// The writer waits here for work.
    work: Condvar,
    /// Blocked callers wait here for room.
    room: Condvar,
    capacity: usize,
    /// Whether the writer sleeps: a hint, which may be out of date.
    idle: AtomicBool,
}

#[derive(Debug)]
struct State {
    batch: Batch,
    /// Bytes that were taken and could not be written yet.
    held_bytes: usize,
    /// Something is to be tried again, even if no other event comes.
    behind: bool,
    closed: bool,
    /// Events that were refused for want of room, and that nobody else counts.
    turned_away: u64,
    wants: Wants,
    /// The writer sleeps until it is woken.
    sleeps_without_end: bool,
    waiting_for_room: Vec<Waker>,
    blocked_for_room: usize,
}

/// What the writer sleeps for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    /// It is at work and will look by itself.
    Nothing,
    /// Any event.
    Any,
    /// A caller that waits, or so many bytes.
    Waiter { or_bytes: usize },
    /// So many callers that wait.
    Waiters(usize),
}

/// What the last commit tells of the next one. Callers that were answered come back at once, and committing the first of
/// them alone would cost the others a sync; waiting longer than a commit takes would cost more than that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastCommit {
    /// Callers that it answered, and those that were waiting by then for the next.
    pub(crate) callers: usize,
    pub(crate) took: Duration,
}

/// Why an event was not taken in.
#[derive(Debug)]
pub(crate) enum Refusal {
    Closed,
    Full { waiting_bytes: usize },
}

/// A batch that nobody waits for is left to grow to this size ...
const FULL_BATCH: usize = 256 << 10;
/// ... or for this long: fewer writes, and nobody notices.
const LINGER: Duration = Duration::from_millis(5);
/// The least and the most time that callers who have just been answered are given to come back with their next event.
const REGATHER: std::ops::Range<Duration> = Duration::from_micros(50)..Duration::from_millis(2);
/// How often the log is tried again while events are held or losses not yet on record.
const RETRY: Duration = Duration::from_millis(250);

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State {
            batch: Batch::default(),
            held_bytes: 0,
            behind: false,
            closed: false,
            turned_away: 0,
            wants: Wants::Nothing,
            sleeps_without_end: false,
            waiting_for_room: Vec::new(),
            blocked_for_room: 0,
        };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            room: Condvar::new(),
            capacity,
            idle: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an event in. Unless `wakes`, the writer is left asleep: the caller commits by itself.
    pub(crate) fn push(
        &self,
        event: &[u8],
        digest: Option<EventDigest>,
        caller: Caller,
        wakes: bool,
    ) -> Result<Ticket, Refusal> {
        let waits = caller.waits();
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        if self.is_full(&state, event.len(), waits) {
            return Err(Refusal::Full { waiting_bytes: state.batch.bytes.len() + state.held_bytes });
        }
        let batch = &mut state.batch;
        let ticket = Ticket::new(&batch.completion, batch.entries.len());
        batch.bytes.extend_from_slice(event);
        let is_own = caller.is_own();
        batch.entries.push(Entry { length: event.len(), digest, waited_for: waits, is_own });
        batch.waiting += usize::from(waits);
        let wake = wakes
            && match state.wants {
                Wants::Nothing => false,
                Wants::Any => true,
                Wants::Waiter { or_bytes } => waits || state.batch.bytes.len() >= or_bytes,
                Wants::Waiters(number) => state.batch.waiting >= number,
            };
        if wake {
            state.wants = Wants::Nothing;
            drop(state);
            self.work.notify_one();
        }
        Ok(ticket)
    }

    /// How many callers wait for the next commit.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().batch.waiting
    }

    /// Whether nothing waits for the one who writes.
    #[cfg(feature = "delivery")]
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().batch.entries.is_empty()
    }

    /// Counts an event that was refused and whose caller goes on. False when the queue is closed.
    pub(crate) fn count_turned_away(&self) -> bool {
        let mut state = self.lock();
        if !state.closed {
            state.turned_away += 1;
            self.wake_if_asleep(&mut state);
        }
        !state.closed
    }

    /// Has `waker` woken when there may be room. False when there is room already.
    pub(crate) fn wait_for_room(&self, length: usize, waits: bool, waker: &Waker) -> bool {
        let mut state = self.lock();
        let full = !state.closed && self.is_full(&state, length, waits);
        if full && !state.waiting_for_room.iter().any(|known| known.will_wake(waker)) {
            state.waiting_for_room.push(waker.clone());
        }
        full
    }

    /// Blocks until there may be room.
    pub(crate) fn block_for_room(&self, length: usize, waits: bool) {
        let mut state = self.lock();
        state.blocked_for_room += 1;
        while !state.closed && self.is_full(&state, length, waits) {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.blocked_for_room -= 1;
    }

    /// One event larger than all the room there is gets in when nothing else is waiting.
    fn is_full(&self, state: &State, length: usize, waits: bool) -> bool {
        // An event that somebody waits for is never held, so what is held is not in its way: while the disk fails, its
        // caller is told so rather than kept waiting for room.
        let held = if waits { 0 } else { state.held_bytes };
        let waiting = state.batch.bytes.len() + held;
        waiting > 0 && waiting + length > self.capacity
    }

    /// Takes what has gathered, and leaves `empty` in its place; and the number of events that were turned away.
    pub(crate) fn take(&self, empty: Batch) -> (Batch, u64) {
        let mut state = self.lock();
        let batch = std::mem::replace(&mut state.batch, empty);
        let turned_away = std::mem::take(&mut state.turned_away);
        self.make_room(state);
        (batch, turned_away)
    }

    /// Notes what a commit left: the bytes that could not be written yet, and whether anything is to be tried again. Returns
    /// how many bytes wait now.
    pub(crate) fn settle(&self, held_bytes: usize, behind: bool) -> usize {
        let mut state = self.lock();
        state.behind = behind;
        if behind {
            self.wake_if_asleep(&mut state);
        }
        let less = held_bytes < state.held_bytes;
        state.held_bytes = held_bytes;
        let used = state.batch.bytes.len() + held_bytes;
        if less {
            self.make_room(state);
        }
        used
    }

    /// How many bytes of events wait.
    pub(crate) fn used(&self) -> usize {
        let state = self.lock();
        state.batch.bytes.len() + state.held_bytes
    }

    /// How many may.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    fn make_room(&self, mut state: MutexGuard<'_, State>) {
        let wakers = std::mem::take(&mut state.waiting_for_room);
        let blocked = state.blocked_for_room;
        drop(state);
        if blocked > 0 {
            self.room.notify_all();
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Has the writer look again, should it sleep without end.
    fn wake_if_asleep(&self, state: &mut State) {
        if state.sleeps_without_end {
            state.sleeps_without_end = false;
            self.work.notify_one();
        }
    }

    /// Sleeps until there is something to commit. False when the queue is closed and empty.
    pub(crate) fn wait_for_work(&self, last: LastCommit) -> bool {
        self.idle.store(true, Ordering::Relaxed);
        let work = self.sleep(last);
        self.idle.store(false, Ordering::Relaxed);
        work
    }

    /// Whether the writer sleeps, so that work may be left to it.
    pub(crate) fn is_writer_idle(&self) -> bool {
        self.idle.load(Ordering::Relaxed)
    }

    fn sleep(&self, last: LastCommit) -> bool {
        let regather = last.took.clamp(REGATHER.start, REGATHER.end);
        let mut state = self.lock();
        let woken = Instant::now();
        loop {
            let batch = &state.batch;
            if state.closed {
                return !batch.entries.is_empty();
            }
            let (wants, wait) = if state.turned_away > 0 {
                break;
            } else if batch.entries.is_empty() {
                (Wants::Any, state.behind.then_some(RETRY))
            } else if batch.waiting > 0 {
                if batch.waiting >= last.callers {
                    break;
                }
                (Wants::Waiters(last.callers), regather.checked_sub(woken.elapsed()))
            } else if batch.bytes.len() >= FULL_BATCH.min(self.capacity / 2) {
                break;
            } else {
                (
                    Wants::Waiter { or_bytes: FULL_BATCH.min(self.capacity / 2) },
                    LINGER.checked_sub(woken.elapsed()),
                )
            };
            let Some(wait) = wait else {
                if wants != Wants::Any {
                    break;
                }
                state.wants = wants;
                state.sleeps_without_end = true;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.sleeps_without_end = false;
                continue;
            };
            state.wants = wants;
            let (next, timeout) = self.work.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
            state = next;
            if timeout.timed_out() && state.wants == wants {
                break;
            }
        }
        state.wants = Wants::Nothing;
        true
    }

    /// Takes no more events.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.work.notify_one();
        self.make_room(state);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }
}
