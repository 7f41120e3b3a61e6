use std::collections::BTreeMap;

use audit_model::{Event, EventType, Timestamp, Value};
use serde::Serialize;

use crate::Section;
use crate::excerpt::{detail, excerpt, literal};

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Alert {
    /// Its id.
    pub alert_id: String,
    /// Which rule.
    pub rule: Option<String>,
    /// How urgent: `critical`, `high`, `medium`, `low`, `info`.
    pub severity: Option<String>,
    /// When it fired; nothing when that was before the period.
    pub fired: Option<Timestamp>,
    /// How often it was told, the first time among them.
    pub told: u64,
    /// How many events it is about, as was told last.
    pub events: Option<u64>,
    /// Whom or what it is about, by the rule's `group_by`: `actor.id: bob@company.com`.
    pub group: Option<String>,
    /// When it was over; nothing when it was not, within the period.
    pub resolved: Option<Timestamp>,
    /// How often somebody could not be told.
    pub notify_failed: u64,
    /// The last time of it.
    pub last_notify_failure: Option<NotifyFailure>,
    /// Whether it was only made to try out those who are told.
    pub test: bool,
}

/// Somebody could not be told of an alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NotifyFailure {
    /// When that was put on record.
    pub time: Timestamp,
    /// Whom: the notifier's name.
    pub notifier: Option<String>,
    /// Why.
    pub error: Option<String>,
    /// Whether it was given up; otherwise it was tried on.
    pub given_up: bool,
}

/// The alerts so far, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alerts {
    alerts: BTreeMap<String, Alert>,
}

impl Alerts {
    /// Takes the records of alerts.
    pub(crate) fn observe(&mut self, event: &Event) {
        let text = |name: &str| event.details.get(name).and_then(Value::as_str);
        let id = excerpt(text("alert_id").unwrap_or(event.event_id.as_str()));
        let mut alert = Alert {
            alert_id: id,
            rule: text("rule").map(excerpt),
            severity: text("severity").map(excerpt),
            fired: None,
            told: 0,
            events: event.details.get("count").and_then(Value::as_u64),
            group: event.details.get("group").filter(|group| !group.is_null()).map(group),
            resolved: None,
            notify_failed: 0,
            last_notify_failure: None,
            test: event.details.get("test") == Some(&Value::Bool(true)),
        };
        let time = event.timestamp;
        if event.event_type == EventType::ALERT_FIRED {
            let is_first = event.details.get("repeat").and_then(Value::as_u64).unwrap_or(0) == 0;
            (alert.fired, alert.told) = (is_first.then_some(time), 1);
        } else if event.event_type == EventType::ALERT_RESOLVED {
            alert.resolved = Some(time);
        } else if event.event_type == EventType::ALERT_NOTIFY_FAILED {
            alert.notify_failed = 1;
            alert.last_notify_failure = Some(NotifyFailure {
                time,
                notifier: event.resource.as_ref().and_then(|notifier| notifier.id.as_deref()).map(excerpt),
                error: detail(event, &["error", "reason"]),
                given_up: event.details.get("given_up") == Some(&Value::Bool(true)),
            });
        } else {
            return;
        }
        self.add(alert);
    }

    pub(crate) fn merge(&mut self, later: Self) {
        later.alerts.into_values().for_each(|alert| self.add(alert));
    }

    /// By the time at which they fired; those from before the period first.
    pub(crate) fn finish(self) -> Section<Alert> {
        let mut rows: Vec<Alert> = self.alerts.into_values().collect();
        rows.sort_by(|a, b| (a.fired, &a.alert_id).cmp(&(b.fired, &b.alert_id)));
        Section::new(rows.len() as u64, rows)
    }

    fn add(&mut self, its: Alert) {
        let Some(alert) = self.alerts.get_mut(&its.alert_id) else {
            self.alerts.insert(its.alert_id.clone(), its);
            return;
        };
        alert.fired = [alert.fired, its.fired].into_iter().flatten().min();
        alert.resolved = [alert.resolved, its.resolved].into_iter().flatten().max();
        alert.told += its.told;
        alert.notify_failed += its.notify_failed;
        alert.rule = alert.rule.take().or(its.rule);
        alert.severity = alert.severity.take().or(its.severity);
        alert.group = alert.group.take().or(its.group);
        alert.events = its.events.or(alert.events);
        alert.last_notify_failure = its.last_notify_failure.or(alert.last_notify_failure.take());
        alert.test |= its.test;
    }
}

fn group(group: &Value) -> String {
    let Some(values) = group.as_object() else { return literal(group) };
    let values: Vec<String> =
        values.iter().map(|(path, value)| format!("{path}: {}", literal(value))).collect();
    excerpt(&values.join(", "))
}
