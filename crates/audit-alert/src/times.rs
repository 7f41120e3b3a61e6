//! When events happened: a sorted list, bounded by whoever keeps it.

use std::collections::VecDeque;
use std::hash::Hasher;

use audit_model::EventId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An event's time in milliseconds, and a number made of its id, so that the same event is recognised when it comes again.
pub(crate) type Entry = (i64, u64);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    sorted: VecDeque<Entry>,
}

impl Times {
    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(crate) fn contains(&self, entry: &Entry) -> bool {
        self.sorted.binary_search(entry).is_ok()
    }

    /// Whether it was not there yet.
    pub(crate) fn insert(&mut self, entry: Entry) -> bool {
        match self.sorted.binary_search(&entry) {
            Ok(_) => false,
            Err(at) => {
                self.sorted.insert(at, entry);
                true
            }
        }
    }

    /// Forgets what happened at `time` or before, and the oldest beyond `most`.
    pub(crate) fn forget(&mut self, time: i64, most: usize) {
        let excess = self.sorted.len().saturating_sub(most);
        let old = self.up_to(time).max(excess);
        self.sorted.drain(..old);
    }

    /// Takes out what happened from `from` on and before `until` and is wanted.
    pub(crate) fn take(&mut self, from: i64, until: i64, wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let range = self.sorted.partition_point(|e| e.0 < from)..self.sorted.partition_point(|e| e.0 < until);
        let taken: Vec<Entry> = self.sorted.range(range).filter(|entry| wanted(entry)).copied().collect();
        if !taken.is_empty() {
            self.sorted.retain(|entry| taken.binary_search(entry).is_err());
        }
        taken
    }

    /// How many happened in the window that ends at `end` and is open at its beginning, and when the first of them did.
    pub(crate) fn window(&self, end: i64, length: i64) -> (usize, Option<i64>) {
        let first = self.up_to(end.saturating_sub(length));
        (self.up_to(end) - first, self.sorted.get(first).map(|entry| entry.0).filter(|time| *time <= end))
    }

    /// The end of the latest window that has `time` in it, ends at an entry, and holds at least `threshold` of them.
    pub(crate) fn latest_full(&self, time: i64, length: i64, threshold: usize) -> Option<i64> {
        let first = self.up_to(time).checked_sub(1)?;
        let past = self.sorted.partition_point(|entry| entry.0 < time.saturating_add(length));
        (first..past).rev().find_map(|last| {
            let end = self.sorted[last].0;
            let earliest = self.sorted.get((last + 1).checked_sub(threshold)?)?.0;
            (earliest > end.saturating_sub(length)).then_some(end)
        })
    }

    /// Sets what is later than `time` to it.
    pub(crate) fn set_back(&mut self, time: i64) {
        for entry in &mut self.sorted {
            entry.0 = entry.0.min(time);
        }
        self.sort();
    }

    fn up_to(&self, time: i64) -> usize {
        self.sorted.partition_point(|entry| entry.0 <= time)
    }

    fn sort(&mut self) {
        self.sorted.make_contiguous().sort_unstable();
    }
}

/// The number by which an event is recognised: of 53 bits, so that any reader of JSON can read it. Whoever could make two events
/// collide could as well give them the same id.
pub(crate) fn id_number(id: &EventId) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.write(id.as_str().as_bytes());
    // FNV's low bits are weak; folded, all of them count.
    (hash.0 ^ (hash.0 >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11
}

/// FNV-1a: unlike the standard library's, it is the same in the next release, which reads what this one wrote.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Time and id by turns, each time as what it is later than the one before.
impl Serialize for Times {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut before = 0;
        to.collect_seq(self.sorted.iter().flat_map(|(time, id)| {
            let later = time.wrapping_sub(before);
            before = *time;
            [later, i64::try_from(*id).unwrap_or(i64::MAX)]
        }))
    }
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let numbers = Vec::<i64>::deserialize(from)?;
        let mut before = 0i64;
        let sorted = numbers.chunks_exact(2).map(|pair| {
            before = before.saturating_add(pair[0]);
            (crate::clock::in_range(before), u64::try_from(pair[1]).unwrap_or(0))
        });
        let mut times = Self { sorted: sorted.collect() };
        // A file that somebody edited must not make the searches go astray.
        times.sort();
        Ok(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(of: &[i64]) -> Times {
        let mut times = Times::default();
        for (id, time) in of.iter().enumerate() {
            assert!(times.insert((*time, id as u64)));
        }
        times
    }

    #[test]
    fn a_window_is_open_at_its_beginning() {
        let times = times(&[10, 20, 30, 30]);
        assert_eq!(times.window(30, 20), (3, Some(20)));
        assert_eq!(times.window(30, 21), (4, Some(10)));
        assert_eq!(times.window(25, 5), (0, None));
        assert_eq!(times.window(5, 100), (0, None));
    }

    #[test]
    fn the_latest_full_window_is_found_behind_a_late_event() {
        let times = times(&[0, 10, 14, 18, 40]);
        assert_eq!(times.latest_full(10, 10, 3), Some(18));
        assert_eq!(times.latest_full(10, 8, 3), None);
        assert_eq!(times.latest_full(0, 15, 3), Some(14));
        assert_eq!(times.latest_full(40, 100, 6), None);
        assert_eq!(times.latest_full(-1, 100, 1), None, "nothing happened then");
    }

    #[test]
    fn the_same_event_is_known_again() {
        let mut times = times(&[1, 2]);
        let entry = (2, id_number(&EventId::from("evt_1")));
        assert!(times.insert(entry) && !times.insert(entry) && times.contains(&entry));
        assert!(!times.contains(&(2, id_number(&EventId::from("evt_2")))));
        assert_eq!(times.len(), 3);
    }

    #[test]
    fn what_is_written_is_read_and_sorted() {
        let given = times(&[-5, 1_700_000_000_000, 1_700_000_000_007]);
        let text = serde_json::to_string(&given).unwrap();
        assert_eq!(text, "[-5,0,1700000000005,1,7,2]");
        assert_eq!(serde_json::from_str::<Times>(&text).unwrap(), given);
        let odd: Times = serde_json::from_str("[9223372036854775807,-1,-5,3,7]").unwrap();
        assert_eq!(odd.len(), 2);
        assert!(odd.sorted[0] <= odd.sorted[1]);
    }
}
