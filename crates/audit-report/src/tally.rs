use audit_model::{ActionResult, Event, EventType, Timestamp};

use crate::excerpt::bounded;
use crate::kept::Kept;
use crate::outcome::Outcome;
use crate::{ConfigurationChange, Denied, Failure, Gap, HoldRecord, Period, Pruned, Timeline};
use crate::{actors, alerts, operations, runs};

/// What a report counts, while the records go by.
///
/// Of every record of the period [`count`](Self::count) takes four fields, which needs no more than a look at the line. Of
/// those that are [notable](Self::is_notable), [`observe`](Self::observe) takes the whole event, too.
///
/// Parts of a log can be counted apart, on many threads, and [merged](Self::merge) in their order: that gives the same
/// report as one after the other would.
///
/// It holds some hundred bytes for each actor, each event type and each alert, and up to 2,000 rows for each section.
#[derive(Clone, Debug)]
pub struct Tally {
    pub(crate) period: Period,
    pub(crate) events: u64,
    pub(crate) failed: u64,
    pub(crate) refused: u64,
    pub(crate) timeline: Timeline,
    pub(crate) operations: operations::Counts,
    pub(crate) actors: actors::Counts,
    pub(crate) denied: Kept<Denied>,
    pub(crate) changes: Kept<ConfigurationChange>,
    pub(crate) failures: Kept<Failure>,
    pub(crate) lost: Kept<Gap>,
    pub(crate) lost_events: u64,
    pub(crate) tampered: Kept<Gap>,
    pub(crate) runs: runs::Runs,
    pub(crate) pruned: Kept<Pruned>,
    pub(crate) holds: Kept<HoldRecord>,
    pub(crate) alerts: alerts::Alerts,
}

impl Tally {
    /// Of nothing yet.
    #[must_use]
    pub fn new(period: Period) -> Self {
        Self {
            period,
            events: 0,
            failed: 0,
            refused: 0,
            timeline: Timeline::new(period),
            operations: operations::Counts::default(),
            actors: actors::Counts::default(),
            denied: Kept::default(),
            changes: Kept::default(),
            failures: Kept::default(),
            lost: Kept::default(),
            lost_events: 0,
            tampered: Kept::default(),
            runs: runs::Runs::default(),
            pruned: Kept::default(),
            holds: Kept::default(),
            alerts: alerts::Alerts::default(),
        }
    }

    /// The period that it counts.
    #[must_use]
    pub fn period(&self) -> Period {
        self.period
    }

    /// Counts a record. One outside the period is left out, and then it returns false. Names longer than 2 KiB count by
    /// their first 2 KiB.
    pub fn count(
        &mut self,
        time: Timestamp,
        event_type: &str,
        result: Option<&str>,
        actor_id: Option<&str>,
    ) -> bool {
        if !self.period.contains(time) {
            return false;
        }
        let outcome = Outcome::of(event_type, result);
        self.events += 1;
        self.failed += u64::from(outcome == Outcome::Failed);
        self.refused += u64::from(outcome == Outcome::Denied);
        self.timeline.count(time, outcome);
        self.operations.count(bounded(event_type), result.map(bounded), outcome);
        self.actors.count(actor_id.map(bounded), time, outcome);
        true
    }

    /// Whether a record of that type and result has to be [observed](Self::observe) as well.
    #[must_use]
    pub fn is_notable(event_type: &str, result: Option<&str>) -> bool {
        event_type == EventType::CONFIG_CHANGED.as_str()
            || event_type.starts_with("audit.")
            || event_type.starts_with("alert.")
            || Outcome::of(event_type, result) != Outcome::Other
    }

    /// Whether a record from before the period has to be observed: that the log was opened or closed. With them it is known of
    /// a run that ended in the period whether it ended orderly.
    #[must_use]
    pub fn is_notable_before(event_type: &str) -> bool {
        [EventType::AUDIT_STARTED, EventType::AUDIT_STOPPED].iter().any(|it| it.as_str() == event_type)
    }

    /// Takes what a notable record says. It does not [count](Self::count) it. What is not notable changes nothing.
    pub fn observe(&mut self, event: &Event) {
        let time = event.timestamp;
        if time < self.period.to() {
            self.runs.observe(event, self.period);
        }
        if !self.period.contains(time) {
            return;
        }
        let result = event.action.as_ref().and_then(|action| action.result.as_ref());
        match Outcome::of(event.event_type.as_str(), result.map(ActionResult::as_str)) {
            Outcome::Denied => self.denied.push(time, || Denied::of(event)),
            Outcome::Failed => self.failures.push(time, || Failure::of(event)),
            Outcome::Other => {}
        }
        let event_type = &event.event_type;
        if *event_type == EventType::CONFIG_CHANGED {
            self.changes.push(time, || ConfigurationChange::of(event));
        } else if *event_type == EventType::AUDIT_EVENTS_LOST {
            self.lose(Gap::events_lost(event), time);
        } else if *event_type == EventType::AUDIT_SOURCE_GAP {
            self.lose(Gap::source_gap(event), time);
        } else if *event_type == EventType::AUDIT_LOG_TAMPERED {
            self.tampered.push(time, || Gap::log_tampered(event));
        } else if *event_type == EventType::AUDIT_RETENTION_APPLIED {
            self.pruned.push(time, || Pruned::of(event));
        } else if *event_type == EventType::AUDIT_HOLD_PLACED || *event_type == EventType::AUDIT_HOLD_RELEASED
        {
            let released = *event_type == EventType::AUDIT_HOLD_RELEASED;
            self.holds.push(time, || HoldRecord::of(event, released));
        } else if event_type.is_alert() {
            self.alerts.observe(event);
        }
    }

    fn lose(&mut self, gap: Gap, time: Timestamp) {
        self.lost_events = self.lost_events.saturating_add(gap.events.unwrap_or(0));
        self.lost.push(time, || gap);
    }

    /// Adds what was counted of the records that follow.
    ///
    /// # Panics
    /// When the other counts another period.
    #[must_use]
    pub fn merge(mut self, later: Self) -> Self {
        assert_eq!(self.period, later.period, "parts of one report are about the same period");
        self.events += later.events;
        self.failed += later.failed;
        self.refused += later.refused;
        self.timeline.merge(&later.timeline);
        self.operations.merge(later.operations);
        self.actors.merge(later.actors);
        self.denied.merge(later.denied);
        self.changes.merge(later.changes);
        self.failures.merge(later.failures);
        self.lost.merge(later.lost);
        self.lost_events = self.lost_events.saturating_add(later.lost_events);
        self.tampered.merge(later.tampered);
        self.runs.merge(later.runs, self.period);
        self.pruned.merge(later.pruned);
        self.holds.merge(later.holds);
        self.alerts.merge(later.alerts);
        self
    }
}
