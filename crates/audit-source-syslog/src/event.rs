//! A message into an event.

use audit_model::{Actor, Event, EventType, Map, Timestamp, Value, canonical_json, parse_json};
use audit_ocsf::event_from_value;

use crate::facility;
use crate::frames::Frame;
use crate::message::{Element, Message};
use crate::rule::Rule;

/// What a message says.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) event: Event,
    /// The seal under which it says to have been recorded elsewhere.
    pub(crate) integrity: Option<Value>,
}

/// The event that a message is, or tells of.
pub(crate) fn event_of(frame: &Frame, rules: &[Rule], peer: &str, now: Timestamp) -> Said {
    let message = Message::parse(&frame.bytes);
    let told = message.timestamp.as_deref().and_then(|time| time.parse().ok());
    let time = told.unwrap_or(now);
    if frame.problem.is_none()
        && let Some(said) = as_event(&message.text, time)
    {
        return said;
    }
    let event_type = rules.iter().find_map(|rule| rule.apply(&message)).cloned().unwrap_or_else(message_type);
    let mut event = Event::at(time, event_type);
    event.actor = Some(Actor::system(match (message.hostname.as_deref(), message.app_name.as_deref()) {
        (Some(host), Some(app)) => format!("{host}/{app}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => peer.to_owned(),
    }));
    let mut tell = |name: &str, value: Value| event.details.insert(name.to_owned(), value);
    tell("message", String::from_utf8_lossy(&message.text).into());
    if let Some(priority) = message.priority {
        tell("facility", facility::facility(priority).into());
        tell("severity", facility::severity(priority).into());
    }
    for (name, field) in [
        ("hostname", &message.hostname),
        ("app_name", &message.app_name),
        ("process_id", &message.process_id),
        ("message_id", &message.message_id),
    ] {
        if let Some(field) = field {
            tell(name, (**field).into());
        }
    }
    // What the event's own time does not say: another zone, less than milliseconds, a time that is none.
    if let Some(text) =
        message.timestamp.as_deref().filter(|text| told.is_none_or(|told| told.to_string() != *text))
    {
        tell("timestamp", text.into());
    }
    if !message.structured_data.is_empty() {
        tell("structured_data", structured_data(&message.structured_data));
    }
    if std::str::from_utf8(&frame.bytes).is_err() {
        tell("raw_hex", const_hex::encode(&frame.bytes).into());
    }
    if let Some(problem) = &frame.problem {
        tell("problem", problem.as_str().into());
    }
    Said { event, integrity: None }
}

/// A text that is an event itself: of our own form, sealed or not, or of OCSF's.
fn as_event(text: &[u8], time: Timestamp) -> Option<Said> {
    if text.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let mut value = parse_json(text).ok()?;
    let mut integrity = None;
    if value["event"].is_object() && value["integrity"].is_object() {
        integrity = Some(value["integrity"].take()).filter(|seal| canonical_json(seal).is_ok());
        value = value["event"].take();
    }
    let event = if value.get("event_type").is_some() {
        Event::from_value(value, time).ok()?
    } else if value.get("class_uid").is_some() {
        event_from_value(value, time).ok()?
    } else {
        return None;
    };
    // What only a log itself may record is still something that somebody said.
    (!event.event_type.is_reserved() && event.to_canonical_json().is_ok())
        .then_some(Said { event, integrity })
}

fn message_type() -> EventType {
    "syslog.message".parse().expect("it is of the form of an event type")
}

/// `{"id": {"name": "value"}}`; what is there several times is an array.
fn structured_data(elements: &[Element]) -> Value {
    let mut all = Map::new();
    for element in elements {
        let into = all.entry(&*element.id).or_insert_with(|| Map::new().into());
        let Value::Object(parameters) = into else { continue };
        for (name, value) in &element.parameters {
            match parameters.get_mut(name) {
                None => _ = parameters.insert(name.clone(), value.as_str().into()),
                Some(Value::Array(values)) => values.push(value.as_str().into()),
                Some(one) => *one = Value::Array(vec![one.take(), value.as_str().into()]),
            }
        }
    }
    all.into()
}

#[cfg(test)]
mod tests {
    use super::event_of;
    use crate::Rule;
    use crate::frames::Frame;
    use audit_model::Timestamp;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn said(bytes: &[u8], rules: &[Rule]) -> Value {
        let frame = Frame { bytes: bytes.to_vec(), problem: None };
        let said = event_of(&frame, rules, "10.0.0.5", now());
        serde_json::from_slice(&said.event.to_canonical_json().unwrap()).unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::from_milliseconds(1_700_000_000_000).unwrap()
    }

    #[test]
    fn a_message_is_kept_whole() {
        let event = said(br#"<165>1 2003-08-24T05:14:15.000003-07:00 host app 8710 ID47 [a@1 x="1" x="2" y="\]"][b@1] text"#, &[]);
        assert_eq!(event["event_type"], "syslog.message");
        assert_eq!(event["timestamp"], "2003-08-24T12:14:15.000Z");
        assert_eq!(event["actor"], json!({"id": "host/app", "type": "system"}));
        assert_eq!(
            event["details"],
            json!({
                "message": "text", "facility": "local4", "severity": "notice", "hostname": "host", "app_name": "app",
                "process_id": "8710", "message_id": "ID47", "timestamp": "2003-08-24T05:14:15.000003-07:00",
                "structured_data": {"a@1": {"x": ["1", "2"], "y": "]"}, "b@1": {}},
            })
        );
        let event = said(b"plain", &[]);
        assert_eq!(
            (&event["actor"]["id"], &event["timestamp"]),
            (&"10.0.0.5".into(), &now().to_string().into())
        );
        assert_eq!(event["details"], json!({"message": "plain"}));
        let event = said(b"<13>1 2003-08-24T05:14:15.003Z - - - - - caf\xe9", &[]);
        assert_eq!(event["details"]["message"], "caf\u{fffd}");
        assert_eq!(
            event["details"]["raw_hex"],
            const_hex::encode(b"<13>1 2003-08-24T05:14:15.003Z - - - - - caf\xe9")
        );
        assert_eq!(event["details"]["timestamp"], Value::Null, "the event's own time says it");
        let event = said(b"<13>1 2003-99-99T05:14:15.003Z - - - - - x", &[]);
        assert_eq!(
            (&event["timestamp"], &event["details"]["timestamp"]),
            (&now().to_string().into(), &"2003-99-99T05:14:15.003Z".into())
        );
    }

    #[test]
    fn rules_say_what_it_is() {
        let rule = |event_type: &str| Rule::new(event_type.parse().unwrap()).unwrap();
        let rules = [
            rule("auth.login").app_name("sshd").message_id("ACC*"),
            rule("auth.failed").app_name("sshd"),
            rule("x.y").message_id("*"),
        ];
        for (message, expected) in [
            ("<38>1 - h sshd - ACCEPT - x", "auth.login"),
            ("<38>1 - h sshd - DENY - x", "auth.failed"),
            ("<38>Oct 11 22:14:15 h sshd[1]: x", "auth.failed"),
            ("<38>1 - h other - ID - x", "x.y"),
            ("<38>1 - h other - - - x", "syslog.message"),
        ] {
            assert_eq!(said(message.as_bytes(), &rules)["event_type"], expected, "{message}");
        }
        assert!(
            Rule::new("audit.stopped".parse().unwrap())
                .unwrap_err()
                .to_string()
                .contains("use another event type")
        );
    }

    #[test]
    fn an_event_in_a_message_is_that_event_unless_it_must_not_be() {
        let header = "<13>1 2003-10-11T22:14:15.003Z h a - - - ";
        let event =
            said(format!("{header}{{\"event_type\":\"auth.login\",\"event_id\":\"e\"}}").as_bytes(), &[]);
        assert_eq!((&event["event_type"], &event["event_id"]), (&"auth.login".into(), &"e".into()));
        assert_eq!(event["timestamp"], "2003-10-11T22:14:15.003Z", "the header's");
        let event = said(
            format!("{header}\u{feff}{{\"class_uid\":3002,\"activity_id\":1,\"time\":1}}").as_bytes(),
            &[],
        );
        assert!(event["event_type"].as_str().unwrap().starts_with("auth."), "{event}");
        for other in [
            r#"{"event_type":"audit.log_tampered"}"#,
            r#"{"event":{"event_type":"audit.stopped"},"integrity":{}}"#,
            r#"{"event_type":"not a type"}"#,
            r#"{"event_type":"auth.login","details":{"n":9007199254740993}}"#,
            r#"{"event_type":"auth.login""#,
            r#"{"some":"json"}"#,
        ] {
            let event = said(format!("{header}{other}").as_bytes(), &[]);
            assert_eq!(
                (&event["event_type"], &event["details"]["message"]),
                (&"syslog.message".into(), &other.into())
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_can_be_recorded(bytes in prop::collection::vec(any::<u8>(), 0..100), header in any::<bool>()) {
            let mut message = if header { b"<13>1 - - - - - ".to_vec() } else { Vec::new() };
            message.extend_from_slice(&bytes);
            let event = said(&message, &[]);
            let kept = event["details"]["raw_hex"].as_str().map_or_else(
                || event["details"]["message"].as_str().unwrap().as_bytes().to_vec(),
                |hex| const_hex::decode(hex).unwrap(),
            );
            prop_assert!(message.ends_with(&kept));
        }
    }
}
