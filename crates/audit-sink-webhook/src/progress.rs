use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;

use audit_sink::{Batch, Rejection};

use crate::Body;

/// How far a batch has come: which requests are still to be sent, and which records were refused.
///
/// It outlives an attempt, so that the next attempt at the same batch neither repeats what was accepted nor puts the
/// rest into other requests, which would have other idempotency keys.
#[derive(Debug)]
pub(crate) struct Progress {
    state: RandomState,
    /// The fingerprint of the batch.
    batch: u64,
    /// Parts of the batch, one a request, the next one last.
    pending: Vec<Range<usize>>,
    rejected: Vec<Rejection>,
}

impl Progress {
    /// Cuts a batch into requests of at most `packed` bytes; a record alone may have `max` bytes, and is rejected
    /// when it has more or cannot be in such a body at all.
    pub(crate) fn begin(batch: &Batch, body: Body, max: usize, packed: usize) -> Self {
        let mut pending: Vec<Range<usize>> = Vec::new();
        let mut rejected = Vec::new();
        let mut length = 0;
        for (index, record) in batch.records.iter().enumerate() {
            let added = body.length_of(&batch.chain_id, record);
            let alone = body.overhead() + added;
            let problem = match body.refuses(record) {
                Some(problem) => Some(problem.to_owned()),
                None if alone > max => Some(format!(
                    "the record makes a body of {alone} bytes, and max_body_bytes is {max}; raise it if the endpoint takes more"
                )),
                None => None,
            };
            if let Some(reason) = problem {
                rejected.push(Rejection { sequence_number: record.sequence_number, reason });
                continue;
            }
            match pending.last_mut() {
                Some(part) if part.end == index && !body.is_single() && length + added <= packed => {
                    part.end += 1;
                    length += added;
                }
                _ => {
                    pending.push(index..index + 1);
                    length = alone;
                }
            }
        }
        pending.reverse();
        let state = RandomState::new();
        Self { batch: state.hash_one(batch), state, pending, rejected }
    }

    pub(crate) fn is_of(&self, batch: &Batch) -> bool {
        self.batch == self.state.hash_one(batch)
    }

    /// Which records the next request holds; `None` when nothing is left to send.
    pub(crate) fn next(&self) -> Option<Range<usize>> {
        self.pending.last().cloned()
    }

    /// The next request was accepted.
    pub(crate) fn accepted(&mut self) {
        self.pending.pop();
    }

    /// The next request was refused for what is in it: a single record is rejected, of several the guilty ones are
    /// looked for. `at` is which of its records the endpoint named, counted from 0.
    pub(crate) fn refused(&mut self, batch: &Batch, reason: String, at: Option<usize>) {
        let Some(part) = self.pending.pop() else { return };
        if let [record] = &batch.records[part.clone()] {
            self.rejected.push(Rejection { sequence_number: record.sequence_number, reason });
            return;
        }
        let cuts = match at.map(|at| part.start + at).filter(|at| part.contains(at)) {
            Some(named) => [named, named + 1],
            None => [part.start + part.len() / 2; 2],
        };
        let parts = [part.start..cuts[0], cuts[0]..cuts[1], cuts[1]..part.end];
        self.pending.extend(parts.into_iter().rev().filter(|part| !part.is_empty()));
    }

    /// The rejected records in the order of the batch.
    pub(crate) fn into_rejected(mut self) -> Vec<Rejection> {
        self.rejected.sort_by_key(|rejection| rejection.sequence_number);
        self.rejected
    }
}

#[cfg(test)]
mod tests {
    use audit_sink::{Batch, Record};
    use proptest::prelude::*;

    use super::Progress;
    use crate::Body;

    fn batch(lengths: &[usize]) -> Batch {
        let records = lengths.iter().zip(1..).map(|(length, sequence_number)| Record {
            sequence_number,
            bytes: vec![b'1'; *length],
            ..Record::default()
        });
        Batch { chain_id: "c".into(), records: records.collect() }
    }

