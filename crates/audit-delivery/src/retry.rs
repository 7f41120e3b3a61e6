use std::time::Duration;

/// When a batch that was not accepted is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The pause after the first failure, at most; each further failure doubles it.
    pub initial: Duration,
    /// What the pause grows to.
    pub maximum: Duration,
    /// After so many tries in vain a batch goes to the dead letters; without it, it is tried for ever.
    pub attempts: Option<u32>,
}

impl Default for Retry {
    /// From 200 ms to 30 s, for ever.
    fn default() -> Self {
        Self { initial: Duration::from_millis(200), maximum: Duration::from_secs(30), attempts: None }
    }
}

impl Retry {
    /// The pause after that many failures. `random` spreads it over its upper half, so that many who were turned away
    /// together do not come back together.
    pub(crate) fn pause(&self, failures: u32, random: u32) -> Duration {
        let doubled =
            self.initial.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        // Even who asks for no pause does not try as often as the machine can.
        let half = doubled.min(self.maximum).max(Duration::from_millis(2)) / 2;
        half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_maximum() {
        let retry =
            Retry { initial: Duration::from_millis(100), maximum: Duration::from_secs(1), attempts: None };
        let longest = |failures| retry.pause(failures, u32::MAX).as_millis();
        assert_eq!([1, 2, 3, 4, 5, 40, u32::MAX].map(longest), [100, 200, 400, 800, 1000, 1000, 1000]);
        assert_eq!(retry.pause(1, 0).as_millis(), 50, "at least half of it");
    }
}
