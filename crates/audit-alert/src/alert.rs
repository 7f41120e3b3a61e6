use std::time::Duration;

use audit_model::{Action, Actor, Context, Event, EventId, EventType, Map, Resource, Timestamp, Value};

use crate::Severity;
use crate::clock::{text, timestamp};
use crate::firing::Firing;
use crate::key::group;
use crate::rule::{Rule, digest};
use crate::storm::Summary;

/// What somebody has to be told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Alert {
    /// The rule's name.
    pub rule: String,
    /// `alert-` and 16 hexadecimal digits: the same for all that is told of one alert, until it is over. It follows from
    /// the rule, the group and the event that fired it, so the same alert found out twice has the same.
    pub alert_id: String,
    /// The rule's description.
    pub description: Option<String>,
    /// How urgent it is.
    pub severity: Severity,
    /// Whether it goes on.
    pub status: Status,
    /// The rule's condition, as it was written.
    pub condition: String,
    /// How many events it is about so far; zero for what did not happen.
    pub count: u64,
    /// The rule's threshold, when it is more than one.
    pub threshold: Option<u32>,
    /// The rule's window.
    pub window: Option<Duration>,
    /// The rule's `absent_for`.
    pub absent_for: Option<Duration>,
    /// The values of the rule's `group_by`, by path; null is what the event lacks.
    pub group: Option<Map>,
    /// The time of the first event; of what did not happen, the last time that it did, or when the rule was first seen.
    pub first_time: Timestamp,
    /// The time of the latest event.
    pub last_time: Timestamp,
    /// How many times it was told before.
    pub repeat: u32,
    /// Of an alert that sums up others, which were too many to be told one by one: how many.
    pub summed_up: Option<u64>,
    /// The event whose arrival made it fire or be told again; of one that is over, the last such event.
    pub event: Option<Event>,
    /// Whether it was only made to try out those who are told.
    pub test: bool,
}

/// Whether an alert goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It goes on: `firing`.
    Fired,
    /// It is over: `resolved`.
    Resolved,
}

impl Status {
    /// The word for it in a record's details and in templates.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "firing",
            Self::Resolved => "resolved",
        }
    }

    /// The type of the record.
    #[must_use]
    pub fn event_type(self) -> EventType {
        let text = match self {
            Self::Fired => "alert.fired",
            Self::Resolved => "alert.resolved",
        };
        text.parse().expect("it has the form of an event type")
    }
}

impl Alert {
    pub(crate) fn fired(rule: &Rule, key: &str, firing: &Firing, event: Option<&Event>) -> Self {
        Self { event: event.cloned(), ..Self::of(rule, key, firing, Status::Fired) }
    }

    pub(crate) fn resolved(rule: &Rule, key: &str, firing: &Firing) -> Self {
        let event = firing.event.as_deref().cloned();
        Self { event, ..Self::of(rule, key, firing, Status::Resolved) }
    }

    pub(crate) fn summary(rule: &Rule, began: i64, summary: &Summary) -> Self {
        Self {
            count: summary.events,
            summed_up: Some(summary.alerts),
            first_time: timestamp(summary.first),
            last_time: timestamp(summary.last),
            ..Self::new(rule, rule.alert_id("", "summary", began), began)
        }
    }

    pub(crate) fn test(rule: &Rule, now: Timestamp) -> Self {
        let time = now.as_milliseconds();
        // Of what did not happen there is no event.
        let count = u64::from(rule.options().absent_for.is_none());
        Self { test: true, count, ..Self::new(rule, rule.alert_id("", "test", time), time) }
    }

    fn of(rule: &Rule, key: &str, firing: &Firing, status: Status) -> Self {
        Self {
            status,
            count: firing.count,
            group: group(rule.group_by(), key),
            first_time: firing.first_time(),
            last_time: firing.last_time(),
            repeat: firing.repeat,
            ..Self::new(rule, firing.id.clone(), firing.first)
        }
    }