    fn begin(batch: &Batch) -> Progress {
        Progress::begin(batch, Body::Ndjson, 100, 100)
    }

    #[test]
    fn no_request_exceeds_the_limit() {
        let mut progress = begin(&batch(&[49, 49, 1, 99, 100, 1]));
        let mut parts = Vec::new();
        while let Some(part) = progress.next() {
            parts.push(part);
            progress.accepted();
        }
        assert_eq!(parts, [0..2, 2..3, 3..4, 5..6]);
        let rejected = progress.into_rejected();
        assert_eq!(rejected.len(), 1);
        assert_eq!(rejected[0].sequence_number, 5);
        assert!(
            rejected[0].reason.contains("101 bytes, and max_body_bytes is 100"),
            "{}",
            rejected[0].reason
        );
    }

    #[test]
    fn where_a_request_holds_one_record_each_has_its_own() {
        let mut progress = Progress::begin(&batch(&[1, 1, 101, 100]), Body::Json, 100, 100);
        let mut parts = Vec::new();
        while let Some(part) = progress.next() {
            parts.push(part);
            progress.accepted();
        }
        assert_eq!(parts, [0..1, 1..2, 3..4]);
        assert_eq!(progress.into_rejected()[0].sequence_number, 3);
    }

    #[test]
    fn the_record_that_the_endpoint_names_is_tried_alone() {
        let batch = batch(&[1; 9]);
        let mut progress = begin(&batch);
        progress.refused(&batch, "no".into(), Some(6));
        assert_eq!(progress.next(), Some(0..6));
        progress.accepted();
        assert_eq!(progress.next(), Some(6..7));
        progress.refused(&batch, "no".into(), Some(0));
        assert_eq!(progress.next(), Some(7..9));
        progress.refused(&batch, "no".into(), Some(2));
        assert_eq!(progress.next(), Some(7..8), "what is named does not exist: halves");
    }

    #[test]
    fn it_is_of_the_same_content_only() {
        let first = batch(&[3, 3]);
        assert!(begin(&first).is_of(&first.clone()));
        let other = |change: &dyn Fn(&mut Batch)| {
            let mut other = first.clone();
            change(&mut other);
            assert!(!begin(&first).is_of(&other), "{other:?}");
        };
        other(&|batch| batch.chain_id = "d".into());
        other(&|batch| batch.records[1].bytes = b"222".to_vec());
        other(&|batch| batch.records[1].timestamp_ms += 1);
        other(&|batch| batch.records[1].sequence_number += 1);
        other(&|batch| drop(batch.records.pop()));
        // The same bytes in a row, with another end between them.
        other(&|batch| (batch.records[0].bytes, batch.records[1].bytes) = (b"11".to_vec(), b"1111".to_vec()));
    }

    proptest! {
        #[test]
        fn exactly_the_guilty_are_found_and_the_others_accepted_once_in_order(
            guilty in prop::collection::vec(any::<bool>(), 1..80),
            named in any::<bool>(),
        ) {
            let batch = batch(&vec![1; guilty.len()]);
            let mut progress = begin(&batch);
            let (mut taken, mut requests) = (Vec::new(), 0);
            while let Some(part) = progress.next() {
                requests += 1;
                match guilty[part.clone()].iter().position(|guilty| *guilty) {
                    Some(at) => progress.refused(&batch, "no".into(), named.then_some(at)),
                    None => {
                        taken.extend(part);
                        progress.accepted();
                    }
                }
            }
            let innocent: Vec<usize> = (0..guilty.len()).filter(|at| !guilty[*at]).collect();
            prop_assert_eq!(taken, innocent);
            let found: Vec<usize> =
                progress.into_rejected().iter().map(|rejection| rejection.sequence_number as usize - 1).collect();
            let expected: Vec<usize> = (0..guilty.len()).filter(|at| guilty[*at]).collect();
            prop_assert_eq!(found, expected);
            prop_assert!(requests < 3 * guilty.len() + 2, "{requests} requests for {} records", guilty.len());
        }
    }
}
