use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use audit_sink::{Batch, Rejection};

/// How far the last batch got, because CloudWatch Logs keeps whatever is sent twice.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    state: RandomState,
    batch: Option<u64>,
    /// How many of the batch's requests were accepted.
    pub(crate) requests: usize,
    /// What was rejected of them.
    pub(crate) rejected: Vec<Rejection>,
}

impl Progress {
    /// Begins with a batch, unless it is the last one again.
    pub(crate) fn of(&mut self, batch: &Batch) {
        let batch = Some(fingerprint(&self.state, batch));
        if self.batch != batch {
            self.batch = batch;
            self.requests = 0;
            self.rejected.clear();
        }
    }
}

/// Of the content too: the same numbers with other content are another batch.
fn fingerprint(state: &RandomState, batch: &Batch) -> u64 {
    let mut hasher = state.build_hasher();
    batch.chain_id.hash(&mut hasher);
    for record in &batch.records {
        (record.sequence_number, record.timestamp_ms, &record.bytes).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use audit_sink::{Batch, Record};

    use super::Progress;

    #[test]
    fn is_kept_for_the_same_batch_only() {
        let record = |n: u64| Record { sequence_number: n, bytes: b"{}".to_vec(), ..Record::default() };
        let first = Batch { chain_id: "c".into(), records: vec![record(1), record(2)] };
        let mut other_chain = first.clone();
        other_chain.chain_id = "d".into();
        let mut other_content = first.clone();
        other_content.records[1].bytes = b"[]".to_vec();
        let mut shorter = first.clone();
        shorter.records.pop();
        for other in [other_chain, other_content, shorter] {
            let mut progress = Progress::default();
            progress.of(&first);
            progress.requests = 1;
            progress.of(&first.clone());
            assert_eq!(progress.requests, 1);
            progress.of(&other);
            assert_eq!(progress.requests, 0);
        }
    }
}
