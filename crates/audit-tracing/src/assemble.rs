//! From fields to an event.

use audit_model::{
    Action, ActionResult, Actor, Context, Event, EventType, Map, Resource, Timestamp, Value,
    nearest_event_type,
};

use crate::choice::EVENT_TYPE;
use crate::fields::Fields;

/// The type of an event whose own is missing or wrong.
pub(crate) const INVALID: &str = "tracing.invalid";

/// Beneath this many names, a dotted one is a name like any other.
const DEEPEST: usize = 8;

/// Which event is made of a span or event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A tracing event, or a span's end that went well as far as anybody said.
    Plain,
    /// A span's beginning.
    Start,
    /// A span's end that went wrong.
    Failure,
}

/// An event, and what is wrong with the fields it was made of. They are all in it.
pub(crate) fn assemble(
    now: Timestamp,
    moment: Moment,
    name: &str,
    mut fields: Fields,
    default_actor: Option<&Actor>,
) -> (Event, Vec<String>) {
    let mut problems = Vec::new();
    let event_type = event_type(moment, name, &mut fields, &mut problems);
    let mut event = Event::at(now, event_type);
    let (mut action, mut actor) = (Action::default(), Actor::default());
    let (mut context, mut resource) = (Context::default(), Resource::default());
    for (name, value) in fields.0 {
        let (part, field) = name.split_once('.').unwrap_or(("", name));
        let is_inside = field.split_once('.').is_some_and(|(first, _)| is_named(part, first));
        match (part, field) {
            _ if is_inside => {
                problems.push(format!("{name}: {part} has a field of its own there, which is no object"));
                event.details.insert(name.to_owned(), value);
            }
            ("action", "operation") => action.operation = Some(text(value)),
            ("action", "result") => action.result = Some(text(value).into()),
            ("action", "duration_ms") => match value.as_u64() {
                Some(milliseconds) => action.duration_ms = Some(milliseconds),
                None => {
                    problems.push(format!("{name}: found {value}; expected a number of milliseconds"));
                    put(&mut event.details, name, value);
                }
            },
            ("action", _) => put(&mut action.extra, field, value),
            ("actor", "id") => actor.id = Some(text(value)),
            ("actor", "ip_address") => actor.ip_address = Some(text(value)),
            ("actor", "roles") => actor.roles = roles(&text(value)),
            ("actor", "type") => actor.actor_type = Some(text(value).into()),
            ("actor", "user_agent") => actor.user_agent = Some(text(value)),
            ("actor", _) => put(&mut actor.extra, field, value),
            ("context", "cluster_id") => context.cluster_id = Some(text(value)),
            ("context", "correlation_id") => context.correlation_id = Some(text(value)),
            ("context", "environment") => context.environment = Some(text(value)),
            ("context", _) => put(&mut context.extra, field, value),
            ("resource", "id") => resource.id = Some(text(value)),
            ("resource", "path") => resource.path = Some(text(value)),
            ("resource", "type") => resource.resource_type = Some(text(value)),
            ("resource", _) => put(&mut resource.extra, field, value),
            ("details", _) => put(&mut event.details, field, value),
            _ => put(&mut event.details, name, value),
        }
    }
    action.result = action.result.or(match moment {
        Moment::Plain => None,
        Moment::Start => Some(ActionResult::IN_PROGRESS),
        Moment::Failure => Some(ActionResult::FAILURE),
    });
    event.actor = Some(actor).filter(|actor| *actor != Actor::default()).or_else(|| default_actor.cloned());
    event.action = Some(action).filter(|action| *action != Action::default());
    event.context = Some(context).filter(|context| *context != Context::default());
    event.resource = Some(resource).filter(|resource| *resource != Resource::default());
    if !problems.is_empty() {
        event.details.insert("problems".to_owned(), problems.clone().into());
    }
    (event, problems)
}

/// The type that the fields name for that moment, or a name that is one.
fn event_type(moment: Moment, name: &str, fields: &mut Fields, problems: &mut Vec<String>) -> EventType {
    let plain = fields.take(EVENT_TYPE);
    let start = fields.take("audit.start_type");
    let failure = fields.take("audit.failure_type");
    let particular = match moment {
        Moment::Plain => None,
        Moment::Start => start,
        Moment::Failure => failure,
    };
    let Some(asked) = particular.or(plain).map(text) else {
        return match name.parse::<EventType>() {
            Ok(event_type) if name.contains('.') && !event_type.is_reserved() => event_type,
            _ => {
                problems.push(format!(
                    "no event type: neither is `{name}` one, nor is there a field {EVENT_TYPE}"
                ));
                invalid()
            }
        };
    };
    match asked.parse::<EventType>() {
        Ok(event_type) if event_type.is_reserved() => {
            problems.push(format!(
                "`{event_type}` is for the log's records about itself; use another event type"
            ));
            invalid()
        }
        Ok(event_type) => event_type,
        Err(error) => {
            let hint =
                nearest_event_type(&asked).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            problems.push(format!("{EVENT_TYPE}: {error}{hint}"));
            invalid()
        }
    }
}

