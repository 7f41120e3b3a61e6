use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;

use audit_sink::{Batch, Rejection};

/// How far the search for the records that the brokers refuse has come.
///
/// It outlives an attempt, so that a search which takes longer than an attempt may comes to an end, and what was
/// accepted is not sent again.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    state: RandomState,
    /// The batch that is searched; `None` before its first refusal, when there is nothing to keep.
    batch: Option<u64>,
    /// Parts of the batch, counted in the records that are sent, of which the brokers have not decided; the next one
    /// last.
    pending: Vec<Range<usize>>,
    rejected: Vec<Rejection>,
}

impl Progress {
    /// Begins with so many records of a batch, or goes on with it if it is the one that is searched.
    pub(crate) fn of(&mut self, batch: &Batch, count: usize) {
        if self.batch.is_none_or(|known| known != self.state.hash_one(batch)) {
            self.batch = None;
            self.pending.clear();
            self.pending.push(0..count);
            self.rejected.clear();
        }
    }

    /// Which records to send next; `None` when the brokers have decided of each.
    pub(crate) fn next(&self) -> Option<Range<usize>> {
        self.pending.last().cloned()
    }

    /// The brokers took all that was sent.
    pub(crate) fn accepted(&mut self) {
        self.pending.pop();
    }

    /// The brokers refused the record at `index` of those that were sent, or one that was in a record batch with it.
    /// Those before it were accepted, and those after it are tried again, in halves.
    pub(crate) fn refused(&mut self, batch: &Batch, index: usize, alone: impl FnOnce() -> Rejection) {
        let Some(part) = self.pending.pop() else { return };
        self.batch.get_or_insert_with(|| self.state.hash_one(batch));
        if part.len() == 1 {
            self.rejected.push(alone());
            return;
        }
        let first = part.start + index;
        let middle = first + (part.end - first).div_ceil(2);
        self.pending.extend([middle..part.end, first..middle].into_iter().filter(|part| !part.is_empty()));
    }

    pub(crate) fn rejected(&self) -> usize {
        self.rejected.len()
    }

    /// How many records the brokers have not decided of.
    pub(crate) fn undecided(&self) -> usize {
        self.pending.iter().map(ExactSizeIterator::len).sum()
    }

    /// The end of the search.
    pub(crate) fn take_rejected(&mut self) -> Vec<Rejection> {
        self.batch = None;
        std::mem::take(&mut self.rejected)
    }
}

#[cfg(test)]
mod tests {
    use audit_sink::{Batch, Record, Rejection};
    use proptest::prelude::*;

    use super::Progress;

    fn batch(count: u64) -> Batch {
        let record = |sequence_number| Record { sequence_number, bytes: b"{}".to_vec(), ..Record::default() };
        Batch { chain_id: "c".into(), records: (1..=count).map(record).collect() }
    }

    fn rejection(batch: &Batch, at: usize) -> Rejection {
        Rejection { sequence_number: batch.records[at].sequence_number, reason: "no".into() }
    }

    #[test]
    fn is_kept_for_the_same_batch_only() {
        let first = batch(8);
        let mut other_chain = first.clone();
        other_chain.chain_id = "d".into();
        let mut other_content = first.clone();
        other_content.records[1].bytes = b"[]".to_vec();
        for other in [other_chain, other_content, batch(7)] {
            let mut progress = Progress::default();
            progress.of(&first, 8);
            progress.refused(&first, 4, || rejection(&first, 4));
            progress.of(&first.clone(), 8);
            assert_eq!((progress.next(), progress.undecided()), (Some(4..6), 4));
            progress.of(&other, 7);
            assert_eq!((progress.next(), progress.undecided()), (Some(0..7), 7));
        }
    }

    #[test]
    fn a_batch_that_was_decided_begins_anew() {
        let batch = batch(1);
        let mut progress = Progress::default();
        for _ in 0..2 {
            progress.of(&batch, 1);
            assert_eq!(progress.next(), Some(0..1));
            progress.refused(&batch, 0, || rejection(&batch, 0));
            assert_eq!(progress.next(), None);
            assert_eq!(progress.take_rejected().len(), 1);
        }
    }

    proptest! {
        #[test]
        fn exactly_the_guilty_are_found_however_often_it_is_interrupted(
            guilty in prop::collection::vec(any::<bool>(), 1..80),
        ) {
            let batch = batch(guilty.len() as u64);
            let (mut progress, mut taken, mut requests) = (Progress::default(), Vec::new(), 0);
            loop {
                // As if each request were an attempt of its own.
                progress.of(&batch, guilty.len());
                let Some(part) = progress.next() else { break };
                requests += 1;
                match guilty[part.clone()].iter().position(|guilty| *guilty) {
                    Some(index) => {
                        taken.extend(part.start..part.start + index);
                        progress.refused(&batch, index, || rejection(&batch, part.start));
                    }
                    None => {
                        taken.extend(part);
                        progress.accepted();
                        if progress.next().is_none() {
                            break;
                        }
                    }
                }
            }
            let innocent: Vec<usize> = (0..guilty.len()).filter(|at| !guilty[*at]).collect();
            prop_assert_eq!(taken, innocent);
            let found: Vec<usize> =
                progress.take_rejected().iter().map(|rejection| rejection.sequence_number as usize - 1).collect();
            let expected: Vec<usize> = (0..guilty.len()).filter(|at| guilty[*at]).collect();
            prop_assert_eq!(found, expected);
            prop_assert!(requests < 3 * guilty.len() + 2, "{requests} requests for {} records", guilty.len());
        }
    }
}
