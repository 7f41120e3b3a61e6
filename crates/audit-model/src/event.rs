use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::canonical::{CanonicalError, ObjectWriter, WriteCanonical, field, part};
use crate::fields::Fields;
use crate::tree::Tree;
use crate::{Action, Actor, Context, EventId, EventType, JsonError, Map, Resource, Timestamp, Value};

/// The version of the event's form that this crate writes.
pub const EVENT_VERSION: &str = "1.0";

/// What happened: who did what to which resource, with what result, where, when.
///
/// ```
/// use audit_model::{Action, Actor, Event, EventType, Resource};
///
/// let event = Event::new(EventType::BACKUP_COMPLETED, Actor::user("alice@company.com"), Action::success("backup"))
///     .resource(Resource::new("backup", "production-backup-20241201"))
///     .detail("records_backed_up", 1_500_000);
/// let text = event.to_canonical_json()?;
/// assert!(text.starts_with(br#"{"action":{"operation":"backup","result":"success"},"actor":{"id":"alice@"#));
/// # Ok::<(), audit_model::CanonicalError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// What was done, and with what result.
    pub action: Option<Action>,
    /// Who did it.
    pub actor: Option<Actor>,
    /// Where and within what.
    pub context: Option<Context>,
    /// What is particular to the event's type.
    pub details: Map,
    /// The event's identity.
    pub event_id: EventId,
    /// What kind of event it is.
    pub event_type: EventType,
    /// What it was done to.
    pub resource: Option<Resource>,
    /// When it happened.
    pub timestamp: Timestamp,
    /// The version of the event's form.
    pub version: String,
    /// Top-level fields that this crate has no name for, kept as they came.
    pub extra: Map,
}

/// A field that is not what it should be: where, what was found, what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: found {found}; expected {expected}")]
pub struct FieldError {
    path: String,
    found: String,
    expected: String,
}

impl FieldError {
    pub(crate) fn new(path: String, found: &Value, expected: &str) -> Self {
        let found = match found {
            Value::Null => "null".to_owned(),
            Value::Array(_) => "an array".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            Value::String(text) if text.chars().count() > 60 => {
                format!("the string \"{}…\"", text.chars().take(60).collect::<String>().escape_debug())
            }
            Value::String(text) => format!("the string \"{}\"", text.escape_debug()),
            scalar => scalar.to_string(),
        };
        let path = if path.is_empty() { "$".to_owned() } else { path };
        Self { path, found, expected: expected.to_owned() }
    }

    /// Where, as a JSON path such as `actor.roles`; `$` is the whole event.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// A text that is not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// It is not JSON, or JSON that we refuse.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It is JSON, and a field is wrong.
    #[error(transparent)]
    Field(#[from] FieldError),
}

impl Event {
    /// An event that happens now: it reads the system clock, and gets an id of its own.
    #[must_use]
    pub fn new(event_type: EventType, actor: Actor, action: Action) -> Self {
        Self { actor: Some(actor), action: Some(action), ..Self::at(Timestamp::now(), event_type) }
    }

    /// An event of that time and type, with an id of its own and nothing else.
    #[must_use]
    pub fn at(timestamp: Timestamp, event_type: EventType) -> Self {
        Self {
            action: None,
            actor: None,
            context: None,
            details: Map::new(),
            event_id: EventId::generate(timestamp),
            event_type,
            resource: None,
            timestamp,
            version: EVENT_VERSION.to_owned(),
            extra: Map::new(),
        }
    }

