//! One group of a rule that counts events.

use audit_model::Event;
use serde::{Deserialize, Serialize};

use crate::desk::Desk;
use crate::firing::Firing;
use crate::groups::{Member, Worth};
use crate::terms::{Before, Terms};
use crate::times::{Entry, Times};

/// An event that a rule is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) event: &'a Event,
    pub(crate) entry: Entry,
    /// Whether the rule's own condition matches.
    pub(crate) counts: bool,
    /// Whether that of `preceded_by` does.
    pub(crate) precedes: bool,
    pub(crate) now: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Window {
    /// The time of the newest event.
    #[serde(rename = "n")]
    newest: i64,
    /// Events that count.
    #[serde(rename = "t", default, skip_serializing_if = "is_empty")]
    times: Times,
    /// Events that count and are too late to be counted with those.
    #[serde(rename = "l", default, skip_serializing_if = "is_empty")]
    late: Times,
    /// Events that precede others.
    #[serde(rename = "b", default, skip_serializing_if = "is_empty")]
    before: Times,
    /// Events that count if what precedes them comes late.
    #[serde(rename = "p", default, skip_serializing_if = "is_empty")]
    pending: Times,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    firing: Option<Box<Firing>>,
}

fn is_empty(times: &Times) -> bool {
    times.len() == 0
}

impl Window {
    pub(crate) fn new(time: i64) -> Self {
        Self {
            newest: time,
            times: Times::default(),
            late: Times::default(),
            before: Times::default(),
            pending: Times::default(),
            firing: None,
        }
    }

    pub(crate) fn observe(&mut self, arrival: &Arrival<'_>, desk: &mut Desk<'_>) {
        let (terms, now) = (desk.terms(), desk.now());
        let time = arrival.entry.0;
        let is_late = !self.admit(time, now, terms);
        if is_late {
            desk.counters.late = desk.counters.late.saturating_add(1);
            // What preceded it, or what it precedes, may be forgotten; one that needs no other counts.
            if !arrival.counts || (terms.before.is_some() && terms.threshold > 1) {
                return;
            }
        }
        if let Some(firing) = self.firing.take_if(|firing| {
            time >= firing.held.saturating_add(terms.hold)
                && now >= firing.told_at.saturating_add(terms.cooldown)
        }) {
            self.forget_told(&firing);
            desk.end(&firing);
        }
        let mut counted = match &terms.before {
            Some(before) => self.preceded(arrival, before, desk),
            None => vec![arrival.entry],
        };
        let times = if is_late && terms.before.is_none() { &mut self.late } else { &mut self.times };
        counted.retain(|entry| {
            let new = times.insert(*entry);
            desk.counters.duplicates = desk.counters.duplicates.saturating_add(u64::from(!new));
            new
        });
        let full = |entry: &Entry| times.latest_full(entry.0, terms.window.max(1), terms.threshold);
        let mut holds = false;
        if terms.hold == 0 {
            for (time, _) in &counted {
                desk.tell_of(arrival.event.event_id.as_str(), *time);
            }
        } else if let Some(end) = counted.iter().filter_map(full).max() {
            match &mut self.firing {
                Some(firing) => {
                    (firing.held, firing.held_at) = (firing.held.max(end), now);
                    holds = true;
                }
                None => {
                    let (count, first) = times.window(end, terms.window.max(1));
                    let id = desk.alert_id(arrival.event.event_id.as_str(), time);
                    let mut firing = Box::new(Firing::new(id, count, (first.unwrap_or(end), end), now));
                    desk.tell(&mut firing);
                    self.firing = Some(firing);
                    counted.clear();
                }
            }
        }
        if let Some(firing) = &mut self.firing {
            firing.count = firing.count.saturating_add(counted.len() as u64);
            for (time, _) in &counted {
                (firing.first, firing.last) = (firing.first.min(*time), firing.last.max(*time));
            }
            if holds && firing.next_told(terms).is_some_and(|due| due <= now) {
                desk.tell(firing);
            }
        }
        self.forget(terms);
    }

