use hashbrown::HashMap;

use audit_model::Timestamp;
use serde::Serialize;

use crate::outcome::Outcome;

/// How many actors a report lists.
pub const MOST_ACTORS: usize = 50;

/// Who did how much.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Actors {
    /// How many there are. Events without an actor are nobody's, and do not count as one.
    pub total: u64,
    /// How many of them are not among the rows.
    pub more: u64,
    /// How many events name no actor.
    pub events_without: u64,
    /// Those with the most events, up to [`MOST_ACTORS`].
    pub rows: Vec<Actor>,
}

/// What one actor did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Actor {
    /// Who.
    pub id: String,
    /// How many events.
    pub events: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many of them were denied.
    pub denied: u64,
    /// The time of the earliest.
    pub first: Timestamp,
    /// The time of the latest.
    pub last: Timestamp,
}

/// Counts by actor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    actors: HashMap<Box<str>, Count>,
    without: u64,
}

#[derive(Clone, Debug)]
struct Count {
    events: u64,
    failures: u64,
    denied: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Counts {
    pub(crate) fn count(&mut self, id: Option<&str>, time: Timestamp, outcome: Outcome) {
        let Some(id) = id else {
            self.without += 1;
            return;
        };
        let nothing = || Count { events: 0, failures: 0, denied: 0, first: time, last: time };
        let count = match self.actors.get_mut(id) {
            Some(count) => count,
            None => self.actors.entry(id.into()).or_insert_with(nothing),
        };
        count.events += 1;
        count.failures += u64::from(outcome == Outcome::Failed);
        count.denied += u64::from(outcome == Outcome::Denied);
        count.first = count.first.min(time);
        count.last = count.last.max(time);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.without += other.without;
        for (id, its) in other.actors {
            let Some(count) = self.actors.get_mut(&id) else {
                self.actors.insert(id, its);
                continue;
            };
            count.events += its.events;
            count.failures += its.failures;
            count.denied += its.denied;
            count.first = count.first.min(its.first);
            count.last = count.last.max(its.last);
        }
    }

    pub(crate) fn finish(self) -> Actors {
        let total = self.actors.len() as u64;
        let mut actors: Vec<(Box<str>, Count)> = self.actors.into_iter().collect();
        let by_number = |a: &(Box<str>, Count), b: &(Box<str>, Count)| {
            b.1.events.cmp(&a.1.events).then_with(|| a.0.cmp(&b.0))
        };
        if actors.len() > MOST_ACTORS {
            actors.select_nth_unstable_by(MOST_ACTORS, by_number);
            actors.truncate(MOST_ACTORS);
        }
        actors.sort_unstable_by(by_number);
        let row = |(id, count): (Box<str>, Count)| Actor {
            id: crate::excerpt::excerpt(&id),
            events: count.events,
            failures: count.failures,
            denied: count.denied,
            first: count.first,
            last: count.last,
        };
        let rows: Vec<Actor> = actors.into_iter().map(row).collect();
        Actors { total, more: total - rows.len() as u64, events_without: self.without, rows }
    }
}
