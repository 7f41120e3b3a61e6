//! What single records say that a report tells one by one.

use audit_model::{Event, EventId, Timestamp, Value};
use serde::Serialize;

use crate::excerpt::{actor, detail, excerpt, ip_address, literal, operation, resource};

/// An access that was asked for and refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Denied {
    /// When.
    pub time: Timestamp,
    /// The event's type; mostly `access.denied`.
    pub event_type: String,
    /// The event's id.
    pub event_id: String,
    /// Who asked.
    pub actor: Option<String>,
    /// From where.
    pub ip_address: Option<String>,
    /// What was asked for.
    pub operation: Option<String>,
    /// On what.
    pub resource: Option<String>,
    /// The permission that it needs.
    pub required_permission: Option<String>,
    /// The permissions that the actor had.
    pub user_permissions: Option<String>,
    /// Why it was refused.
    pub reason: Option<String>,
}

impl Denied {
    pub(crate) fn of(event: &Event) -> Self {
        Self {
            time: event.timestamp,
            event_type: event.event_type.to_string(),
            event_id: id(&event.event_id),
            actor: actor(event),
            ip_address: ip_address(event),
            operation: detail(event, &["operation"]).or_else(|| operation(event)),
            resource: detail(event, &["resource"]).or_else(|| resource(event)),
            required_permission: detail(event, &["required_permission"]),
            user_permissions: detail(event, &["user_permissions"]),
            reason: reason(event),
        }
    }
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Failure {
    /// When.
    pub time: Timestamp,
    /// The event's type, such as `backup.failed`.
    pub event_type: String,
    /// The event's id.
    pub event_id: String,
    /// Who did it.
    pub actor: Option<String>,
    /// From where.
    pub ip_address: Option<String>,
    /// To what.
    pub resource: Option<String>,
    /// What went wrong.
    pub reason: Option<String>,
}

impl Failure {
    pub(crate) fn of(event: &Event) -> Self {
        Self {
            time: event.timestamp,
            event_type: event.event_type.to_string(),
            event_id: id(&event.event_id),
            actor: actor(event),
            ip_address: ip_address(event),
            resource: resource(event),
            reason: reason(event),
        }
    }
}

/// A configuration that was changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ConfigurationChange {
    /// When.
    pub time: Timestamp,
    /// The event's id.
    pub event_id: String,
    /// Who changed it.
    pub actor: Option<String>,
    /// From where.
    pub ip_address: Option<String>,
    /// Which configuration: `details.config_type`.
    pub config_type: Option<String>,
    /// What the event names as changed.
    pub resource: Option<String>,
    /// How it came out.
    pub result: Option<String>,
    /// What changed, field by field, up to a hundred.
    pub changes: Vec<Change>,
    /// How many more fields changed.
    pub more_changes: u64,
}

/// A field that was changed. Masked values are as the record has them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// Which field.
    pub field: String,
    /// What it was: a text as it is, any other value as JSON. Null where there was none.
    pub old_value: Option<String>,
    /// What it is now.
    pub new_value: Option<String>,
}

/// How many fields of one change are listed.
pub(crate) const MOST_CHANGES: usize = 100;

impl ConfigurationChange {
    pub(crate) fn of(event: &Event) -> Self {
        let listed = event.details.get("changes").and_then(Value::as_array);
        let listed = listed.map(Vec::as_slice).unwrap_or_default();
        let value = |change: &Value, name| change.get(name).filter(|value| !value.is_null()).map(literal);
        let changes = listed.iter().take(MOST_CHANGES).map(|change| Change {
            field: value(change, "field").unwrap_or_default(),
            old_value: value(change, "old_value"),
            new_value: value(change, "new_value"),
        });
        let result = event.action.as_ref().and_then(|action| action.result.as_ref());
        Self {
            time: event.timestamp,
            event_id: id(&event.event_id),
            actor: actor(event),
            ip_address: ip_address(event),
            config_type: detail(event, &["config_type"]),
            resource: resource(event),
            result: result.map(|result| excerpt(result.as_str())),
            changes: changes.collect(),
            more_changes: listed.len().saturating_sub(MOST_CHANGES) as u64,
        }
    }
}

/// Something that the log may lack.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Gap {
    /// What happened.
    pub kind: GapKind,
    /// When; of records that are missing nobody knows.
    pub time: Option<Timestamp>,
    /// Which log or chain.
    pub log: Option<String>,
    /// The number of the first record that is missing.
    pub first_sequence: Option<u64>,
    /// The number of the last one.
    pub last_sequence: Option<u64>,
    /// How many events were lost.
    pub events: Option<u64>,
    /// The same for a person.
    pub message: String,
}

/// What happened where something may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GapKind {
    /// The chain lacks records, as verifying it found.
    RecordsMissing,
    /// The log says that it could not record events.
    EventsLost,
    /// A source says that what it was to bring is gone, or may be.
    SourceGap,
    /// The log found that somebody had changed its file.
    LogTampered,
    /// The log was opened, and had not been closed before.
    Crash,
}

impl GapKind {
    /// The same in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RecordsMissing => "records missing",
            Self::EventsLost => "events lost",
            Self::SourceGap => "source gap",
            Self::LogTampered => "log tampered with",
            Self::Crash => "not closed",
        }
    }
}

