//! The rules' clock, driven by the events' own times.

use audit_alert::{Alert, Rules, State};
use audit_model::{Event, Timestamp};

/// Rules in a time that is over.
#[derive(Debug)]
pub(crate) struct Replay<'r> {
    rules: &'r Rules,
    state: State,
    clock: Option<Timestamp>,
    /// When the rules have to be told how late it is.
    due: Option<Timestamp>,
}

impl<'r> Replay<'r> {
    pub(crate) fn new(rules: &'r Rules) -> Self {
        Self { rules, state: State::default(), clock: None, due: None }
    }

    /// How late it is; nothing, before the first event.
    pub(crate) fn clock(&self) -> Option<Timestamp> {
        self.clock
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Lets time pass up to `to`. Calls `tell` with whatever somebody would have been told then, and when.
    pub(crate) fn pass(&mut self, to: Timestamp, tell: &mut impl FnMut(Timestamp, Alert)) {
        let Some(mut clock) = self.clock else {
            // The rules are in force from here on.
            self.tick(to, tell);
            return;
        };
        while let Some(due) = self.due.filter(|due| *due < to) {
            clock = clock.max(due);
            self.tick(clock, tell);
            // What a tick leaves undone is not done by the same one again.
            self.due = self.due.filter(|due| *due > clock);
        }
        self.clock = Some(clock.max(to));
    }

    /// The same, and what is due at `to` itself, or would be told as one a little later.
    pub(crate) fn finish(&mut self, to: Timestamp, tell: &mut impl FnMut(Timestamp, Alert)) {
        self.pass(to, tell);
        if let Some(clock) = self.clock.filter(|_| self.due.is_some_and(|due| due <= to)) {
            self.tick(clock, tell);
        }
        if let Some(clock) = self.clock {
            self.rules.finish(&mut self.state, clock).into_iter().for_each(|alert| tell(clock, alert));
        }
    }

    /// An event that happens now.
    pub(crate) fn observe(&mut self, event: &Event, tell: &mut impl FnMut(Timestamp, Alert)) {
        let now = self.clock.unwrap_or(event.timestamp);
        self.clock = Some(now);
        self.rules.observe(&mut self.state, event, now).into_iter().for_each(|alert| tell(now, alert));
        self.due = self.rules.next_tick(&self.state);
    }

    fn tick(&mut self, now: Timestamp, tell: &mut impl FnMut(Timestamp, Alert)) {
        self.clock = Some(now);
        self.rules.tick(&mut self.state, now).into_iter().for_each(|alert| tell(now, alert));
        self.due = self.rules.next_tick(&self.state);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use audit_alert::{Rule, RuleOptions, Status};
    use audit_condition::Condition;
    use audit_model::EventType;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(milliseconds).unwrap()
    }

    fn rules(options: RuleOptions) -> Rules {
        let condition = Condition::parse("event_type == 'backup.completed'").unwrap();
        Rules::new(vec![Rule::new("nightly", condition, options).unwrap()]).unwrap()
    }

    fn told(rules: &Rules, events: &[i64], end: i64) -> Vec<(i64, Status)> {
        let mut found = Vec::new();
        let mut tell =
            |now: Timestamp, alert: Alert| found.push((now.as_milliseconds() / HOUR, alert.status));
        let mut replay = Replay::new(rules);
        for hour in events {
            let event = Event::at(at(hour * HOUR), EventType::BACKUP_COMPLETED);
            replay.pass(event.timestamp, &mut tell);
            replay.observe(&event, &mut tell);
        }
        replay.finish(at(end * HOUR), &mut tell);
        found
    }

    #[test]
    fn time_passes_between_events_and_after_them() {
        let absent = Some(Duration::from_secs(26 * 3600));
        let rules = rules(RuleOptions { absent_for: absent, realert: false, ..RuleOptions::default() });
        assert_eq!(told(&rules, &[0, 24, 48], 60), []);
        let (fired, resolved) = (Status::Fired, Status::Resolved);
        assert_eq!(told(&rules, &[0, 24, 60], 70), [(50, fired), (60, resolved)]);
        assert_eq!(told(&rules, &[0], 25), []);
        assert_eq!(told(&rules, &[0], 26), [(26, fired)]);
        assert_eq!(told(&rules, &[0], 1_000_000), [(26, fired)]);
    }

    #[test]
    fn an_event_of_before_does_not_set_the_clock_back() {
        let rules = rules(RuleOptions::default());
        let fired = |hour| (hour, Status::Fired);
        assert_eq!(told(&rules, &[5, 3, 6], 6), [fired(5), fired(5), fired(6)]);
    }
}
