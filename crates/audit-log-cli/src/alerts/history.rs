//! Past events: which lines, and no more of a line than somebody wants to know.

use std::borrow::Cow;

use audit_model::{Event, EventId, EventType, Timestamp, Value, parse_json};
use audit_ocsf::{MappingError, NativeRecord, event_from_value};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What a line says of itself at first sight.
#[derive(Debug, Default, Deserialize)]
struct Outline<'a> {
    #[serde(borrow, default)]
    event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    timestamp: Cow<'a, str>,
    #[serde(borrow, default)]
    logged_time: Cow<'a, str>,
}

/// What is plain to see of a line.
pub(crate) struct Glance<'a> {
    pub(crate) event_type: Cow<'a, str>,
    pub(crate) time: Timestamp,
    /// When the log got it, where that was another time.
    pub(crate) logged_time: Option<Timestamp>,
}

impl Glance<'_> {
    pub(crate) fn of(event: &Event) -> Self {
        let logged_time = event.extra.get("logged_time").and_then(Value::as_str);
        Self {
            event_type: event.event_type.to_string().into(),
            time: event.timestamp,
            logged_time: logged_time.and_then(|time| time.parse().ok()),
        }
    }

    /// Whether it is the log's own record of itself, or of an alert.
    pub(crate) fn is_own(&self) -> bool {
        self.event_type.parse::<EventType>().is_ok_and(|event_type| event_type.is_reserved())
    }

    /// How far the log's clock was ahead of the event's, in milliseconds.
    pub(crate) fn lag(&self) -> i64 {
        self.logged_time.map_or(0, |logged| logged.as_milliseconds() - self.time.as_milliseconds())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedOutline<'a> {
    #[serde(borrow)]
    event: Outline<'a>,
    #[serde(rename = "integrity")]
    _integrity: IgnoredAny,
}

/// A line's type and time, when it is plain to see what they are.
pub(crate) fn glance(line: &[u8]) -> Option<Glance<'_>> {
    let outline = match serde_json::from_slice::<SealedOutline<'_>>(line) {
        Ok(sealed) => sealed.event,
        Err(_) => serde_json::from_slice::<Outline<'_>>(line).ok()?,
    };
    let time = outline.timestamp.parse().ok()?;
    let logged_time = outline.logged_time.parse().ok();
    let glance = Glance { event_type: outline.event_type, time, logged_time };
    Some(glance).filter(|glance| !glance.event_type.is_empty())
}

/// The event of a line: sealed, unsealed or OCSF. One without an id is called after its place.
pub(crate) fn event(line: &[u8], name: &str, number: u64) -> Result<Event, String> {
    let no_native = match NativeRecord::parse(line) {
        Ok(NativeRecord { mut event, .. }) => {
            if event.event_id.as_str().is_empty() {
                event.event_id = id_of_place(name, number);
            }
            return Ok(event);
        }
        Err(MappingError::Line(why)) => why,
        Err(other) => other.to_string(),
    };
    let value = parse_json(line).map_err(|error| audit_source::describe(&error, line))?;
    if value.get("class_uid").is_none() {
        return Err(no_native);
    }
    if value.get("time").is_none_or(Value::is_null) {
        return Err("time: found nothing; expected the record's own time".to_owned());
    }
    let has_id = value.pointer("/metadata/uid").is_some_and(Value::is_string);
    let unused = Timestamp::from_milliseconds(0).map_err(|error| error.to_string())?;
    let mut event = event_from_value(value, unused).map_err(|error| error.to_string())?;
    if !has_id {
        event.event_id = id_of_place(name, number);
    }
    Ok(event)
}

fn id_of_place(name: &str, number: u64) -> EventId {
    EventId::from(format!("{name}:{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str =
        r#"{"event_type":"auth.login","timestamp":"2026-01-31T08:00:00Z","actor":{"id":"bob"}}"#;

    #[test]
    fn a_glance_sees_what_reading_does() {
        let seal = r#"{"chain_id":"c","previous_signature":"p","sequence_number":1,"signature":"s"}"#;
        let sealed = format!(r#"{{"event":{EVENT},"integrity":{seal}}}"#);
        for line in [EVENT, &sealed] {
            let Glance { event_type, time, .. } = glance(line.as_bytes()).unwrap();
            let event = event(line.as_bytes(), "x", 7).unwrap();
            assert_eq!((event_type.as_ref(), time), (event.event_type.as_str(), event.timestamp));
            assert_eq!(event.event_id.as_str(), "x:7");
        }
        for odd in [
            "{}",
            "[]",
            "hello",
            r#"{"event_type":7,"timestamp":"2026-01-31T08:00:00Z"}"#,
            "{\"event_type\":\"a.b\"}",
        ] {
            assert!(glance(odd.as_bytes()).is_none(), "{odd}");
        }
    }

    #[test]
    fn what_is_no_event_says_why() {
        for (line, why) in [
            ("{\"event_type\":\"auth.login\"}", "expected the record's own time"),
            ("{\"timestamp\":\"2026-01-31T08:00:00Z\"}", "event_type"),
            ("{\"class_uid\":3002}", "time: found nothing"),
            ("{", "EOF while parsing"),
        ] {
            let told = event(line.as_bytes(), "x", 1).unwrap_err();
            assert!(told.contains(why), "{line}: {told}");
        }
        let ocsf = r#"{"class_uid":3002,"activity_id":1,"time":1700533469078,"status_id":2,"user":{"name":"admin"}}"#;
        let event = event(ocsf.as_bytes(), "x", 1).unwrap();
        assert_eq!((event.event_type.as_str(), event.event_id.as_str()), ("auth.failed", "x:1"));
    }
}
