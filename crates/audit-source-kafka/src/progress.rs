use std::collections::{HashMap, HashSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::window::{Arrival, Window};

/// Which topic of the options, and which of its partitions.
pub(crate) type Place = (usize, i32);

/// How many records may be on their way to the log, over all partitions.
const MAX_RECORDS: usize = 4096;
/// How many bytes of them: half of what the log itself buffers unless told otherwise, so that it takes them in their order.
const MAX_BYTES: usize = 4 << 20;

/// What is on its way from the brokers to the log: between the thread that reads and the task that waits for the log.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    windows: HashMap<Place, Window>,
    owned: HashSet<Place>,
    records: usize,
    bytes: usize,
    stopping: bool,
    /// Nothing of what is on its way will become durable any more.
    abandoned: bool,
}

/// A record on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    place: Place,
    epoch: u32,
    offset: i64,
    bytes: usize,
}

/// What is to be committed.
#[derive(Debug, Default)]
pub(crate) struct Commit {
    pub(crate) positions: Vec<(Place, i64)>,
    /// It passes refused records: the rejects file is to be synced first.
    pub(crate) refused: bool,
}

impl Progress {
    /// A record arrives. `None` when it was taken already.
    pub(crate) fn admit(&self, place: Place, offset: i64, fingerprint: u64, bytes: usize) -> Option<Ticket> {
        let mut state = self.lock();
        match state.windows.entry(place).or_default().arrive(offset, fingerprint) {
            Arrival::Repeated => None,
            Arrival::New { epoch } => {
                state.records += 1;
                state.bytes += bytes;
                Some(Ticket { place, epoch, offset, bytes })
            }
        }
    }

    /// A record is durable.
    pub(crate) fn finish(&self, ticket: &Ticket, refused: bool) {
        let mut state = self.lock();
        let was_full = state.is_full();
        state.records -= 1;
        state.bytes -= ticket.bytes;
        let window = state.windows.entry(ticket.place).or_default();
        window.finish(ticket.epoch, ticket.offset, refused);
        if window.is_settled() || (was_full && !state.is_full()) {
            self.changed.notify_all();
        }
    }

    /// Waits until there is room for one more record, or it is time to stop. Whether there is.
    pub(crate) fn wait_for_room(&self, patience: Duration) -> bool {
        let state = self.lock();
        let waited = self.changed.wait_timeout_while(state, patience, |it| it.is_full() && !it.stopping);
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_full()
    }

    /// Waits for so long until nothing is on its way from these partitions, or from any. Whether nothing is.
    pub(crate) fn settle(&self, places: Option<&[Place]>, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            let settled = match places {
                Some(places) => {
                    places.iter().all(|place| state.windows.get(place).is_none_or(Window::is_settled))
                }
                None => state.records == 0,
            };
            let left = end.saturating_duration_since(Instant::now());
            if settled || state.abandoned || left.is_zero() {
                return settled;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Partitions are ours from now on: what is committed, and where reading begins.
    pub(crate) fn own(&self, place: Place, committed: Option<i64>, at: Option<i64>) {
        let mut state = self.lock();
        state.owned.insert(place);
        state.windows.entry(place).or_default().start(committed, at);
    }

    pub(crate) fn disown(&self, place: Place) {
        self.lock().owned.remove(&place);
    }

    pub(crate) fn owned(&self) -> Vec<Place> {
        self.lock().owned.iter().copied().collect()
    }

    /// Where a partition is to be read on.
    pub(crate) fn next(&self, place: Place) -> Option<i64> {
        self.lock().windows.get(&place)?.next()
    }

    pub(crate) fn untold(&self, place: Place, from: i64, to: i64) -> Option<i64> {
        self.lock().windows.entry(place).or_default().untold(from, to)
    }

    /// What may be committed of the partitions that are ours.
    pub(crate) fn to_commit(&self) -> Commit {
        let mut state = self.lock();
        let mut commit = Commit::default();
        let State { windows, owned, .. } = &mut *state;
        for place in owned.iter() {
            let Some(window) = windows.get_mut(place) else { continue };
            if let Some((position, refused)) = window.to_commit() {
                window.passes_refused(false);
                commit.positions.push((*place, position));
                commit.refused |= refused;
            }
        }
        commit
    }

    /// The rejects file could not be synced, so the next commit has to try that again.
    pub(crate) fn not_synced(&self, commit: &Commit) {
        let mut state = self.lock();
        for (place, _) in &commit.positions {
            state.windows.entry(*place).or_default().passes_refused(true);
        }
    }

    pub(crate) fn committed(&self, place: Place, offset: Option<i64>) {
        let mut state = self.lock();
        if state.owned.contains(&place) {
            state.windows.entry(place).or_default().committed(offset);
        }
    }

    pub(crate) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }

    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.stopping = true;
        state.abandoned = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.lock().stopping
    }

    /// Sleeps, unless it is time to stop.
    pub(crate) fn pause(&self, time: Duration) {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |state| !state.stopping);
        drop(waited);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.records >= MAX_RECORDS || self.bytes >= MAX_BYTES
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MAX_BYTES, MAX_RECORDS, Progress, Ticket};

    fn admit(progress: &Progress, offset: usize, bytes: usize) -> Ticket {
        let offset = i64::try_from(offset).unwrap();
        progress.admit((0, 0), offset, offset.unsigned_abs(), bytes).unwrap()
    }

    #[test]
    fn so_many_records_and_bytes_and_no_more() {
        let progress = Progress::default();
        let tickets: Vec<Ticket> = (0..MAX_RECORDS).map(|offset| admit(&progress, offset, 1)).collect();
        assert!(!progress.wait_for_room(Duration::ZERO));
        progress.finish(&tickets[7], false);
        assert!(progress.wait_for_room(Duration::ZERO));
        let large = admit(&progress, MAX_RECORDS, MAX_BYTES);
        assert!(!progress.wait_for_room(Duration::ZERO));
        progress.finish(&large, false);
        assert!(progress.admit((0, 0), 7, 7, 1).is_none(), "it was taken");
        assert!(!progress.settle(None, Duration::ZERO));
        progress.abandon();
        assert!(!progress.settle(None, Duration::from_secs(600)), "nobody waits for what will not come");
    }

    #[test]
    fn only_what_is_owned_is_committed_and_refused_records_are_synced_first() {
        let progress = Progress::default();
        progress.own((0, 0), Some(0), Some(0));
        progress.own((0, 1), None, None);
        let tickets = [admit(&progress, 0, 1), progress.admit((0, 1), 5, 0, 1).unwrap()];
        progress.finish(&tickets[0], true);
        progress.finish(&tickets[1], false);
        progress.disown((0, 1));
        let commit = progress.to_commit();
        assert_eq!((commit.positions.as_slice(), commit.refused), ([((0, 0), 1)].as_slice(), true));
        progress.not_synced(&commit);
        assert!(progress.to_commit().refused, "again, until they are synced");
        assert!(!progress.to_commit().refused);
        progress.committed((0, 0), Some(1));
        assert!(progress.to_commit().positions.is_empty());
    }
}
