use audit_model::Timestamp;
use serde::Serialize;

/// How many rows a section has at most; how many there are is always told.
pub const MOST_ROWS: usize = 1000;

/// The rows of a section.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Section<T> {
    /// How many there are.
    pub total: u64,
    /// How many of them are not among the rows.
    pub more: u64,
    /// The earliest of them, up to [`MOST_ROWS`], by time.
    pub rows: Vec<T>,
}

impl<T> Section<T> {
    pub(crate) fn new(total: u64, mut rows: Vec<T>) -> Self {
        rows.truncate(MOST_ROWS);
        Self { total, more: total.saturating_sub(rows.len() as u64), rows }
    }

    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// The rows with the least keys, which are their times, of what comes in any number and order.
///
/// Of what has the same key the first that came are kept, so that parts that are merged in their order keep what the whole
/// would have.
#[derive(Clone, Debug)]
pub(crate) struct Kept<T, K = Timestamp> {
    total: u64,
    rows: Vec<(K, T)>,
    /// From this key on nothing is kept: there is enough that is less, or the same and came before.
    full_at: Option<K>,
}

impl<T, K> Default for Kept<T, K> {
    fn default() -> Self {
        Self { total: 0, rows: Vec::new(), full_at: None }
    }
}

impl<T, K: Ord + Clone> Kept<T, K> {
    /// Counts a row, and makes it only where it is kept.
    pub(crate) fn push(&mut self, key: K, row: impl FnOnce() -> T) {
        self.total += 1;
        if self.full_at.as_ref().is_some_and(|full_at| key >= *full_at) {
            return;
        }
        self.rows.push((key, row()));
        if self.rows.len() >= 2 * MOST_ROWS {
            self.cut();
        }
    }

    /// Adds what came later.
    pub(crate) fn merge(&mut self, later: Self) {
        self.total += later.total;
        self.rows.extend(later.rows);
        self.cut();
    }

    pub(crate) fn finish(mut self) -> Section<T> {
        self.cut();
        Section::new(self.total, self.rows.into_iter().map(|(_, row)| row).collect())
    }

    fn cut(&mut self) {
        self.rows.sort_by(|a, b| a.0.cmp(&b.0));
        if self.rows.len() >= MOST_ROWS {
            self.rows.truncate(MOST_ROWS);
            self.full_at = self.rows.last().map(|(key, _)| key.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(times: &[(i64, usize)]) -> Kept<(i64, usize)> {
        let mut kept = Kept::default();
        for row in times {
            kept.push(Timestamp::from_milliseconds(row.0).unwrap(), || *row);
        }
        kept
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn parts_keep_what_the_whole_does(
            times in prop::collection::vec(0..300_i64, 0..6000),
            cuts in prop::collection::vec(0..6000_usize, 0..4),
        ) {
            let rows: Vec<(i64, usize)> = times.into_iter().zip(0..).collect();
            let mut expected = rows.clone();
            expected.sort_by_key(|row| row.0);
            expected.truncate(MOST_ROWS);
            let mut merged = Kept::default();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(rows.len())).collect();
            cuts.extend([0, rows.len()]);
            cuts.sort_unstable();
            for pair in cuts.windows(2) {
                merged.merge(kept(&rows[pair[0]..pair[1]]));
            }
            let section = merged.finish();
            prop_assert_eq!(&section.rows, &expected);
            prop_assert_eq!(section.total, rows.len() as u64);
            prop_assert_eq!(section.more, (rows.len() - expected.len()) as u64);
            prop_assert_eq!(kept(&rows).finish(), section);
        }
    }
}
