//! One group of a rule that waits for events.

use serde::{Deserialize, Serialize};

use crate::desk::Desk;
use crate::firing::Firing;
use crate::groups::{Member, Worth};
use crate::terms::Terms;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Absence {
    /// The time of the last match; of none, when the rule was first seen.
    #[serde(rename = "l")]
    last: i64,
    /// How many were seen.
    #[serde(rename = "s")]
    seen: u64,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    firing: Option<Box<Firing>>,
}

/// How many times its limit a group is waited for.
const PATIENCE: i64 = 10;

impl Absence {
    pub(crate) fn new(since: i64) -> Self {
        Self { last: since, seen: 0, firing: None }
    }

    pub(crate) fn observe(&mut self, time: i64, desk: &mut Desk<'_>) {
        let limit = desk.terms().hold;
        self.seen = self.seen.saturating_add(1);
        if time < self.last {
            return;
        }
        // An absence that came to its end while nobody looked at the clock is told as well.
        if self.firing.is_none() && time >= self.last.saturating_add(limit) {
            self.begin(desk);
        }
        self.last = time;
        let now = desk.now();
        if let Some(firing) = self.firing.take_if(|_| now < time.saturating_add(limit)) {
            desk.end(&firing);
        }
    }

    /// Whether the group is given up.
    pub(crate) fn tick(&mut self, desk: &mut Desk<'_>) -> bool {
        let (terms, now) = (desk.terms(), desk.now());
        let given_up = self.given_up_at(terms).is_some_and(|due| due <= now);
        match &mut self.firing {
            None if now >= self.last.saturating_add(terms.hold) => self.begin(desk),
            None => {}
            Some(_) if given_up => return true,
            Some(firing) if firing.next_told(terms).is_some_and(|due| due <= now) => {
                desk.tell(firing);
            }
            Some(_) => {}
        }
        false
    }

    fn begin(&mut self, desk: &mut Desk<'_>) {
        let id = desk.alert_id("", self.last);
        let mut firing = Box::new(Firing::new(id, 0, (self.last, self.last), desk.now()));
        desk.tell(&mut firing);
        self.firing = Some(firing);
    }

    fn given_up_at(&self, terms: &Terms) -> Option<i64> {
        terms.grouped.then(|| self.last.saturating_add(terms.hold.saturating_mul(PATIENCE)))
    }
}

impl Member for Absence {
    fn due(&self, terms: &Terms) -> Option<i64> {
        let Some(firing) = &self.firing else { return Some(self.last.saturating_add(terms.hold)) };
        [firing.next_told(terms), self.given_up_at(terms)].into_iter().flatten().min()
    }

    fn stored(&self) -> usize {
        1
    }

    fn worth(&self, _newest: i64, _terms: &Terms) -> Worth {
        // The one that has been silent for longest is the one that is about to fire, so the newest go first.
        Worth {
            firing: self.firing.is_some(),
            alive: true,
            events: self.seen,
            time: self.last.saturating_neg(),
        }
    }

    fn is_over(&self, _newest: i64, _terms: &Terms) -> bool {
        false
    }

    fn set_back(&mut self, now: i64) {
        self.last = self.last.min(now);
        if let Some(firing) = &mut self.firing {
            firing.set_back(now);
        }
    }
}
