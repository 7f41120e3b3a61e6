//! A batch of the log on its way to its place.

use std::collections::BTreeMap;

use audit_sink::{Batch, Record};

use crate::format::{Encoded, Format};

/// What is sent for a batch of the log, and what became of each of its records.
#[derive(Debug)]
pub(crate) struct Parcel {
    /// Once all of it is decided, all records of the log up to this number are.
    through: u64,
    /// What is still to be sent, the first last: the first half of what was refused as a whole comes before the second.
    parts: Vec<Batch>,
    /// The log's own records in ascending order, and what was made of them, where they are not sent as they are.
    rewritten: Option<(Vec<Record>, Encoded)>,
    /// The log's records that are refused for good, with the reasons.
    dead: BTreeMap<u64, (Record, String)>,
    /// How many of the log's records were not taken as decided yet.
    left: u64,
}

/// What became of records of the log.
#[derive(Debug)]
pub(crate) struct Decided {
    /// How many the place has.
    pub(crate) accepted: u64,
    /// Those that it will never have, with the reasons.
    pub(crate) dead: Vec<(Record, String)>,
}

impl Parcel {
    pub(crate) fn new(log: Batch, format: Option<&dyn Format>, through: u64) -> Self {
        let left = log.records.len() as u64;
        let mut parcel = Self { through, parts: Vec::new(), rewritten: None, dead: BTreeMap::new(), left };
        let Some(format) = format else {
            parcel.parts.extend((left > 0).then_some(log));
            return parcel;
        };
        let mut encoded = format.encode(&log);
        let Batch { chain_id, records: mut log } = log;
        // Those of the log are in order, and others need not be.
        log.sort_by_key(|record| record.sequence_number);
        for (record, reason) in encoded.without_place(&log) {
            parcel.dead.insert(record.sequence_number, (record.clone(), reason.to_owned()));
        }
        let records = encoded.take_records();
        parcel.parts.extend((!records.is_empty()).then_some(Batch { chain_id, records }));
        parcel.rewritten = Some((log, encoded));
        parcel
    }

    /// What is to be sent now.
    pub(crate) fn next_part(&mut self) -> Option<Batch> {
        self.parts.pop()
    }

    /// Has a part that was refused as a whole sent in two halves.
    pub(crate) fn halve(&mut self, mut part: Batch) {
        let second = part.records.split_off(part.records.len() / 2);
        self.parts.push(Batch { chain_id: part.chain_id.clone(), records: second });
        self.parts.push(part);
    }

    /// Notes what a place decided about a part: all of it is accepted but for the records of these numbers.
    pub(crate) fn decide(&mut self, part: Batch, rejected: &BTreeMap<u64, String>) {
        for sent in part.records {
            let Some(reason) = rejected.get(&sent.sequence_number) else { continue };
            let Some((log, encoded)) = &self.rewritten else {
                self.dead.insert(sent.sequence_number, (sent, reason.clone()));
                continue;
            };
            let members = encoded.members(sent.sequence_number).filter_map(|number| found(log, number));
            let dead = members.map(|record| (record.sequence_number, (record.clone(), reason.clone())));
            self.dead.extend(dead);
        }
    }

    /// All records of the log up to this number are decided. A record behind what is still to be sent may be as well.
    pub(crate) fn decided_through(&self) -> u64 {
        let next = self.parts.last().and_then(|part| part.records.first());
        next.map_or(self.through, |record| record.sequence_number.saturating_sub(1).min(self.through))
    }

    /// How many of the log's records lie behind [`decided_through`](Self::decided_through).
    pub(crate) fn undecided(&self) -> u64 {
        if self.parts.is_empty() {
            return 0;
        }
        let records = match &self.rewritten {
            None => self.parts.iter().map(|part| part.records.len()).sum(),
            Some((log, _)) => {
                let through = self.decided_through();
                log.len() - log.partition_point(|record| record.sequence_number <= through)
            }
        };
        records as u64
    }

    /// Takes what has been decided since it was last taken, up to the number to which all is: what lies behind it is sent
    /// again after a crash, and would be counted twice and be among the dead letters twice.
    pub(crate) fn take_decided(&mut self) -> Decided {
        let (left, through) = (self.undecided(), self.decided_through());
        let mut dead = Vec::new();
        while let Some(next) = self.dead.first_entry().filter(|next| left == 0 || *next.key() <= through) {
            dead.push(next.remove());
        }
        let decided = self.left.saturating_sub(left);
        self.left = left;
        Decided { accepted: decided.saturating_sub(dead.len() as u64), dead }
    }
}

