//! When a reload that stopped half-way is tried again.

use std::time::{Duration, Instant};

/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Each pause is twice the one before, until it succeeds, or somebody has the configuration be read.
#[derive(Debug)]
pub(crate) struct Retry {
    first: Duration,
    pause: Duration,
    tried: Instant,
}

/// Why the configuration is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Somebody asked for it, or a file has changed.
    Asked,
    /// The one before stopped half-way.
    Retry,
}

impl Retry {
    pub(crate) fn new(first: Duration, now: Instant) -> Self {
        Self { first, pause: first, tried: now }
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.tried) >= self.pause
    }

    /// The configuration has been read, which was a retry that failed again or not.
    pub(crate) fn tried(&mut self, failed_again: bool, now: Instant) {
        self.tried = now;
        self.pause = if failed_again { self.pause.saturating_mul(2).min(LONGEST) } else { self.first };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long it is until each of the next tries.
    fn pauses(retry: &mut Retry, now: &mut Instant, count: usize) -> Vec<u64> {
        let mut next = || {
            let seconds = (1..).find(|after| retry.is_due(*now + Duration::from_secs(*after))).unwrap();
            *now += Duration::from_secs(seconds);
            retry.tried(true, *now);
            seconds
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn each_pause_is_twice_the_one_before_up_to_an_hour() {
        let mut now = Instant::now();
        let mut retry = Retry::new(Duration::from_secs(30), now);
        let expected = [30, 60, 120, 240, 480, 960, 1920, 3600, 3600];
        assert_eq!(pauses(&mut retry, &mut now, expected.len()), expected);
        retry.tried(false, now);
        assert_eq!(pauses(&mut retry, &mut now, 2), [30, 60]);
    }
}
