use audit_model::{Event, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

use crate::clock::{in_range, timestamp};
use crate::storm::MINUTE;
use crate::terms::Terms;

/// An alert that goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Firing {
    pub(crate) id: String,
    pub(crate) count: u64,
    /// The earliest and the latest event, by their own times.
    #[serde(deserialize_with = "time")]
    pub(crate) first: i64,
    #[serde(deserialize_with = "time")]
    pub(crate) last: i64,
    /// The latest event at which the condition held, by its own time, and by the clock.
    #[serde(deserialize_with = "time")]
    pub(crate) held: i64,
    #[serde(deserialize_with = "time")]
    pub(crate) held_at: i64,
    /// When it was told last, or would have been, had there not been too many; by the clock.
    #[serde(deserialize_with = "time")]
    pub(crate) told_at: i64,
    pub(crate) told: bool,
    pub(crate) repeat: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<Box<Event>>,
}

/// The canonical JSON of an event that is kept for the alerts to come: thousands may be kept.
const LARGEST_EVENT: usize = 4096;

impl Firing {
    pub(crate) fn new(id: String, count: usize, (first, last): (i64, i64), now: i64) -> Self {
        Self {
            id,
            count: count as u64,
            first,
            last,
            held: last,
            held_at: now,
            told_at: now,
            told: false,
            repeat: 0,
            event: None,
        }
    }

    pub(crate) fn first_time(&self) -> Timestamp {
        timestamp(self.first)
    }

    pub(crate) fn last_time(&self) -> Timestamp {
        timestamp(self.last)
    }

    /// From when on it may be told again; one that was held back, as soon as there may be room for it.
    pub(crate) fn next_told(&self, terms: &Terms) -> Option<i64> {
        let pause = if self.told { terms.pause(self.repeat) } else { terms.cooldown.min(MINUTE) };
        (terms.realert || !self.told).then(|| self.told_at.saturating_add(pause))
    }

    /// When it is over, if nothing happens. Not within the cooldown: what begins again then is the same alert.
    pub(crate) fn over_at(&self, terms: &Terms) -> i64 {
        self.held_at.saturating_add(terms.hold).max(self.told_at.saturating_add(terms.cooldown))
    }

    pub(crate) fn tell(&mut self, now: i64, event: Option<&Event>) {
        self.repeat = if self.told { self.repeat.saturating_add(1) } else { 0 };
        (self.told, self.told_at) = (true, now);
        let small = |event: &&Event| event.to_canonical_json().is_ok_and(|text| text.len() <= LARGEST_EVENT);
        if let Some(event) = event.filter(small) {
            self.event = Some(Box::new(event.clone()));
        }
    }

    pub(crate) fn hold_back(&mut self, now: i64) {
        self.told_at = now;
    }

    pub(crate) fn set_back(&mut self, now: i64) {
        self.held_at = self.held_at.min(now);
        self.told_at = self.told_at.min(now);
    }
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    i64::deserialize(from).map(in_range)
}