    /// Sets what it was done to.
    #[must_use]
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Sets where and within what it was done.
    #[must_use]
    pub fn context(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    /// Adds one detail. A number that is not finite becomes null, as it does in [`Value`].
    #[must_use]
    pub fn detail(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.details.insert(name.into(), value.into());
        self
    }

    /// Reads an event from JSON. What only the one who records it can know is filled in when
    /// missing: the timestamp (`now`), the id, the version. JSON's `null` counts as missing.
    ///
    /// # Errors
    /// When the text is not JSON, has no `event_type`, or a known field has the wrong form.
    pub fn from_json(text: &[u8], now: Timestamp) -> Result<Self, EventError> {
        Ok(Self::from_tree(Tree::read(text)?, now)?)
    }

    /// As [`Event::from_json`], from JSON that has been read already.
    ///
    /// # Errors
    /// When there is no `event_type`, or a known field has the wrong form.
    pub fn from_value(value: Value, now: Timestamp) -> Result<Self, FieldError> {
        Self::from_tree(Tree::Value(value), now)
    }

    fn from_tree(tree: Tree<'_>, now: Timestamp) -> Result<Self, FieldError> {
        let mut fields = Fields::new("", tree)?;
        let expected_type = "an event type such as backup.completed";
        let event_type = fields.parsed("event_type", expected_type)?.ok_or_else(|| FieldError {
            path: "event_type".into(),
            found: "nothing".into(),
            expected: expected_type.into(),
        })?;
        let timestamp = fields
            .parsed(
                "timestamp",
                "an RFC 3339 time until 9999-12-30T22:00:00Z, such as 2024-12-01T10:15:30.123Z",
            )?
            .unwrap_or(now);
        Ok(Self {
            event_id: fields.string("event_id")?.map_or_else(|| EventId::generate(timestamp), EventId::from),
            version: fields.string("version")?.unwrap_or_else(|| EVENT_VERSION.to_owned()),
            action: fields.take("action").map(Action::from_tree).transpose()?,
            actor: fields.take("actor").map(Actor::from_tree).transpose()?,
            context: fields.take("context").map(Context::from_tree).transpose()?,
            resource: fields.take("resource").map(Resource::from_tree).transpose()?,
            details: fields.object("details")?,
            event_type,
            timestamp,
            extra: fields.rest(),
        })
    }

    /// The event as canonical JSON (RFC 8785): the bytes that are signed and stored.
    ///
    /// # Errors
    /// When a number is beyond ±(2^53−1), something nests too deeply, or an extra field has the
    /// name of one of the event's own.
    pub fn to_canonical_json(&self) -> Result<Vec<u8>, CanonicalError> {
        let mut out = Vec::with_capacity(512);
        self.write_canonical_json(&mut out)?;
        Ok(out)
    }

    /// Appends the event as canonical JSON to `out`. On an error `out` holds a part of it.
    ///
    /// # Errors
    /// As [`Event::to_canonical_json`].
    pub fn write_canonical_json(&self, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
        self.write(out)
    }
}

impl WriteCanonical for Event {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
        let mut object = ObjectWriter::new(
            out,
            &self.extra,
            &[
                "action",
                "actor",
                "context",
                "details",
                "event_id",
                "event_type",
                "resource",
                "timestamp",
                "version",
            ],
            0,
        );
        if let Some(action) = &self.action {
            part!(object, "action", action);
        }
        if let Some(actor) = &self.actor {
            part!(object, "actor", actor);
        }
        if let Some(context) = &self.context {
            part!(object, "context", context);
        }
        if !self.details.is_empty() {
            part!(object, "details", &self.details);
        }
        field!(object, "event_id", self.event_id.as_str());
        field!(object, "event_type", self.event_type.as_str());
        if let Some(resource) = &self.resource {
            part!(object, "resource", resource);
        }
        let out = object.field("timestamp", "\"timestamp\":");
        out.push(b'"');
        out.extend_from_slice(&self.timestamp.rfc3339());
        out.push(b'"');
        field!(object, "version", &self.version);
        object.end()
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.to_canonical_json().map_err(serde::ser::Error::custom)?;
        serde_json::from_slice::<Value>(&text).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// Needs `timestamp` and `event_id`, since there is nobody to ask for them. Of two equal names in an object the last one is
/// taken, where [`Event::from_json`] refuses both.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let value = Value::deserialize(deserializer)?;
        for required in ["timestamp", "event_id"] {
            if value.get(required).is_none_or(Value::is_null) {
                return Err(D::Error::missing_field(required));
            }
        }
        let unused = Timestamp::from_milliseconds(0).expect("1970 is in range");
        Self::from_value(value, unused).map_err(D::Error::custom)
    }
}
