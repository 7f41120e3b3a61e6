//! What was taken from one partition: which of it is durable, and whether a record was seen before.

use std::collections::VecDeque;

/// How many records before the committed offset are remembered: a broker that lost its last commits delivers again from an older one.
const REMEMBERED: usize = 8192;
/// How many are remembered at most, should commits fail for long while records arrive.
const REMEMBERED_AT_MOST: usize = 200_000;

/// One partition.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// Changes when the partition turns out to be another one: its topic was deleted and made again, say.
    epoch: u32,
    /// The offset behind the last record that was taken.
    next: Option<i64>,
    /// Taken, and not known to be durable; in the order of offsets, and the first one is open.
    pending: VecDeque<Slot>,
    /// Offsets and fingerprints of what was taken.
    seen: VecDeque<(i64, u64)>,
    committed: Option<i64>,
    /// Up to which offset it was told that records are lost.
    told: i64,
    /// Among what the next commit passes are refused records.
    refused: bool,
}

#[derive(Debug)]
struct Slot {
    offset: i64,
    done: bool,
}

/// What a record that arrives is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// To be taken, in this epoch.
    New { epoch: u32 },
    /// It was taken already.
    Repeated,
}

impl Window {
    /// The partition was assigned: what the group has committed, and where reading begins.
    pub(crate) fn start(&mut self, committed: Option<i64>, at: Option<i64>) {
        self.committed = committed;
        if let Some(at) = at.filter(|at| self.pending.is_empty() && self.next.is_none_or(|next| next < *at)) {
            self.next = Some(at);
        }
    }

    /// A record arrives.
    pub(crate) fn arrive(&mut self, offset: i64, fingerprint: u64) -> Arrival {
        if self.next.is_some_and(|next| offset < next) {
            if self.remembers(offset) == Some(fingerprint) {
                return Arrival::Repeated;
            }
            // Not what was there, or so long ago that nobody knows: rather twice (and with the same id) than never.
            *self = Self { epoch: self.epoch.wrapping_add(1), ..Self::default() };
        }
        self.next = Some(offset + 1);
        self.pending.push_back(Slot { offset, done: false });
        self.seen.push_back((offset, fingerprint));
        self.forget();
        Arrival::New { epoch: self.epoch }
    }

    /// A record that was taken is durable: in the log, or (`refused`) in the rejects file once that is synced.
    pub(crate) fn finish(&mut self, epoch: u32, offset: i64, refused: bool) {
        if epoch != self.epoch {
            return;
        }
        if let Ok(index) = self.pending.binary_search_by_key(&offset, |slot| slot.offset) {
            self.pending[index].done = true;
            self.refused |= refused;
        }
        while self.pending.front().is_some_and(|slot| slot.done) {
            self.pending.pop_front();
        }
    }