/// The record of this number among records in ascending order.
fn found(records: &[Record], number: u64) -> Option<&Record> {
    let at = records.binary_search_by_key(&number, |record| record.sequence_number).ok()?;
    records.get(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Makes one record of those of each type, and refuses those without one.
    #[derive(Debug)]
    struct ByType;

    impl Format for ByType {
        fn encode(&self, batch: &Batch) -> Encoded {
            let mut encoded = Encoded::new(batch);
            for record in batch.records.iter().filter(|record| !record.event_type.is_empty()) {
                let same = batch.records.iter().filter(|other| other.event_type == record.event_type);
                encoded.push(record.clone(), same.map(|same| same.sequence_number));
            }
            encoded
        }
    }

    fn batch(types: &[&str]) -> Batch {
        let record = |(event_type, sequence_number): (&&str, u64)| Record {
            sequence_number,
            event_type: (*event_type).to_owned(),
            ..Record::default()
        };
        Batch { chain_id: "c".to_owned(), records: types.iter().zip(1..).map(record).collect() }
    }

    fn numbers(batch: &Batch) -> Vec<u64> {
        batch.records.iter().map(|record| record.sequence_number).collect()
    }

    /// How many were accepted, and which were not.
    fn decided(parcel: &mut Parcel) -> (u64, Vec<u64>) {
        let Decided { accepted, dead } = parcel.take_decided();
        (accepted, dead.into_iter().map(|(record, _)| record.sequence_number).collect())
    }

    fn refused(numbers: &[u64]) -> BTreeMap<u64, String> {
        numbers.iter().map(|number| (*number, "why".to_owned())).collect()
    }

    #[test]
    fn nothing_behind_what_is_still_to_be_sent_is_decided() {
        let mut parcel = Parcel::new(batch(&["a", "", "b", "c", "a", "d", "b"]), Some(&ByType), 9);
        assert_eq!((parcel.decided_through(), parcel.undecided()), (0, 7));
        let all = parcel.next_part().expect("there");
        assert_eq!(numbers(&all), [1, 3, 4, 6], "one a type, by their first members");
        parcel.halve(all);
        let first = parcel.next_part().expect("there");
        assert_eq!(numbers(&first), [1, 3]);
        parcel.decide(first, &refused(&[3]));
        assert_eq!((parcel.decided_through(), parcel.undecided()), (3, 4), "the second half begins with 4");
        assert_eq!(decided(&mut parcel), (1, vec![2, 3]), "5 is of type a, 7 of type b: both come later");
        let second = parcel.next_part().expect("there");
        parcel.decide(second, &refused(&[]));
        assert_eq!((parcel.decided_through(), parcel.undecided()), (9, 0));
        assert_eq!(decided(&mut parcel), (3, vec![7]));
        assert_eq!(decided(&mut parcel), (0, vec![]), "taken once");
        assert!(parcel.next_part().is_none());
    }

    #[test]
    fn what_a_format_leaves_out_or_refuses_is_decided_without_being_sent() {
        let mut parcel = Parcel::new(batch(&["", ""]), Some(&ByType), 4);
        assert!(parcel.next_part().is_none());
        assert_eq!((parcel.decided_through(), parcel.undecided()), (4, 0));
        let Decided { accepted: 0, dead } = parcel.take_decided() else { panic!("nothing was sent") };
        assert_eq!(dead.iter().map(|(record, _)| record.sequence_number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(dead[0].1, "its format left it out");
    }

    #[test]
    fn without_a_format_each_record_stands_for_itself() {
        let mut parcel = Parcel::new(batch(&["a", "a", "", "b"]), None, 4);
        let all = parcel.next_part().expect("there");
        parcel.halve(all);
        let first = parcel.next_part().expect("there");
        parcel.decide(first, &refused(&[1, 99]));
        assert_eq!((parcel.decided_through(), parcel.undecided()), (2, 2));
        assert_eq!(decided(&mut parcel), (1, vec![1]), "99 is not of this part");
    }

    proptest! {
        #[test]
        fn each_record_is_decided_once_and_nothing_is_acknowledged_before_it_is(
            types in prop::collection::vec(prop::sample::select(vec!["", "a", "b", "c", "d", "e"]), 1..40),
            bad in prop::collection::btree_set(1..40_u64, 0..6),
            names_bad in any::<bool>(),
            formatted in any::<bool>(),
        ) {
            let log = batch(&types);
            let through = log.records.len() as u64;
            let format: Option<&dyn Format> = if formatted { Some(&ByType) } else { None };
            let mut parcel = Parcel::new(log.clone(), format, through);
            let (mut accepted, mut given_up, mut acknowledged) = (0, Vec::new(), 0);
            loop {
                if let Some(part) = parcel.next_part() {
                    let is_bad = numbers(&part).iter().any(|number| bad.contains(number));
                    if is_bad && !names_bad && part.records.len() > 1 {
                        parcel.halve(part);
                        continue;
                    }
                    let rejected: Vec<u64> = bad.iter().copied().collect();
                    parcel.decide(part, &refused(&rejected));
                }
                prop_assert!(parcel.decided_through() >= acknowledged);
                acknowledged = parcel.decided_through();
                let (now_accepted, now_dead) = decided(&mut parcel);
                accepted += now_accepted;
                given_up.extend(now_dead);
                // What is repeated after a crash is counted then, and so not yet.
                prop_assert_eq!(accepted + given_up.len() as u64, acknowledged);
                prop_assert!(given_up.last().is_none_or(|last| *last <= acknowledged));
                // What is not acknowledged is counted, or else a batch that is repeated after a crash would be another one.
                prop_assert_eq!(parcel.undecided(), through - acknowledged);
                if parcel.undecided() == 0 {
                    break;
                }
            }
            let first_of = |event_type: &str| types.iter().position(|it| *it == event_type).map(|at| at as u64 + 1);
            let is_dead = |record: &&Record| match formatted {
                true => record.event_type.is_empty() || bad.contains(&first_of(&record.event_type).unwrap_or(0)),
                false => bad.contains(&record.sequence_number),
            };
            let expected: Vec<u64> = log.records.iter().filter(is_dead).map(|record| record.sequence_number).collect();
            prop_assert_eq!(accepted, through - expected.len() as u64);
            prop_assert_eq!(given_up, expected);
        }
    }
}
