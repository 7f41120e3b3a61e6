use std::time::Duration;

use audit_model::Timestamp;

/// When a segment is full, and what becomes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The size in bytes that a segment is kept under; a single larger batch makes a larger segment.
    pub max_size: Option<u64>,
    /// The time from its first record on after which a segment is closed even when it is small.
    pub max_age: Option<Duration>,
    /// How many rotated segments are kept, the newest. The journal deletes none by itself: each of the others is an
    /// [`Incident::PruneDue`](crate::Incident::PruneDue), for the one who writes to put on record and then [`prune`](crate::Journal::prune).
    pub max_files: Option<usize>,
    /// Whether rotated segments are compressed with gzip, in the background.
    pub compress: bool,
}

impl Rotation {
    /// No rotation: one file for ever.
    #[must_use]
    pub fn never() -> Self {
        Self::default()
    }

    /// Sets the size in bytes that a segment is kept under.
    #[must_use]
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.max_size = Some(bytes);
        self
    }

    /// Sets the time after which a segment is closed.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Sets how many rotated segments are kept.
    #[must_use]
    pub fn max_files(mut self, files: usize) -> Self {
        self.max_files = Some(files);
        self
    }

    /// Sets whether rotated segments are compressed.
    #[must_use]
    pub fn compress(mut self, compress: bool) -> Self {
        self.compress = compress;
        self
    }

    /// Whether a segment of `size` bytes, begun at `begun`, is closed before `more` bytes are added at `now`.
    pub(crate) fn is_due(&self, size: u64, begun: Timestamp, more: u64, now: Timestamp) -> bool {
        let age = now.as_milliseconds().saturating_sub(begun.as_milliseconds());
        size > 0
            && (self.max_size.is_some_and(|max| size + more > max)
                || self.max_age.is_some_and(|max| i128::from(age) >= max.as_millis().cast_signed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(milliseconds).unwrap()
    }

    #[test]
    fn by_size_by_age_and_never_an_empty_one() {
        let rotation = Rotation::never().max_size(100).max_age(Duration::from_secs(1));
        assert!(!rotation.is_due(50, at(0), 50, at(999)));
        assert!(rotation.is_due(50, at(0), 51, at(0)));
        assert!(rotation.is_due(50, at(0), 1, at(1000)));
        assert!(!rotation.is_due(0, at(0), 500, at(5000)));
        assert!(!Rotation::never().is_due(u64::MAX / 2, at(0), 1, at(1 << 40)));
    }
}
