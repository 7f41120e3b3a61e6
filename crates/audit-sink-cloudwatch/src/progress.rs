use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;

use audit_sink::{Batch, Rejection};

use crate::request::Plan;

/// How far the last batch got, because CloudWatch Logs keeps whatever is sent twice.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    state: RandomState,
    batch: Option<u64>,
    /// Parts of the plan's events, one a request, the next one last.
    pending: Vec<Range<usize>>,
    rejected: Vec<Rejection>,
}

impl Progress {
    /// Begins with a batch, unless it is the last one again, whose plan is the same then.
    pub(crate) fn of(&mut self, batch: &Batch, plan: &Plan<'_>) {
        let batch = Some(self.state.hash_one(batch));
        if self.batch != batch {
            self.batch = batch;
            self.pending = plan.requests.iter().rev().cloned().collect();
            self.rejected.clone_from(&plan.unfit);
        }
    }

    /// Which of the plan's events the next request holds; `None` when nothing is left to send.
    pub(crate) fn next(&self) -> Option<Range<usize>> {
        self.pending.last().cloned()
    }

    /// The next request was accepted, without these of its records.
    pub(crate) fn accepted(&mut self, rejected: Vec<Rejection>) {
        self.pending.pop();
        self.rejected.extend(rejected);
    }

    /// The next request was refused for what is in it, and not said for which event: that of a single one is rejected,
    /// several are asked in halves.
    pub(crate) fn refused(&mut self, plan: &Plan<'_>, reason: String) {
        let Some(part) = self.pending.pop() else { return };
        if let [event] = &plan.events[part.clone()] {
            self.rejected.push(Rejection { sequence_number: event.sequence_number, reason });
            return;
        }
        let middle = part.start + part.len() / 2;
        self.pending.extend([middle..part.end, part.start..middle]);
    }

    /// How many events are still to be sent.
    pub(crate) fn left(&self) -> usize {
        self.pending.iter().map(Range::len).sum()
    }

    /// What was rejected so far, in the order of the batch.
    pub(crate) fn rejected(&self) -> Vec<Rejection> {
        let mut rejected = self.rejected.clone();
        rejected.sort_by_key(|rejection| rejection.sequence_number);
        rejected
    }
}

#[cfg(test)]
mod tests {
    use audit_sink::{Batch, Record};
    use proptest::prelude::*;

    use super::Progress;
    use crate::request::{LIMITS, Limits, plan};

    fn batch(records: u64) -> Batch {
        let record = |n: u64| Record { sequence_number: n, bytes: b"{}".to_vec(), ..Record::default() };
        Batch { chain_id: "c".into(), records: (1..=records).map(record).collect() }
    }

    #[test]
    fn is_kept_for_the_same_batch_only() {
        let first = batch(2);
        let mut other_chain = first.clone();
        other_chain.chain_id = "d".into();
        let mut other_content = first.clone();
        other_content.records[1].bytes = b"[]".to_vec();
        let mut other_time = first.clone();
        other_time.records[1].timestamp_ms = 1;
        for other in [other_chain, other_content, other_time, batch(1)] {
            let mut progress = Progress::default();
            progress.of(&first, &plan(&first, &LIMITS));
            progress.refused(&plan(&first, &LIMITS), "no".into());
            progress.accepted(Vec::new());
            progress.of(&first.clone(), &plan(&first, &LIMITS));
            assert_eq!((progress.next(), progress.left()), (Some(1..2), 1));
            progress.of(&other, &plan(&other, &LIMITS));
            assert_eq!(progress.next(), Some(0..other.records.len()));
            assert_eq!(progress.left(), other.records.len());
        }
    }

    proptest! {
        #[test]
        fn exactly_the_guilty_are_found_and_the_others_accepted_once_in_order(
            guilty in prop::collection::vec(prop::bool::weighted(0.2), 1..80),
            events in 1_usize..90,
        ) {
            let batch = batch(guilty.len() as u64);
            let plan = plan(&batch, &Limits { events, ..LIMITS });
            let mut progress = Progress::default();
            let (mut taken, mut requests) = (Vec::new(), 0);
            loop {
                // Each attempt is cut after one request.
                progress.of(&batch, &plan);
                let Some(part) = progress.next() else { break };
                requests += 1;
                if guilty[part.clone()].contains(&true) {
                    progress.refused(&plan, "no".into());
                } else {
                    taken.extend(part);
                    progress.accepted(Vec::new());
                }
            }
            let innocent: Vec<usize> = (0..guilty.len()).filter(|at| !guilty[*at]).collect();
            prop_assert_eq!(taken, innocent);
            let found: Vec<usize> =
                progress.rejected().iter().map(|rejection| rejection.sequence_number as usize - 1).collect();
            let expected: Vec<usize> = (0..guilty.len()).filter(|at| guilty[*at]).collect();
            prop_assert_eq!(found, expected);
            prop_assert!(requests < 2 * guilty.len(), "{} requests for {} records", requests, guilty.len());
        }
    }
}