    /// Where a reader has to begin who is to miss nothing and repeat nothing that was taken.
    pub(crate) fn next(&self) -> Option<i64> {
        self.next
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// What may be committed now and was not, and whether that passes refused records.
    pub(crate) fn to_commit(&self) -> Option<(i64, bool)> {
        let position = self.pending.front().map(|slot| slot.offset).or(self.next)?;
        let is_new = self.committed.is_none_or(|committed| committed < position);
        is_new.then_some((position, self.refused))
    }

    /// Whether the rejects file is to be synced before the next commit.
    pub(crate) fn passes_refused(&mut self, refused: bool) {
        self.refused = refused;
    }

    /// The brokers have it; or they have not (`None`), and it is to be tried again.
    pub(crate) fn committed(&mut self, offset: Option<i64>) {
        self.committed = offset;
        self.forget();
    }

    /// Of records lost up to this offset, those that nobody was told of begin where?
    pub(crate) fn untold(&mut self, from: i64, to: i64) -> Option<i64> {
        let from = from.max(self.told);
        self.told = self.told.max(to);
        (from < to).then_some(from)
    }

    fn remembers(&self, offset: i64) -> Option<u64> {
        let index = self.seen.binary_search_by_key(&offset, |(seen, _)| *seen).ok()?;
        Some(self.seen[index].1)
    }

    fn forget(&mut self) {
        let committed = self.committed.unwrap_or(0);
        while self.seen.len() > REMEMBERED_AT_MOST
            || (self.seen.len() > REMEMBERED
                && self.seen.front().is_some_and(|(offset, _)| *offset < committed))
        {
            self.seen.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Arrival, REMEMBERED, Window};

    fn taken(window: &mut Window, offset: i64) -> u32 {
        match window.arrive(offset, offset.unsigned_abs()) {
            Arrival::New { epoch } => epoch,
            Arrival::Repeated => panic!("{offset} is new"),
        }
    }

    #[test]
    fn only_what_has_no_gap_before_it_is_committed() {
        let mut window = Window::default();
        window.start(None, Some(5));
        assert_eq!(window.to_commit(), Some((5, false)), "where reading began is kept, too");
        for offset in [5, 6, 9] {
            taken(&mut window, offset);
        }
        window.finish(0, 6, true);
        window.finish(0, 9, false);
        assert_eq!(window.to_commit(), Some((5, true)));
        window.finish(0, 5, false);
        assert_eq!(window.to_commit(), Some((10, true)));
        window.passes_refused(false);
        window.committed(Some(10));
        assert_eq!(window.to_commit(), None);
        window.committed(None);
        assert_eq!(window.to_commit(), Some((10, false)));
    }

    #[test]
    fn what_comes_again_is_recognised_and_another_record_in_its_place_is_not_taken_for_it() {
        let mut window = Window::default();
        for offset in 0..3 {
            let epoch = taken(&mut window, offset);
            window.finish(epoch, offset, false);
        }
        assert_eq!(window.arrive(1, 1), Arrival::Repeated);
        assert_eq!(window.to_commit(), Some((3, false)));
        assert_eq!(window.arrive(1, 99), Arrival::New { epoch: 1 });
        assert_eq!(
            window.to_commit(),
            Some((1, false)),
            "the topic is another one, and the offset goes back"
        );
        window.finish(0, 1, false);
        assert!(!window.is_settled(), "it was the record of before");
        assert_eq!(window.arrive(2, 2), Arrival::New { epoch: 1 });
    }

    #[test]
    fn memory_is_bounded() {
        let mut window = Window::default();
        for offset in 0..20_000 {
            let epoch = taken(&mut window, offset);
            window.finish(epoch, offset, false);
        }
        window.committed(Some(20_000));
        assert_eq!(window.seen.len(), REMEMBERED);
        assert_eq!(window.arrive(19_999, 19_999), Arrival::Repeated);
    }

    #[test]
    fn a_loss_is_told_once() {
        let mut window = Window::default();
        assert_eq!(window.untold(3, 10), Some(3));
        assert_eq!(window.untold(3, 10), None);
        assert_eq!(window.untold(3, 12), Some(10));
    }

    proptest! {
        /// Whatever finishes when, no commit passes an open record, and in the end all is committed.
        #[test]
        fn a_commit_never_passes_an_open_record(
            gaps in proptest::collection::vec(1_i64..4, 1..60),
            order in proptest::collection::vec(any::<u16>(), 60),
        ) {
            let mut window = Window::default();
            let offsets: Vec<i64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).collect();
            for offset in &offsets {
                taken(&mut window, *offset);
            }
            let mut open = offsets.clone();
            for pick in order {
                let Some((position, _)) = window.to_commit() else { continue };
                prop_assert!(open.first().is_none_or(|first| position <= *first));
                if !open.is_empty() {
                    let done = open.remove(usize::from(pick) % open.len());
                    window.finish(0, done, false);
                }
            }
            for offset in open {
                window.finish(0, offset, false);
            }
            let last = offsets.last().copied().unwrap();
            prop_assert_eq!(window.to_commit(), Some((last + 1, false)));
        }
    }
}
