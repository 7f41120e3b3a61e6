use std::collections::BTreeMap;

/// A set of numbers, held as ranges that neither overlap nor touch.
#[derive(Default)]
pub(crate) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    pub(crate) fn insert(&mut self, mut first: u64, mut last: u64) {
        while let Some((&from, &to)) =
            self.0.range(..=last + 1).next_back().filter(|(_, to)| **to + 1 >= first)
        {
            self.0.remove(&from);
            (first, last) = (first.min(from), last.max(to));
        }
        self.0.insert(first, last);
    }

    /// The end of the range that `number` is in.
    pub(crate) fn end_of(&self, number: u64) -> Option<u64> {
        self.0.range(..=number).next_back().map(|(_, to)| *to).filter(|to| *to >= number)
    }

    /// Whether any of them is.
    pub(crate) fn meets(&self, first: u64, last: u64) -> bool {
        self.0.range(..=last).next_back().is_some_and(|(_, to)| *to >= first)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().map(|(first, last)| (*first, *last))
    }

    pub(crate) fn highest(&self) -> Option<u64> {
        self.0.last_key_value().map(|(_, to)| *to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        let mut set = Ranges::default();
        for (first, last) in [(5, 6), (1, 2), (9, 9), (3, 4), (8, 8)] {
            set.insert(first, last);
        }
        assert_eq!(
            (set.end_of(1), set.end_of(6), set.end_of(7), set.end_of(8)),
            (Some(6), Some(6), None, Some(9))
        );
        assert!(set.meets(7, 8) && !set.meets(7, 7) && !set.meets(10, 12));
        assert_eq!((set.highest(), set.0.len()), (Some(9), 2));
    }
}
