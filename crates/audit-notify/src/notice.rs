use std::fmt;

use audit_model::{CanonicalError, Event, JsonError, Map, Severity, Timestamp, Value, parse_json};
use audit_template::Shape;

use crate::{duration, severity, summary};

/// What an alert record says to whoever is told of it.
///
/// ```
/// use audit_notify::{Notice, Status};
///
/// let line = br#"{"event_type":"alert.resolved","timestamp":"2024-12-01T10:27:30Z","details":{"alert_id":"alert-00112233445566aa",
///     "rule":"access-denied-spike","severity":"high","first_time":"2024-12-01T10:15:30Z"}}"#;
/// let notice = Notice::from_line(line)?.expect("it is an alert");
/// assert_eq!((notice.rule(), notice.status()), ("access-denied-spike", Status::Resolved));
/// assert_eq!(notice.summary(), "access-denied-spike: resolved after 12 min");
/// assert!(Notice::from_line(br#"{"event_type":"backup.failed"}"#)?.is_none());
/// # Ok::<(), audit_notify::NoticeError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Notice {
    rule: String,
    alert_id: String,
    severity: Severity,
    status: Status,
    is_test: bool,
    time: Option<Timestamp>,
    summary: String,
    dot: Value,
}

/// Whether the alert is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It fired, for the first time or once more.
    Firing,
    /// It is over.
    Resolved,
}

impl Status {
    /// `firing` or `resolved`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// A line that is no record of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoticeError {
    /// It is not JSON, or JSON that no record holds.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It is JSON, and no object.
    #[error("a record is an object, as in {{\"event\":{{…}},\"integrity\":{{…}}}}; found another value")]
    NoObject,
    /// An event that cannot be written.
    #[error(transparent)]
    Event(#[from] CanonicalError),
}

/// What only the alert says in a template. An event's own member of such a name is seen under `.event` only.
pub(crate) const OF_THE_ALERT: [&str; 19] = [
    "absent_for",
    "alert_id",
    "alert_time",
    "condition",
    "count",
    "description",
    "event",
    "first_time",
    "group",
    "last_time",
    "lasted",
    "repeat",
    "rule",
    "severity",
    "status",
    "summary",
    "summed_up",
    "test",
    "threshold",
];

impl Notice {
    /// Reads a record as it stands in a log: sealed, `{"event":…,"integrity":…}`, or the bare event. `None` for a record that is
    /// no `alert.fired` or `alert.resolved`.
    ///
    /// Of an alert, whatever is missing or of another type is done without.
    ///
    /// # Errors
    /// When the line is no JSON object.
    pub fn from_line(line: &[u8]) -> Result<Option<Self>, NoticeError> {
        let Value::Object(mut record) = parse_json(line)? else { return Err(NoticeError::NoObject) };
        // A bare event may have a member of that name too.
        if record.contains_key("integrity") && !record.contains_key("event_type") {
            match record.remove("event") {
                Some(Value::Object(event)) => Ok(Self::read(&event)),
                _ => Err(NoticeError::NoObject),
            }
        } else {
            Ok(Self::read(&record))
        }
    }

    /// As [`Notice::from_line`], of an event.
    ///
    /// # Errors
    /// When the event cannot be written as a record.
    pub fn from_event(event: &Event) -> Result<Option<Self>, NoticeError> {
        Self::from_line(&event.to_canonical_json()?)
    }

    fn read(record: &Map) -> Option<Self> {
        let status = match record.get("event_type").and_then(Value::as_str) {
            Some("alert.fired") => Status::Firing,
            Some("alert.resolved") => Status::Resolved,
            _ => return None,
        };
        let nothing = Map::new();
        let alert = record.get("details").and_then(Value::as_object).unwrap_or(&nothing);
        let text = |name: &str| alert.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let time_of = |value: Option<&Value>| value.and_then(Value::as_str)?.parse::<Timestamp>().ok();
        let of_the_rule = || record.get("resource")?.get("id")?.as_str().filter(|id| !id.is_empty());
        let rule = text("rule").or_else(of_the_rule).unwrap_or("unnamed rule").to_owned();
        let time = time_of(record.get("timestamp"));
        let lasted = time_of(alert.get("first_time")).zip(time).filter(|_| status == Status::Resolved).map(
            |(first, time)| duration::spoken(time.as_milliseconds().saturating_sub(first.as_milliseconds())),
        );
        let mut notice = Self {
            alert_id: text("alert_id").unwrap_or(&rule).to_owned(),
            severity: text("severity").and_then(severity::parse).unwrap_or(Severity::Medium),
            is_test: alert.get("test") == Some(&Value::Bool(true)),
            status,
            time,
            summary: String::new(),
            dot: Value::Null,
            rule,
        };
        let mut dot = notice.members(record, alert);
        if let Some(lasted) = lasted {
            dot.insert("lasted".to_owned(), lasted.into());
        }
        notice.summary = summary::of(&notice.rule, status, &dot);
        dot.insert("summary".to_owned(), notice.summary.clone().into());
        notice.dot = Value::Object(dot);
        Some(notice)
    }

