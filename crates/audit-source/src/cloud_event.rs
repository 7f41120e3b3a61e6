//! `CloudEvents` 1.0 (<https://github.com/cloudevents/spec>, JSON event format): the envelope, and what is in it.

use audit_model::{Actor, Event, EventId, EventType, Map, Resource, Timestamp, Value};

use crate::Format;

/// The member of an event that keeps the attributes of the `CloudEvent` that brought it.
const MEMBER: &str = "cloudevent";

/// Makes an event of a `CloudEvent`: of its data, if that is an event or an OCSF record; of its attributes, if it is not.
pub(crate) fn event_from_cloud_event(value: Value, now: Timestamp) -> Result<Event, String> {
    let Value::Object(mut attributes) = value else {
        return Err("$: expected a CloudEvent, which is a JSON object".to_owned());
    };
    let data = Data::take(&mut attributes)?;
    // `null` is as good as absent (JSON event format §2.2).
    attributes.retain(|_, value| !value.is_null());
    let envelope = Envelope::read(&attributes)?;
    let mut event = match data {
        Data::Native(native) => native_event(native, &envelope, now)?,
        Data::Ocsf(record) => ocsf_event(record, &envelope, now)?,
        Data::Other(details) => own_event(details, &envelope, now)?,
    };
    event.extra.entry(MEMBER).or_insert_with(|| Value::Object(attributes));
    Ok(event)
}

/// The attributes that say something to an audit log.
struct Envelope {
    id: String,
    source: String,
    event_type: String,
    subject: Option<String>,
    time: Option<Timestamp>,
    /// The extension "Auth Context".
    actor: Option<Actor>,
}

impl Envelope {
    fn read(attributes: &Map) -> Result<Self, String> {
        let version = required(attributes, "specversion")?;
        if version != "1.0" {
            return Err(format!("specversion: found `{}`; expected 1.0", short(&version)));
        }
        let time = optional(attributes, "time")?
            .map(|time| time.parse().map_err(|error| format!("time: {error}")))
            .transpose()?;
        let kind = optional(attributes, "authtype")?;
        let actor = optional(attributes, "authid")?.map(|id| match kind.as_deref() {
            Some("service_account") => Actor::service(id),
            Some(kind) => Actor::new(kind, id),
            None => {
                let mut actor = Actor::default();
                actor.id = Some(id);
                actor
            }
        });
        Ok(Self {
            id: required(attributes, "id")?,
            source: required(attributes, "source")?,
            event_type: required(attributes, "type")?,
            subject: optional(attributes, "subject")?,
            time,
            actor,
        })
    }
}

fn required(attributes: &Map, name: &str) -> Result<String, String> {
    optional(attributes, name)?.filter(|text| !text.is_empty()).ok_or_else(|| {
        format!("{name}: found nothing; expected a text that is not empty, as every CloudEvent has one")
    })
}

fn optional(attributes: &Map, name: &str) -> Result<Option<String>, String> {
    match attributes.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{name}: found something else; expected a string")),
    }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

/// What a `CloudEvent` carries.
enum Data {
    Native(Map),
    Ocsf(Map),
    Other(Map),
}

impl Data {
    fn take(attributes: &mut Map) -> Result<Self, String> {
        let (data, encoded) = (attributes.remove("data"), attributes.remove("data_base64"));
        let single = |name: &str, value: Value| Map::from_iter([(name.to_owned(), value)]);
        Ok(match (data, encoded) {
            (Some(_), Some(_)) => {
                return Err("data_base64: found beside data; expected one of them".to_owned());
            }
            (None | Some(Value::Null), None) => Self::Other(Map::new()),
            (Some(Value::Object(map)), None) => {
                let has = |name: &str| map.get(name).is_some_and(|member| !member.is_null());
                match (has("event_type"), has("class_uid")) {
                    (true, _) => Self::Native(map),
                    (false, true) => Self::Ocsf(map),
                    (false, false) => Self::Other(map),
                }
            }
            (Some(other), None) => Self::Other(single("data", other)),
            (None, Some(encoded @ Value::String(_))) => Self::Other(single("data_base64", encoded)),
            (None, Some(_)) => return Err("data_base64: found something else; expected a string".to_owned()),
        })
    }
}

fn within_data(error: &impl std::fmt::Display) -> String {
    format!("data: {error}")
}

fn native_event(mut native: Map, envelope: &Envelope, now: Timestamp) -> Result<Event, String> {
    native.retain(|name, value| !(value.is_null() || name == "event_id" && value == ""));
    native.entry("event_id").or_insert_with(|| envelope.id.as_str().into());
    let now = envelope.time.unwrap_or(now);
    Event::from_value(Value::Object(native), now).map_err(|error| within_data(&error))
}

fn ocsf_event(record: Map, envelope: &Envelope, now: Timestamp) -> Result<Event, String> {
    let metadata = record.get("metadata");
    let named =
        metadata.and_then(|metadata| metadata.get("uid")?.as_str()).is_some_and(|uid| !uid.is_empty());
    let now = envelope.time.unwrap_or(now);
    let event = Format::Ocsf.read_value(Value::Object(record), now);
    let mut event = event.map_err(|error| within_data(&error))?;
    if !named {
        event.event_id = EventId::from(envelope.id.as_str());
    }
    Ok(event)
}

fn own_event(details: Map, envelope: &Envelope, now: Timestamp) -> Result<Event, String> {
    let event_type: EventType = envelope.event_type.parse().map_err(|error| format!("type: {error}"))?;
    let mut event = Event::at(envelope.time.unwrap_or(now), event_type);
    event.event_id = EventId::from(envelope.id.as_str());
    event.actor.clone_from(&envelope.actor);
    event.details = details;
    let mut resource = Resource::default().path(&envelope.source);
    resource.id = Some(envelope.subject.as_ref().unwrap_or(&envelope.source).clone());
    Ok(event.resource(resource))
}
