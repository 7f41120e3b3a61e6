use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use audit_source::CancellationToken;

/// The connections of a listener, each with what it is doing: so that the one that asks for nothing makes room for the one that does.
pub(crate) struct Places {
    begun: Instant,
    most: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    next: u64,
    places: BTreeMap<u64, Arc<Doing>>,
}

/// A connection's place; it ends with this.
pub(crate) struct Place {
    number: u64,
    pub(crate) doing: Arc<Doing>,
    places: Arc<Places>,
}

/// What a connection is doing, and since when.
pub(crate) struct Doing {
    begun: Instant,
    /// Microseconds since `begun`, times four, and one of the four below.
    state: AtomicU64,
    /// Somebody else has its place.
    pub(crate) lost: CancellationToken,
}

/// No whole request is there: a handshake, a head that is not whole, or nothing at all.
const WAITING: u64 = 0;
const ANSWERING: u64 = 1;
/// The answer is there, and not all of it is with the system.
const ANSWERED: u64 = 2;

/// How long a peer may take nothing of an answer before its place can be given away. The system tells of room only when a third of its
/// buffer is free, up to a megabyte: one second would take a peer that reads half of that in it for one that has stopped.
const LEFT: Duration = Duration::from_secs(5);

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { begun: Instant::now(), most, held: Mutex::default() })
    }

    /// A place for one more connection. When all are taken, it is that of the one that has been without a whole request for the longest;
    /// nothing when all have one that is being answered.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Place> {
        let mut held = self.lock();
        if held.places.len() >= self.most {
            let now = self.begun.elapsed();
            let idle = held.places.iter().filter_map(|(number, it)| Some((it.idle_since(now)?, *number)));
            let (_, longest) = idle.min()?;
            if let Some(gone) = held.places.remove(&longest) {
                gone.lost.cancel();
            }
        }
        let number = held.next;
        held.next += 1;
        let doing = Arc::new(Doing::new(self.begun));
        held.places.insert(number, Arc::clone(&doing));
        drop(held);
        Some(Place { number, doing, places: Arc::clone(self) })
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().places.remove(&self.number);
    }
}

impl Doing {
    pub(crate) fn new(begun: Instant) -> Self {
        let doing = Self { begun, state: AtomicU64::new(0), lost: CancellationToken::new() };
        doing.is_now(WAITING);
        doing
    }

    pub(crate) fn begin(&self) {
        self.is_now(ANSWERING);
    }

    pub(crate) fn answered(&self) {
        self.is_now(ANSWERED);
    }

    /// More of what was to be written is with the system: its peer reads.
    pub(crate) fn written(&self) {
        if self.state.load(Ordering::Relaxed) & 3 == ANSWERED {
            self.is_now(ANSWERED);
        }
    }

    /// All that was to be written is with the system.
    pub(crate) fn flushed(&self) {
        if self.state.load(Ordering::Relaxed) & 3 == ANSWERED {
            self.is_now(WAITING);
        }
    }

    /// Whether no whole request is there.
    pub(crate) fn is_waiting(&self) -> bool {
        self.state.load(Ordering::Relaxed) & 3 == WAITING
    }

    /// Whether a request is being answered, the writing of the answer not counted.
    pub(crate) fn is_answering(&self) -> bool {
        self.state.load(Ordering::Relaxed) & 3 == ANSWERING
    }

    fn is_now(&self, state: u64) {
        let elapsed = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX >> 2);
        self.state.store(elapsed << 2 | state, Ordering::Relaxed);
    }

    /// Since when it has asked for nothing, or has taken nothing of an answer, if its place can be given away for that.
    pub(crate) fn idle_since(&self, now: Duration) -> Option<Duration> {
        let state = self.state.load(Ordering::Relaxed);
        let since = Duration::from_micros(state >> 2);
        match state & 3 {
            WAITING => Some(since),
            ANSWERED if now.saturating_sub(since) >= LEFT => Some(since),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_idle_makes_room_and_who_is_answered_keeps_their_place() {
        let places = Places::new(3);
        let first = places.take().unwrap();
        let second = places.take().unwrap();
        let third = places.take().unwrap();
        first.doing.begin();
        std::thread::sleep(Duration::from_millis(1));
        // It has asked since, so that another is idle for longer.
        second.doing.begin();
        second.doing.answered();
        second.doing.flushed();
        let fourth = places.take().unwrap();
        assert!(third.doing.lost.is_cancelled() && !second.doing.lost.is_cancelled());
        [&second, &fourth].into_iter().for_each(|place| place.doing.begin());
        assert!(places.take().is_none(), "all are answered");
        first.doing.answered();
        assert!(places.take().is_none(), "the answer is on its way");
        drop(third);
        assert!(places.take().is_none(), "its place is somebody else's");
        drop(first);
        assert!(places.take().is_some());
    }
    #[test]
    fn who_goes_on_reading_an_answer_keeps_their_place() {
        let doing = Doing::new(Instant::now());
        doing.answered();
        let unread = doing.begun.elapsed() + LEFT;
        assert!(doing.idle_since(unread).is_some(), "nothing is read");
        std::thread::sleep(Duration::from_millis(1));
        doing.written();
        assert!(doing.idle_since(unread).is_none(), "more was read since");
        assert!(doing.idle_since(doing.begun.elapsed() + LEFT).is_some(), "no more was read");
        doing.begin();
        doing.written();
        assert!(doing.is_answering(), "the end of the answer before");
    }
}