/// Whether a part of an event has a field of that name, with one value.
fn is_named(part: &str, field: &str) -> bool {
    let names: &[&str] = match part {
        "action" => &["duration_ms", "operation", "result"],
        "actor" => &["id", "ip_address", "roles", "type", "user_agent"],
        "context" => &["cluster_id", "correlation_id", "environment"],
        "resource" => &["id", "path", "type"],
        _ => &[],
    };
    names.contains(&field)
}

fn invalid() -> EventType {
    INVALID.parse().expect("two names with a dot")
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// As `?roles` records a list of texts, or separated by commas.
fn roles(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    })
}

/// Puts a value at a dotted path. Where a part of the path is a value already, the rest of it is a name with dots.
fn put(object: &mut Map, path: &str, value: Value) {
    fn within(object: &mut Map, path: &str, value: Value, depth: usize) {
        if depth < DEEPEST
            && let Some((first, rest)) =
                path.split_once('.').filter(|(first, rest)| !first.is_empty() && !rest.is_empty())
            && let Value::Object(inner) = object.entry(first).or_insert_with(|| Value::Object(Map::new()))
        {
            return within(inner, rest, value, depth + 1);
        }
        object.insert(path.to_owned(), value);
    }
    within(object, path, value, 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_milliseconds(1_733_048_130_123).unwrap()
    }

    fn made(name: &str, fields: &[(&'static str, Value)]) -> (Event, Vec<String>) {
        let fields = Fields(fields.iter().cloned().collect());
        assemble(now(), Moment::Plain, name, fields, None)
    }

    #[test]
    fn dots_are_paths() {
        let (event, problems) = made(
            "event src/main.rs:7",
            &[
                (EVENT_TYPE, "backup.completed".into()),
                ("actor.id", 7.into()),
                ("actor.roles", r#"["a, b", "c"]"#.into()),
                ("actor.session.id", "s".into()),
                ("resource.type", "backup".into()),
                ("details.bytes", 5.into()),
                ("http.status", 200.into()),
                ("http.status.text", "OK".into()),
            ],
        );
        assert_eq!((event.event_type, problems), (EventType::BACKUP_COMPLETED, Vec::new()));
        let actor = event.actor.unwrap();
        assert_eq!((actor.id.as_deref(), actor.roles), (Some("7"), vec!["a, b".to_owned(), "c".to_owned()]));
        assert_eq!(Value::Object(actor.extra), serde_json::json!({"session": {"id": "s"}}));
        let expected = serde_json::json!({"bytes": 5, "http": {"status": 200, "status.text": "OK"}});
        assert_eq!(Value::Object(event.details), expected);
        assert_eq!((event.action, event.context), (None, None));
    }

    #[test]
    fn what_is_wrong_is_in_the_event() {
        let (event, problems) = made("x", &[(EVENT_TYPE, "backup completed".into()), ("a", 1.into())]);
        assert_eq!(event.event_type.as_str(), INVALID);
        assert!(problems[0].contains("did you mean backup.completed?"), "{problems:?}");
        assert_eq!(event.details["problems"][0], problems[0]);
        assert_eq!(event.details["a"], 1);
        for reserved in ["audit.stopped", "alert.fired"] {
            assert_eq!(made("x", &[(EVENT_TYPE, reserved.into())]).0.event_type.as_str(), INVALID);
        }
        assert_eq!(made("start_backup", &[]).0.event_type.as_str(), INVALID);
        assert_eq!(made("audit.stopped", &[]).0.event_type.as_str(), INVALID);
        assert_eq!(made("backup.started", &[]).0.event_type, EventType::BACKUP_STARTED);
        let (event, problems) =
            made("x", &[(EVENT_TYPE, "a.b".into()), ("action.duration_ms", "long".into())]);
        assert_eq!((event.event_type.as_str(), problems.len()), ("a.b", 1));
        assert_eq!(event.details["action"]["duration_ms"], "long");
    }

    #[test]
    fn a_deep_path_ends() {
        let inside = ["actor.id.x", "context.environment.y", "resource.type.", "action.result..z"];
        let (event, problems) = made("a.b", &inside.map(|name| (name, 1.into())));
        assert!(event.to_canonical_json().is_ok(), "{event:?}");
        assert_eq!(problems.len(), 4);
        let (event, _) = made("a.b", &[("a.b.c.d.e.f.g.h.i.j.k..l.", 1.into())]);
        assert!(event.to_canonical_json().is_ok());
    }
}
