use audit_integrity::Key;
use audit_model::{Action, Actor, Context, Event, FieldError, Map, Resource, Value};

/// What takes a value's place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RedactionMethod {
    /// `******`.
    Mask,
    /// `hmac:` and the first 32 hexadecimal digits of the value's HMAC-SHA256: equal values stay
    /// recognisable as equal, and only who has the key can try whether a guess is right.
    Hmac(Key),
    /// Nothing: the field goes.
    Drop,
}

/// A path that cannot be redacted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedactionError {
    /// Not a path.
    #[error("`{0}` is not a path; expected names joined by dots, such as details.password")]
    Malformed(String),
    /// A field that every record needs.
    #[error(
        "`{0}` cannot be redacted: every record needs it; redact fields of actor, action, resource, context or details"
    )]
    Required(String),
}

/// Takes secrets out of events before anything is hashed or stored.
///
/// A path names a field by its names joined by dots; in an array it goes into every element. A name may have dots in
/// it: `details.http.token` is the field `token` of `http`, and the field `http.token`, whichever there is.
///
/// ```
/// use audit_model::{Event, EventType, Timestamp};
/// use audit_pipeline::{Redaction, RedactionMethod};
///
/// let redaction = Redaction::default().rule("details.password", RedactionMethod::Mask)?;
/// let mut event = Event::at(Timestamp::now(), EventType::AUTH_LOGIN).detail("password", "hunter2");
/// redaction.apply(&mut event);
/// assert_eq!(event.details["password"], "******");
/// # Ok::<(), audit_pipeline::RedactionError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    path: String,
    method: RedactionMethod,
}

/// The label that a value's HMAC is made under, so that it is never a signature.
const LABEL: &[u8] = b"audit-log/v1 redacted\n";

impl Redaction {
    /// Adds a rule.
    ///
    /// # Errors
    /// When the path is none, or names a field that every record needs.
    pub fn rule(mut self, path: &str, method: RedactionMethod) -> Result<Self, RedactionError> {
        if path.split('.').any(str::is_empty) {
            return Err(RedactionError::Malformed(path.to_owned()));
        }
        if ["event_id", "event_type", "timestamp", "version"].contains(&split(path).0) {
            return Err(RedactionError::Required(path.to_owned()));
        }
        self.rules.push(Rule { path: path.to_owned(), method });
        Ok(self)
    }

    /// Whether any rule finds something in the event.
    #[must_use]
    pub fn concerns(&self, event: &Event) -> bool {
        self.rules.iter().any(|rule| match split(&rule.path) {
            ("details", "") => !event.details.is_empty(),
            ("details", below) => names(below).any(|(name, _)| event.details.contains_key(name)),
            ("actor", _) => event.actor.is_some(),
            ("action", _) => event.action.is_some(),
            ("context", _) => event.context.is_some(),
            ("resource", _) => event.resource.is_some(),
            _ => names(&rule.path).any(|(name, _)| event.extra.contains_key(name)),
        })
    }

    /// Redacts the event.
    pub fn apply(&self, event: &mut Event) {
        for Rule { path, method } in &self.rules {
            let (part, below) = split(path);
            match part {
                "details" if below.is_empty() => event.details.clear(),
                "details" => redact_map(&mut event.details, below, method),
                "actor" => redact_part(&mut event.actor, Actor::to_value, Actor::from_value, below, method),
                "action" => {
                    redact_part(&mut event.action, Action::to_value, Action::from_value, below, method);
                }
                "context" => {
                    redact_part(&mut event.context, Context::to_value, Context::from_value, below, method);
                }
                "resource" => {
                    redact_part(&mut event.resource, Resource::to_value, Resource::from_value, below, method);
                }
                _ => redact_map(&mut event.extra, path, method),
            }
        }
    }
}

/// The part of the event that a path leads into, and the rest.
fn split(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or((path, ""))
}

/// Every name that a path may begin with, and what is below it; nothing is below the whole path.
fn names(path: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let prefixes = path.match_indices('.').map(move |(dot, _)| (&path[..dot], Some(&path[dot + 1..])));
    prefixes.chain([(path, None)])
}

fn redact_part<T>(
    part: &mut Option<T>,
    to_value: impl Fn(&T) -> Value,
    from_value: impl Fn(Value) -> Result<T, FieldError>,
    path: &str,
    method: &RedactionMethod,
) {
    if path.is_empty() {
        *part = None;
    }
    let Some(Value::Object(map)) = part.as_ref().map(to_value) else { return };
    // A field that cannot hold the replacement (a duration in milliseconds, say) goes instead.
    *part = [method, &RedactionMethod::Drop].into_iter().find_map(|method| {
        let mut map = map.clone();
        redact_map(&mut map, path, method);
        from_value(Value::Object(map)).ok()
    });
}

fn redact_map(map: &mut Map, path: &str, method: &RedactionMethod) {
    for (name, below) in names(path) {
        match (map.get_mut(name), below, method) {
            (None, _, _) => {}
            (Some(value), Some(below), _) => redact_below(value, below, method),
            (Some(_), None, RedactionMethod::Drop) => drop(map.remove(name)),
            (Some(value), None, _) => replace(value, method),
        }
    }
}

fn redact_below(value: &mut Value, path: &str, method: &RedactionMethod) {
    match value {
        Value::Object(map) => redact_map(map, path, method),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_below(item, path, method)),
        _ => {}
    }
}

fn replace(value: &mut Value, method: &RedactionMethod) {
    // An array stays an array, so that a field of texts stays one.
    if let Value::Array(items) = value {
        items.iter_mut().for_each(|item| replace(item, method));
        return;
    }
    let replacement = match method {
        RedactionMethod::Hmac(key) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let mac = key.authenticate(&[LABEL, text.as_bytes()].concat());
            format!("hmac:{}", const_hex::encode(&mac[..16]))
        }
        _ => "******".to_owned(),
    };
    *value = Value::String(replacement);
}