    /// The event's members, and over them the alert's. An alert without an event shows its own record in its place.
    fn members(&self, record: &Map, alert: &Map) -> Map {
        let event = alert.get("event").and_then(Value::as_object);
        let mut dot = event.unwrap_or(record).clone();
        if event.is_none() {
            dot.remove("details");
        }
        dot.retain(|name, _| name != "window" && !OF_THE_ALERT.contains(&name.as_str()));
        for name in OF_THE_ALERT.into_iter().chain(["window"]) {
            if let Some(value) = alert.get(name) {
                dot.insert(name.to_owned(), value.clone());
            }
        }
        if event.is_none() {
            dot.remove("event");
        }
        if summary::summed_up(&dot).is_some() {
            // Of many alerts, none is told of here: the record's own type would pass for that of what happened.
            dot.remove("event_type");
        }
        dot.remove("summary");
        dot.remove("lasted");
        dot.remove("alert_time");
        for (name, value) in [
            ("rule", Value::from(self.rule.as_str())),
            ("alert_id", self.alert_id.as_str().into()),
            ("severity", severity::word(self.severity).into()),
            ("status", self.status.as_str().into()),
            ("test", self.is_test.into()),
        ] {
            dot.insert(name.to_owned(), value);
        }
        if let Some(time) = self.time {
            dot.insert("alert_time".to_owned(), time.to_string().into());
        }
        dot
    }

    /// The fields that templates can name, for [`Template::parse`](audit_template::Template::parse).
    #[must_use]
    pub fn shape() -> Shape {
        let scalars = |names: &'static [&str]| names.iter().map(|name| (*name, Shape::scalar()));
        let actor = scalars(&["id", "ip_address", "type", "user_agent"])
            .chain([("roles", Shape::list(Shape::scalar()))]);
        let event: Vec<(&str, Shape)> = scalars(&["event_id", "event_type", "timestamp", "version"])
            .chain([
                ("action", Shape::object(scalars(&["duration_ms", "operation", "result"]))),
                ("actor", Shape::object(actor)),
                ("context", Shape::object(scalars(&["cluster_id", "correlation_id", "environment"])).open()),
                ("details", Shape::any()),
                ("resource", Shape::object(scalars(&["id", "path", "type"]))),
            ])
            .collect();
        let alert = OF_THE_ALERT.into_iter().chain(["window"]).map(|name| match name {
            "event" => (name, Shape::object(event.clone())),
            "group" => (name, Shape::any()),
            name => (name, Shape::scalar()),
        });
        Shape::object(event.clone().into_iter().chain(alert))
    }

    /// What a template's dot is.
    #[must_use]
    pub fn dot(&self) -> &Value {
        &self.dot
    }

    /// The rule's name.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// What all records of one alert have in common.
    #[must_use]
    pub fn alert_id(&self) -> &str {
        &self.alert_id
    }

    /// How much it matters; medium where the record doesn't say.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Whether the alert is on.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether somebody only tries out whether alerts arrive.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.is_test
    }

    /// When the alert was told.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// What happened, in one line without control characters, of 600 characters at most.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// A text in the dot, such as that at `["actor", "id"]`; nothing when it is empty.
    #[cfg(any(feature = "slack", feature = "pagerduty"))]
    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        let value = path.iter().try_fold(&self.dot, |value, name| value.get(name))?;
        value.as_str().filter(|text| !text.trim().is_empty())
    }
}

impl fmt::Debug for Notice {
    /// Without the event, which may hold what is not for a log file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice")
            .field("rule", &self.rule)
            .field("alert_id", &self.alert_id)
            .field("severity", &self.severity)
            .field("status", &self.status)
            .field("is_test", &self.is_test)
            .finish_non_exhaustive()
    }
}
