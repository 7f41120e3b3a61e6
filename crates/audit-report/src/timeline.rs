use audit_model::Timestamp;
use serde::Serialize;

use crate::outcome::Outcome;
use crate::{Period, Unit};

/// How many events there were, hour by hour, day by day, month by month or year by year.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Timeline {
    /// What it counts by.
    pub unit: Unit,
    /// All hours, days, months or years of the period, the empty ones among them.
    pub slots: Vec<Slot>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Slot {
    /// When it begins. The first may have begun before the period: then only a part of it is counted.
    pub start: Timestamp,
    /// How many events there were.
    pub events: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many of them were denied.
    pub denied: u64,
}

impl Timeline {
    pub(crate) fn new(period: Period) -> Self {
        let empty = |start| Slot { start, events: 0, failures: 0, denied: 0 };
        Self { unit: period.unit(), slots: period.beginnings().into_iter().map(empty).collect() }
    }

    /// Counts what is in the period.
    pub(crate) fn count(&mut self, time: Timestamp, outcome: Outcome) {
        let after = match self.unit {
            // All as long as each other: no need to look for it.
            Unit::Hour => self.even(time, 3_600_000),
            Unit::Day => self.even(time, 86_400_000),
            _ => self.slots.partition_point(|slot| slot.start <= time),
        };
        if let Some(slot) = after.checked_sub(1).and_then(|index| self.slots.get_mut(index)) {
            slot.events += 1;
            slot.failures += u64::from(outcome == Outcome::Failed);
            slot.denied += u64::from(outcome == Outcome::Denied);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, its) in self.slots.iter_mut().zip(&other.slots) {
            mine.events += its.events;
            mine.failures += its.failures;
            mine.denied += its.denied;
        }
    }

    fn even(&self, time: Timestamp, length: i64) -> usize {
        let first = self.slots.first().map_or(0, |slot| slot.start.as_milliseconds());
        usize::try_from((time.as_milliseconds() - first).div_euclid(length) + 1).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_in_the_slot_of_its_time() {
        for (from, to) in [
            ("2026-10-01T10:30:00Z", "2026-10-02T11:10:00Z"),
            ("2024-02-10T10:30:00Z", "2024-03-20T00:00:00Z"),
            ("2023-11-10T00:00:00Z", "2025-01-02T00:00:00Z"),
            ("1990-05-01T00:00:00Z", "2026-01-01T00:00:01Z"),
        ] {
            let period = Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
            let mut timeline = Timeline::new(period);
            let step = (period.to().as_milliseconds() - period.from().as_milliseconds()) / 997;
            let mut expected = vec![0; timeline.slots.len()];
            for index in 0..997 {
                let time =
                    Timestamp::from_milliseconds(period.from().as_milliseconds() + index * step).unwrap();
                let slot = timeline.slots.iter().rposition(|slot| slot.start <= time).unwrap();
                expected[slot] += 1;
                timeline.count(time, Outcome::Other);
            }
            let counted: Vec<u64> = timeline.slots.iter().map(|slot| slot.events).collect();
            assert_eq!(counted, expected, "{period}");
        }
    }
}