    pub(crate) fn tick(&mut self, desk: &mut Desk<'_>) {
        let (terms, now) = (desk.terms(), desk.now());
        if let Some(firing) = self.firing.take_if(|firing| now >= firing.over_at(terms)) {
            self.forget_told(&firing);
            desk.end(&firing);
        }
    }

    /// Says that an alert is over that nobody will look after any more.
    pub(crate) fn abandon(&self, desk: &mut Desk<'_>) {
        if let Some(firing) = &self.firing {
            desk.end(firing);
        }
    }

    /// Whether it is recent enough to be counted with others.
    fn admit(&mut self, time: i64, now: i64, terms: &Terms) -> bool {
        // The clock was in the future, and somebody's event with it: from now on nothing would be recent enough.
        if time < self.newest.saturating_sub(terms.reach()) && self.newest > now {
            self.newest = now;
            for times in [&mut self.times, &mut self.late, &mut self.before, &mut self.pending] {
                times.set_back(now);
            }
            if let Some(firing) = &mut self.firing {
                firing.held = firing.held.min(now);
            }
        }
        self.newest = self.newest.max(time);
        time >= self.newest.saturating_sub(terms.reach())
    }

    /// Which events count now that this one is here.
    fn preceded(&mut self, arrival: &Arrival<'_>, before: &Before, desk: &mut Desk<'_>) -> Vec<Entry> {
        let mut counted = Vec::new();
        let (time, _) = arrival.entry;
        if arrival.precedes && self.before.insert(arrival.entry) {
            let known = &self.before;
            let enough = |entry: &Entry| is_preceded(known, *entry, before);
            counted = self.pending.take(time, time.saturating_add(before.window), enough);
        }
        if arrival.counts {
            if is_preceded(&self.before, arrival.entry, before) {
                counted.push(arrival.entry);
            } else if !self.pending.insert(arrival.entry) {
                desk.counters.duplicates = desk.counters.duplicates.saturating_add(1);
            }
        }
        counted
    }

    /// Those that an alert has told of do not count for the next.
    fn forget_told(&mut self, firing: &Firing) {
        self.times.forget(firing.held, usize::MAX);
        self.late.forget(firing.held, usize::MAX);
    }

    fn forget(&mut self, terms: &Terms) {
        self.late.forget(i64::MIN, 5 * terms.threshold + 16);
        let reach = self.newest.saturating_sub(terms.reach());
        self.times.forget(reach.saturating_sub(terms.window), 5 * terms.threshold + 16);
        if let Some(before) = &terms.before {
            self.before.forget(reach.saturating_sub(before.window), 4 * before.threshold + 64);
            self.pending.forget(reach.saturating_sub(1), 4 * terms.threshold + 64);
        }
    }
}

fn is_preceded(known: &Times, entry: Entry, before: &Before) -> bool {
    let (count, _) = known.window(entry.0, before.window);
    // An event that matches both conditions does not precede itself.
    count >= before.threshold + usize::from(known.contains(&entry))
}

impl Member for Window {
    fn due(&self, terms: &Terms) -> Option<i64> {
        self.firing.as_ref().map(|firing| firing.over_at(terms))
    }

    fn stored(&self) -> usize {
        self.times.len() + self.late.len() + self.before.len() + self.pending.len()
    }

    fn worth(&self, newest: i64, terms: &Terms) -> Worth {
        Worth {
            firing: self.firing.is_some(),
            alive: !self.is_over(newest, terms),
            // Those that wait for a predecessor are no step towards an alert.
            events: (self.times.len() + self.before.len()) as u64,
            time: self.newest,
        }
    }

    fn is_over(&self, newest: i64, terms: &Terms) -> bool {
        self.firing.is_none() && self.newest < newest.saturating_sub(terms.memory())
    }

    fn set_back(&mut self, now: i64) {
        if let Some(firing) = &mut self.firing {
            firing.set_back(now);
        }
    }
}
