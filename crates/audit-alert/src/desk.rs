use audit_model::Event;

use crate::alert::Alert;
use crate::counters::Counters;
use crate::firing::Firing;
use crate::rule::Rule;
use crate::storm::Storm;
use crate::terms::Terms;

/// Where the alerts of one group of one rule are given out.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) rule: &'a Rule,
    pub(crate) key: &'a str,
    /// The event that just came.
    pub(crate) event: Option<&'a Event>,
    pub(crate) now: i64,
    pub(crate) storm: &'a mut Storm,
    pub(crate) counters: &'a mut Counters,
    pub(crate) alerts: &'a mut Vec<Alert>,
}

impl<'a> Desk<'a> {
    pub(crate) fn terms(&self) -> &'a Terms {
        self.rule.terms()
    }

    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    pub(crate) fn alert_id(&self, subject: &str, time: i64) -> String {
        self.rule.alert_id(self.key, subject, time)
    }

    /// The same for another group, about which no event came.
    pub(crate) fn of<'b>(&'b mut self, key: &'b str) -> Desk<'b> {
        Desk {
            rule: self.rule,
            key,
            event: None,
            now: self.now,
            storm: self.storm,
            counters: self.counters,
            alerts: self.alerts,
        }
    }

    /// Tells of an event that is an alert of its own.
    pub(crate) fn tell_of(&mut self, event_id: &str, time: i64) {
        let id = self.alert_id(event_id, time);
        self.tell(&mut Firing::new(id, 1, (time, time), self.now));
    }

    /// Tells of an alert that begins or goes on, unless too many were told already.
    pub(crate) fn tell(&mut self, firing: &mut Firing) {
        if self.storm.admits(firing, self.rule.max_alerts(), self.now) {
            firing.tell(self.now, self.event);
            let event = self.event.or(firing.event.as_deref());
            self.alerts.push(Alert::fired(self.rule, self.key, firing, event));
            self.counters.told = self.counters.told.saturating_add(1);
        } else {
            firing.hold_back(self.now);
            self.counters.summed_up = self.counters.summed_up.saturating_add(1);
        }
    }

    /// Tells that an alert is over, if it was told that it had begun.
    pub(crate) fn end(&mut self, firing: &Firing) {
        if firing.told && self.terms().resolve {
            self.alerts.push(Alert::resolved(self.rule, self.key, firing));
            self.counters.told = self.counters.told.saturating_add(1);
        }
    }
}
