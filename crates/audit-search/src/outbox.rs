//! Parts that were made in any order, handed over in theirs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Parts of pieces of work, which are numbered from 0 in their order.
#[derive(Debug)]
pub(crate) struct Outbox<P> {
    state: Mutex<State<P>>,
    /// Something has come, or was taken away.
    changed: Condvar,
    /// The piece whose parts are taken.
    front: AtomicU64,
    is_stopped: AtomicBool,
}

#[derive(Debug)]
struct State<P> {
    pieces: BTreeMap<u64, Piece<P>>,
    /// Bytes that wait.
    waiting: usize,
    /// How many pieces there will be, once that is known.
    total: Option<u64>,
}

#[derive(Debug)]
struct Piece<P> {
    parts: VecDeque<(P, usize)>,
    is_done: bool,
}

/// So much may wait, in bytes; the piece in front may add one part to it.
const MOST: usize = 32 << 20;

/// So many pieces may be done before the one in front.
const AHEAD: u64 = 256;

impl<P> Outbox<P> {
    pub(crate) fn new() -> Self {
        let state = State { pieces: BTreeMap::new(), waiting: 0, total: None };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            front: AtomicU64::new(0),
            is_stopped: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Whether the parts of that piece are taken now.
    pub(crate) fn is_front(&self, piece: u64) -> bool {
        self.front.load(Ordering::Relaxed) == piece
    }

    /// Nothing more is made or taken.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        // Whoever has looked before is waiting when the lock is had.
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Waits until the piece is not too far ahead.
    pub(crate) fn wait_for_turn(&self, piece: u64) {
        let mut state = self.lock();
        while !self.is_stopped() && piece > self.front.load(Ordering::Relaxed) + AHEAD {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Adds a part of a piece; waits while too much waits.
    pub(crate) fn push(&self, piece: u64, part: P, size: usize) {
        let mut state = self.lock();
        loop {
            let is_next =
                self.is_front(piece) && state.pieces.get(&piece).is_none_or(|piece| piece.parts.is_empty());
            if self.is_stopped() || is_next || state.waiting.saturating_add(size) <= MOST {
                break;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting = state.waiting.saturating_add(size);
        state.piece(piece).parts.push_back((part, size));
        drop(state);
        self.changed.notify_all();
    }

    /// Says that a piece has no more parts.
    pub(crate) fn done(&self, piece: u64) {
        self.lock().piece(piece).is_done = true;
        self.changed.notify_all();
    }

    /// Says how many pieces there are.
    pub(crate) fn set_total(&self, total: u64) {
        self.lock().total = Some(total);
        self.changed.notify_all();
    }

    /// The next part in order; `None` when there is none any more.
    pub(crate) fn take(&self) -> Option<P> {
        let mut state = self.lock();
        loop {
            let front = self.front.load(Ordering::Relaxed);
            if self.is_stopped() || state.total.is_some_and(|total| front >= total) {
                return None;
            }
            if let Some(piece) = state.pieces.get_mut(&front) {
                if let Some((part, size)) = piece.parts.pop_front() {
                    state.waiting -= size;
                    drop(state);
                    self.changed.notify_all();
                    return Some(part);
                }
                if piece.is_done {
                    state.pieces.remove(&front);
                    self.front.store(front + 1, Ordering::Relaxed);
                    self.changed.notify_all();
                    continue;
                }
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> State<P> {
    fn piece(&mut self, piece: u64) -> &mut Piece<P> {
        self.pieces.entry(piece).or_insert_with(|| Piece { parts: VecDeque::new(), is_done: false })
    }
}