impl Gap {
    pub(crate) fn events_lost(event: &Event) -> Self {
        let mut message = match lost(event) {
            Some(number) => format!("{} could not be recorded", crate::wording::count(number, "event")),
            None => "events could not be recorded".to_owned(),
        };
        if let (Some(from), Some(to)) = (when(event, "first_time"), when(event, "last_time")) {
            message += &format!(" from {from} to {to}");
        }
        Self::loss(GapKind::EventsLost, event, message)
    }

    pub(crate) fn source_gap(event: &Event) -> Self {
        let place = resource(event).or_else(|| detail(event, &["source"]));
        Self::loss(GapKind::SourceGap, event, place.unwrap_or_else(|| "it does not say where".to_owned()))
    }

    /// With the reason, and how many events.
    fn loss(kind: GapKind, event: &Event, mut message: String) -> Self {
        if let Some(reason) = reason(event) {
            message += &format!(": {reason}");
        }
        Self { kind, events: lost(event), ..Self::of(event, message) }
    }

    pub(crate) fn log_tampered(event: &Event) -> Self {
        let message =
            detail(event, &["message", "change"]).unwrap_or_else(|| "it does not say how".to_owned());
        let lost = event.details.get("lost_sequences").and_then(Value::as_array);
        let end = |index: usize| lost.and_then(|lost| lost.get(index)).and_then(Value::as_u64);
        Self { first_sequence: end(0), last_sequence: end(1), ..Self::of(event, message) }
    }

    fn of(event: &Event, message: String) -> Self {
        Self {
            kind: GapKind::LogTampered,
            time: Some(event.timestamp),
            log: log(event),
            first_sequence: None,
            last_sequence: None,
            events: None,
            message,
        }
    }
}

/// How many events an event says are lost.
fn lost(event: &Event) -> Option<u64> {
    event.details.get("count").and_then(Value::as_u64)
}

/// Records that were deleted by policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Pruned {
    /// When.
    pub time: Timestamp,
    /// The event's id.
    pub event_id: String,
    /// Of which log.
    pub log: Option<String>,
    /// The number of the first record that was deleted.
    pub first_sequence: Option<u64>,
    /// The number of the last one.
    pub last_sequence: Option<u64>,
    /// In which file.
    pub file: Option<String>,
    /// By which rule.
    pub rule: Option<String>,
    /// What was done, where that is not a file that was deleted: to a destination, whose name `log` is.
    pub message: Option<String>,
    /// Why it could not be done.
    pub error: Option<String>,
}

impl Pruned {
    /// What was done, in a sentence.
    pub(crate) fn what(&self) -> String {
        let deleted = || crate::wording::records(self.first_sequence, self.last_sequence);
        let what = self.message.clone().or_else(deleted).unwrap_or_else(|| "records".to_owned());
        match &self.error {
            Some(error) => format!("FAILED: {what} ({error})"),
            None => what,
        }
    }

    pub(crate) fn of(event: &Event) -> Self {
        let number = |name: &str| event.details.get(name).and_then(Value::as_u64);
        Self {
            time: event.timestamp,
            event_id: id(&event.event_id),
            log: log(event),
            first_sequence: number("first_sequence"),
            last_sequence: number("last_sequence"),
            file: detail(event, &["file", "files"]),
            rule: detail(event, &["rule", "policy"]),
            message: detail(event, &["message"]),
            error: detail(event, &["error"]),
        }
    }
}

/// A hold that was placed or released.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HoldRecord {
    /// When.
    pub time: Timestamp,
    /// The event's id.
    pub event_id: String,
    /// Whether it was released; otherwise it was placed.
    pub released: bool,
    /// What it is called.
    pub id: Option<String>,
    /// Who placed or released it.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The first moment whose records it holds.
    pub from: Option<String>,
    /// The last one.
    pub to: Option<String>,
    /// When it ends by itself.
    pub until: Option<String>,
}

impl HoldRecord {
    pub(crate) fn of(event: &Event, released: bool) -> Self {
        let who: &[&str] = if released { &["released_by"] } else { &["placed_by"] };
        let named = event.resource.as_ref().and_then(|resource| resource.id.as_deref());
        Self {
            time: event.timestamp,
            event_id: id(&event.event_id),
            released,
            id: detail(event, &["id", "hold_id", "hold"]).or_else(|| named.map(excerpt)),
            actor: detail(event, who).or_else(|| actor(event)),
            reason: reason(event),
            from: detail(event, &["from"]),
            to: detail(event, &["to"]),
            until: detail(event, &["until"]),
        }
    }
}

/// Where products say what went wrong, the most particular first.
fn reason(event: &Event) -> Option<String> {
    let found = detail(event, &["error", "reason", "error_message", "message", "error_code", "code"]);
    let of_action = || {
        let extra = &event.action.as_ref()?.extra;
        let named = ["error", "reason", "message"].iter().filter_map(|name| extra.get(*name));
        named.filter(|value| !value.is_null()).map(crate::excerpt::readable).next()
    };
    found.or_else(of_action)
}

fn when(event: &Event, name: &str) -> Option<String> {
    let text = event.details.get(name)?.as_str()?;
    Some(text.parse().map_or_else(|_| excerpt(text), crate::wording::time))
}

fn log(event: &Event) -> Option<String> {
    event.resource.as_ref().and_then(|resource| resource.id.as_deref()).map(excerpt)
}

fn id(id: &EventId) -> String {
    excerpt(id.as_str())
}
