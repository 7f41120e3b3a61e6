use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use audit_sink::{Batch, Record};

/// How records are written for a place that wants them in another form than the log's.
///
/// ```
/// use audit_delivery::{Encoded, Format};
/// use audit_sink::{Batch, Record};
///
/// /// Only the ids of events, one record an id.
/// #[derive(Debug)]
/// struct Ids;
///
/// impl Format for Ids {
///     fn encode(&self, batch: &Batch) -> Encoded {
///         let mut encoded = Encoded::new(batch);
///         for record in &batch.records {
///             match record.event_id.as_str() {
///                 "" => encoded.refuse(record.sequence_number, "has no id"),
///                 id => encoded.push(Record { bytes: id.into(), ..record.clone() }, [record.sequence_number]),
///             }
///         }
///         encoded
///     }
/// }
///
/// let record = |sequence_number, id: &str| Record { sequence_number, event_id: id.into(), ..Record::default() };
/// let batch = Batch { chain_id: "c".into(), records: vec![record(7, "evt_1"), record(9, "")] };
/// let encoded = Ids.encode(&batch);
/// assert_eq!(encoded.records().map(|record| record.bytes.as_slice()).collect::<Vec<_>>(), [b"evt_1"]);
/// assert_eq!(encoded.refused().collect::<Vec<_>>(), [(9, "has no id")]);
/// ```
///
/// # Contract
/// - **Deterministic.** The same records of the log give the same bytes, in this process or the next: what was on its way at
///   a crash is encoded once more, and a place that recognises batches has to recognise it. So nothing of a batch is kept for
///   the next one, no clock is read, and of a record only its number and its `bytes` are looked at for what is written
///   (`timestamp_ms` is the present time for a line that has none).
/// - **Complete.** Each record of the batch stands in one record that is [pushed](Encoded::push), or is
///   [refused](Encoded::refuse). What a format leaves out counts as refused.
/// - **One batch at a time.** What is merged into one record was in one batch, so
///   [`BatchLimits::age`](crate::BatchLimits::age) is the longest time over which records are merged.
/// - **Quick.** It runs on the thread of its destination, and nothing is sent meanwhile.
pub trait Format: fmt::Debug + Send {
    /// Writes records of the log for the place. Called once a batch, however often that is sent.
    fn encode(&self, batch: &Batch) -> Encoded;
}

/// What a [`Format`] makes of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The encoded records by their numbers.
    records: BTreeMap<u64, Record>,
    /// The records of the log that each of them stands for, in ascending order.
    members: BTreeMap<u64, Vec<u64>>,
    /// Why records of the log cannot be written, by their numbers.
    refused: BTreeMap<u64, String>,
    /// The records of the log of which nothing was said yet.
    missing: BTreeSet<u64>,
}

impl Encoded {
    /// Nothing yet, for a batch of the log's records.
    #[must_use]
    pub fn new(batch: &Batch) -> Self {
        let missing = batch.records.iter().map(|record| record.sequence_number).collect();
        Self { records: BTreeMap::new(), members: BTreeMap::new(), refused: BTreeMap::new(), missing }
    }

    /// Adds a record that stands for these records of the batch. It gets the number of the first of them, whatever it has.
    ///
    /// What the batch has not, or what was pushed or refused before, it does not stand for; a record that stands for
    /// nothing is left out.
    pub fn push(&mut self, mut record: Record, stands_for: impl IntoIterator<Item = u64>) {
        let mut members = stands_for.into_iter().collect::<Vec<_>>();
        members.retain(|number| self.missing.remove(number));
        members.sort_unstable();
        let Some(&first) = members.first() else { return };
        record.sequence_number = first;
        self.records.insert(first, record);
        self.members.insert(first, members);
    }

    /// Says that a record of the batch cannot be written in this format, and why. It goes to the dead letters, unless an
    /// encoded record stands for it already.
    pub fn refuse(&mut self, sequence_number: u64, reason: impl Into<String>) {
        if self.missing.remove(&sequence_number) {
            self.refused.insert(sequence_number, reason.into());
        }
    }

    /// The encoded records, in the order of their numbers.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// The numbers of the log's records that the encoded record of this number stands for: its own comes first.
    pub fn members(&self, encoded: u64) -> impl Iterator<Item = u64> {
        self.members.get(&encoded).into_iter().flatten().copied()
    }

    /// The numbers of the log's records that cannot be written in this format, and why.
    pub fn refused(&self) -> impl Iterator<Item = (u64, &str)> {
        self.refused.iter().map(|(number, reason)| (*number, reason.as_str()))
    }

    /// Which of the log's records no encoded record stands for, and why.
    pub(crate) fn without_place<'a>(&self, log: &'a [Record]) -> Vec<(&'a Record, &str)> {
        let mut placed: Vec<u64> = self.members.values().flatten().copied().collect();
        placed.sort_unstable();
        let lost = log.iter().filter(|record| placed.binary_search(&record.sequence_number).is_err());
        let reason = |number| self.refused.get(number).map_or("its format left it out", String::as_str);
        lost.map(|record| (record, reason(&record.sequence_number))).collect()
    }

    /// The encoded records, to be sent.
    pub(crate) fn take_records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(numbers: &[u64]) -> Batch {
        let record = |&sequence_number: &u64| Record { sequence_number, ..Record::default() };
        Batch { chain_id: "c".to_owned(), records: numbers.iter().map(record).collect() }
    }

    fn numbers(encoded: &Encoded) -> Vec<u64> {
        encoded.records().map(|record| record.sequence_number).collect()
    }

    #[test]
    fn records_are_in_the_order_of_their_first_members() {
        let mut encoded = Encoded::new(&batch(&[3, 4, 6, 8, 9]));
        encoded.push(Record::default(), [8, 4]);
        encoded.push(Record::default(), [9, 3]);
        encoded.refuse(6, "why");
        assert_eq!(numbers(&encoded), [3, 4]);
        assert_eq!(encoded.members(3).collect::<Vec<_>>(), [3, 9]);
        assert_eq!(encoded.members(4).collect::<Vec<_>>(), [4, 8]);
        assert_eq!(encoded.refused().collect::<Vec<_>>(), [(6, "why")]);
    }

    #[test]
    fn each_record_of_the_batch_has_one_fate_and_no_other_has_any() {
        let mut encoded = Encoded::new(&batch(&[3, 4, 6]));
        encoded.push(Record { sequence_number: 99, ..Record::default() }, [4, 4, 0, 77]);
        encoded.push(Record::default(), [4]);
        encoded.refuse(4, "too late");
        encoded.refuse(5, "not in the batch");
        encoded.refuse(6, "why");
        encoded.push(Record::default(), [6]);
        assert_eq!(numbers(&encoded), [4]);
        assert_eq!(encoded.members(4).collect::<Vec<_>>(), [4]);
        // 5 as if a format had taken something else for its batch.
        let log = batch(&[3, 4, 5, 6]).records;
        let lost = encoded.without_place(&log);
        let lost: Vec<_> = lost.iter().map(|(record, reason)| (record.sequence_number, *reason)).collect();
        assert_eq!(lost, [(3, "its format left it out"), (5, "its format left it out"), (6, "why")]);
        assert_eq!(encoded.refused().count(), 1);
    }
}