    fn new(rule: &Rule, alert_id: String, time: i64) -> Self {
        let options = rule.options();
        Self {
            rule: rule.name().to_owned(),
            alert_id,
            description: options.description.clone(),
            severity: options.severity,
            status: Status::Fired,
            condition: rule.condition().to_string(),
            count: 0,
            threshold: (options.threshold > 1).then_some(options.threshold),
            window: options.window,
            absent_for: options.absent_for,
            group: None,
            first_time: timestamp(time),
            last_time: timestamp(time),
            repeat: 0,
            summed_up: None,
            event: None,
            test: false,
        }
    }

    /// The record of it: an event of type `alert.fired` or `alert.resolved`.
    ///
    /// Its id follows from the alert's id, status and repetition, and from nothing else: when a crash makes that the same
    /// alert is found out again, readers see that the second record says what the first did.
    #[must_use]
    pub fn to_event(&self, now: Timestamp) -> Event {
        let mut event = Event::at(now, self.status.event_type());
        event.event_id = self.event_id();
        event.actor = Some(Actor::system("audit-log"));
        event.action = Some(Action::success("alert"));
        event.resource = Some(Resource::new("alert_rule", self.rule.as_str()));
        event.context = self.event.as_ref().and_then(|event| event.context.as_ref()).and_then(context);
        event.details = self.details();
        // An event that nests as deep as can be nests too deep in another one. The alert has to be recorded all the same.
        if !is_shallow_enough(&event) {
            event.details.remove("event");
        }
        event
    }

    fn details(&self) -> Map {
        let mut details = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                details.insert(name.to_owned(), value);
            }
        };
        set("alert_id", Some(self.alert_id.as_str().into()));
        set("rule", Some(self.rule.as_str().into()));
        set("description", self.description.as_deref().map(Value::from));
        set("severity", Some(self.severity.as_str().into()));
        set("status", Some(self.status.as_str().into()));
        set("condition", Some(self.condition.as_str().into()));
        set("count", Some(self.count.into()));
        set("threshold", self.threshold.map(Value::from));
        set("window", self.window.map(|window| text(window).into()));
        set("absent_for", self.absent_for.map(|limit| text(limit).into()));
        set("group", self.group.clone().map(Value::from));
        set("first_time", Some(self.first_time.to_string().into()));
        set("last_time", Some(self.last_time.to_string().into()));
        set("repeat", Some(self.repeat.into()));
        set("summed_up", self.summed_up.map(Value::from));
        set("event", self.event.as_ref().and_then(|event| serde_json::to_value(event).ok()));
        set("test", self.test.then(|| true.into()));
        details
    }

    /// As those of other events: `evt_` and a UUID of version 7 (RFC 9562 §5.7), here with digest bits for random ones.
    fn event_id(&self) -> EventId {
        let repeat = self.repeat.to_string();
        let digest = digest([self.alert_id.as_str(), self.status.as_str(), &repeat]);
        let milliseconds = u64::try_from(self.first_time.as_milliseconds()).unwrap_or(0);
        let mut id = [0; 16];
        id[..6].copy_from_slice(&milliseconds.to_be_bytes()[2..]);
        id[6..].copy_from_slice(&digest[..10]);
        id[6] = 0x70 | (id[6] & 0x0f);
        id[8] = 0x80 | (id[8] & 0x3f);
        EventId::from(format!("evt_{}", const_hex::encode(id)))
    }
}

/// Whether the record can be read as well when it is sealed, which is one level more.
fn is_shallow_enough(record: &Event) -> bool {
    let mut sealed = record.clone();
    let details = Value::Object(std::mem::take(&mut sealed.details));
    sealed.details.insert("event".to_owned(), details);
    sealed.to_canonical_json().is_ok()
}

/// Where the event happened, without what else its context says.
fn context(of: &Context) -> Option<Context> {
    let mut context = Context::new();
    context.cluster_id.clone_from(&of.cluster_id);
    context.correlation_id.clone_from(&of.correlation_id);
    context.environment.clone_from(&of.environment);
    (context != Context::new()).then_some(context)
}
