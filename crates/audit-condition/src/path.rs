use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use audit_model::{Event, Map, Timestamp, Value};

use crate::ConditionError;
use crate::clock::ClockPart;
use crate::error::{Fault, fault};
use crate::field::{FIELDS, Field, Kind};
use crate::number::Number;
use crate::token::{Segment, Token, TokenKind, continues_name, starts_name, tokens};

/// Where a value stands in an event: `actor.id`, `details.topics`, ``context.`my key`.x``.
///
/// An array on the way, or at the end, stands for its elements, and so do arrays in arrays.
///
/// ```
/// use audit_condition::Path;
/// use audit_model::{Action, Actor, Event, EventType};
///
/// let event = Event::new(EventType::BACKUP_COMPLETED, Actor::user("bob"), Action::success("backup"))
///     .detail("topics", vec!["orders", "payments"]);
/// assert_eq!(Path::parse("actor.id")?.get(&event).unwrap().to_string(), "bob");
/// assert_eq!(Path::parse("details.topics")?.get(&event).unwrap().to_string(), r#"["orders","payments"]"#);
/// assert!(Path::parse("details.size")?.get(&event).is_none());
/// assert!(Path::parse("actor.name").is_err());
/// # Ok::<(), audit_condition::ConditionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    pub(crate) place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Fixed(Field),
    /// A field of no known type: in that part of the event, by one or more names.
    Free(Part, Box<[Box<str>]>),
}

/// The objects of an event in which there can be free fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// The event itself.
    Event,
    Details,
    Context,
    Actor,
    Action,
    Resource,
}

/// A value that was found in an event.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum FieldValue<'a> {
    /// A text, such as `actor.id`.
    Text(&'a str),
    /// One or more texts: `actor.roles`.
    Texts(&'a [String]),
    /// A whole number: `action.duration_ms`.
    Number(u64),
    /// A time: `timestamp`.
    Time(Timestamp),
    /// What a free field has; never null.
    Json(&'a Value),
}

/// One value of a path, as it is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scalar<'a> {
    Text(&'a str),
    Number(Number),
    Bool(bool),
    /// In milliseconds since 1970.
    Time(i64),
}

/// Deeper than any event that is read can nest.
const MAX_ARRAYS: usize = 128;

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// When it is not a path, or names a field that events do not have.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let path = tokens(text).and_then(|tokens| match tokens.as_slice() {
            [Token { kind: TokenKind::Name(segments), span }, _end] => Self::resolve(segments, span),
            [first, ..] => {
                fault(&first.span, "expected a path and nothing else, such as actor.id or details.topics")
            }
            [] => unreachable!("there is always the end"),
        });
        path.map_err(|fault| ConditionError::new(text, fault))
    }

    /// The value in that event, unless it is missing or null.
    ///
    /// Where the path goes through an array, it is that of the first element that has one. An actor without
    /// roles has no `actor.roles`.
    #[must_use]
    pub fn get<'e>(&self, event: &'e Event) -> Option<FieldValue<'e>> {
        match &self.place {
            Place::Fixed(Field::Timestamp) => Some(FieldValue::Time(event.timestamp)),
            Place::Fixed(Field::ActionDurationMs) => {
                Some(FieldValue::Number(event.action.as_ref()?.duration_ms?))
            }
            Place::Fixed(Field::ActorRoles) => {
                let roles = &event.actor.as_ref()?.roles;
                (!roles.is_empty()).then_some(FieldValue::Texts(roles))
            }
            Place::Fixed(text) => text.text(event).map(FieldValue::Text),
            Place::Free(part, keys) => {
                let (first, rest) = keys.split_first()?;
                first_value(part.map(event)?.get(&**first)?, rest, 0).map(FieldValue::Json)
            }
        }
    }

    /// The names by which it goes into the event's JSON: `actor`, `id`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (first, fixed, free) = match &self.place {
            Place::Fixed(field) => match field.name().split_once('.') {
                Some((part, name)) => (Some(part), Some(name), [].as_slice()),
                None => (None, Some(field.name()), [].as_slice()),
            },
            Place::Free(Part::Event, keys) => (None, None, &**keys),
            Place::Free(part, keys) => (Some(part.name()), None, &**keys),
        };
        first.into_iter().chain(fixed).chain(free.iter().map(|key| &**key))
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.place {
            Place::Fixed(field) => field.kind(),
            Place::Free(..) => Kind::Free,
        }
    }

    pub(crate) fn is(&self, field: Field) -> bool {
        self.place == Place::Fixed(field)
    }

    /// All that the path finds, for showing it: several values, through arrays of objects, as an array.
    pub(crate) fn found(&self, event: &Event) -> Option<Value> {
        let Place::Free(part, keys) = &self.place else {
            return self.get(event).map(|value| value.to_value());
        };
        let (first, rest) = keys.split_first()?;
        let mut found = Vec::new();
        collect(part.map(event)?.get(&**first)?, rest, 0, &mut found);
        match found.as_slice() {
            [] => None,
            [value] => Some((*value).clone()),
            values => Some(values.iter().copied().cloned().collect()),
        }
    }

    /// Whether any of the path's values in the event passes.
    #[inline]
    pub(crate) fn any<'e>(&self, event: &'e Event, mut passes: impl FnMut(Scalar<'e>) -> bool) -> bool {
        match &self.place {
            Place::Fixed(Field::Timestamp) => passes(Scalar::Time(event.timestamp.as_milliseconds())),
            Place::Fixed(Field::ActionDurationMs) => event
                .action
                .as_ref()
                .and_then(|action| action.duration_ms)
                .is_some_and(|duration| passes(Scalar::Number(Number::of_u64(duration)))),
            Place::Fixed(Field::ActorRoles) => event
                .actor
                .as_ref()
                .is_some_and(|actor| actor.roles.iter().any(|role| passes(Scalar::Text(role)))),
            Place::Fixed(text) => text.text(event).is_some_and(|text| passes(Scalar::Text(text))),
            Place::Free(part, keys) => {
                let Some((first, rest)) = keys.split_first() else { return false };
                let value = part.map(event).and_then(|map| map.get(&**first));
                value.is_some_and(|value| any_scalar(value, rest, 0, &mut passes))
            }
        }
    }

    /// Finds the field that is meant, or says which may be.
    pub(crate) fn resolve(segments: &[Segment], span: &Range<usize>) -> Result<Self, Fault> {
        let (first, rest) = segments.split_first().expect("a name has at least one segment");
        let known = Part::named(&first.name);
        let Some(part) = known.filter(|_| !rest.is_empty()) else {
            if let Some(field) = Field::named(&first.name) {
                return Self::fixed(field, rest, span);
            }
            if first.quoted && known.is_none() {
                if let Some((part, rest)) = first.name.split_once('.')
                    && Part::named(part).is_some()
                {
                    return fault(
                        span,
                        format!(
                            "in these back-quotes is one name with a dot in it; to name {rest} in {part} write {}",
                            join([part, rest].into_iter())
                        ),
                    );
                }
                return Ok(Self { place: Place::Free(Part::Event, keys(segments)) });
            }
            return unknown(segments, span);
        };
        if let Some(field) = Field::named(&format!("{}.{}", first.name, rest[0].name)) {
            return Self::fixed(field, &rest[1..], span);
        }
        if matches!(part, Part::Details | Part::Context) || rest[0].quoted {
            return Ok(Self { place: Place::Free(part, keys(rest)) });
        }
        unknown(segments, span)
    }

    fn fixed(field: Field, rest: &[Segment], span: &Range<usize>) -> Result<Self, Fault> {
        if rest.is_empty() {
            return Ok(Self { place: Place::Fixed(field) });
        }
        fault(span, format!("{} has no parts: nothing can follow it in a path", field.name()))
    }
}

fn keys(segments: &[Segment]) -> Box<[Box<str>]> {
    segments.iter().map(|segment| segment.name.as_str().into()).collect()
}

/// Names that others use for these fields.
const SYNONYMS: [(&str, Field); 21] = [
    ("user", Field::ActorId),
    ("user.id", Field::ActorId),
    ("user.name", Field::ActorId),
    ("username", Field::ActorId),
    ("user_id", Field::ActorId),
    ("principal", Field::ActorId),
    ("actor.name", Field::ActorId),
    ("actor.user", Field::ActorId),
    ("actor.email", Field::ActorId),
    ("type", Field::EventType),
    ("event", Field::EventType),
    ("event.type", Field::EventType),
    ("event_name", Field::EventType),
    ("name", Field::EventType),
    ("time", Field::Timestamp),
    ("ip", Field::ActorIpAddress),
    ("actor.ip", Field::ActorIpAddress),
    ("source_ip", Field::ActorIpAddress),
    ("src_ip", Field::ActorIpAddress),
    ("env", Field::Environment),
    ("duration", Field::ActionDurationMs),
];

/// The field that is most likely meant by a name that is none.
pub(crate) fn nearest_field(written: &str) -> Option<&'static str> {
    let written = written.to_lowercase();
    if let Some((_, field)) = SYNONYMS.iter().find(|(name, _)| *name == written) {
        return Some(field.name());
    }
    let last = |name: &str| name.rsplit('.').next().map(str::to_owned).unwrap_or_default();
    let part = |name: &str| name.split_once('.').and_then(|(part, _)| Part::named(part));
    let same_part = |name: &str| part(name).is_some() && part(name) == part(&written);
    FIELDS
        .iter()
        // Who wrote the right object means one of its fields.
        .filter(|(_, name, _)| part(&written).is_none() || same_part(name))
        .map(|(_, name, _)| {
            let likeness = if same_part(name) {
                // The same part is no sign of the same field: what follows is compared.
                strsim::jaro_winkler(&last(name), &last(&written))
                    .max(strsim::normalized_levenshtein(name, &written))
            } else {
                strsim::jaro_winkler(name, &written).min(0.99).max(if written.contains('.') {
                    0.0
                } else {
                    strsim::jaro_winkler(&last(name), &written)
                })
            };
            (likeness, *name)
        })
        .filter(|(likeness, _)| *likeness > 0.84)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

fn unknown<T>(segments: &[Segment], span: &Range<usize>) -> Result<T, Fault> {
    let written = join(segments.iter().map(|segment| segment.name.as_str()));
    let first = segments[0].name.as_str();
    if Part::named(first).is_some() && segments.len() == 1 {
        let member =
            FIELDS.iter().find(|(_, name, _)| name.starts_with(first)).map_or("details.topics", |row| row.1);
        return fault(span, format!("{first} is an object; name a field of it, such as {member}"));
    }
    if first == "event" && segments.len() > 1 && Path::resolve(&segments[1..], span).is_ok() {
        let rest = join(segments[1..].iter().map(|segment| segment.name.as_str()));
        return fault(span, format!("paths begin at the event: write {rest}, without event."));
    }
    let mut message = format!("{written} is not a field");
    if let Some(nearest) = nearest_field(&written) {
        message += &format!("; did you mean {nearest}?");
    } else if let Some(part) = Part::named(first) {
        message += &format!("; there are {}", fields_of(part));
    } else if ClockPart::named(&first.to_lowercase()).is_some() && segments.len() == 1 {
        return fault(span, format!("{written} is a function; write {written}(timestamp)"));
    }
    match Part::named(first) {
        Some(_) if segments.len() > 1 => {
            let quoted = &segments[1].name;
            message += &format!(
                "{} if your events have a member {quoted} of their own, write {first}.`{quoted}`",
                if message.ends_with('?') { " Or" } else { ";" },
            );
        }
        _ if message.ends_with('?') => {}
        _ => {
            message +=
                "; fields begin with event_type, timestamp, actor., action., resource., context. or details.";
        }
    }
    fault(span, message)
}

fn fields_of(part: Part) -> String {
    let names = FIELDS.iter().map(|(_, name, _)| *name);
    let of_part = names.filter(|name| name.split_once('.').is_some_and(|(first, _)| first == part.name()));
    of_part.collect::<Vec<_>>().join(", ")
}

impl Part {
    fn named(name: &str) -> Option<Self> {
        match name {
            "details" => Some(Self::Details),
            "context" => Some(Self::Context),
            "actor" => Some(Self::Actor),
            "action" => Some(Self::Action),
            "resource" => Some(Self::Resource),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Event => "",
            Self::Details => "details",
            Self::Context => "context",
            Self::Actor => "actor",
            Self::Action => "action",
            Self::Resource => "resource",
        }
    }

    #[inline]
    fn map(self, event: &Event) -> Option<&Map> {
        Some(match self {
            Self::Event => &event.extra,
            Self::Details => &event.details,
            Self::Context => &event.context.as_ref()?.extra,
            Self::Actor => &event.actor.as_ref()?.extra,
            Self::Action => &event.action.as_ref()?.extra,
            Self::Resource => &event.resource.as_ref()?.extra,
        })
    }
}

fn any_scalar<'e>(
    value: &'e Value,
    keys: &[Box<str>],
    arrays: usize,
    passes: &mut impl FnMut(Scalar<'e>) -> bool,
) -> bool {
    match (value, keys.split_first()) {
        (Value::Array(items), _) => {
            arrays < MAX_ARRAYS && items.iter().any(|item| any_scalar(item, keys, arrays + 1, passes))
        }
        (Value::Object(map), Some((key, rest))) => {
            map.get(&**key).is_some_and(|value| any_scalar(value, rest, arrays, passes))
        }
        (Value::String(text), None) => passes(Scalar::Text(text)),
        (Value::Number(number), None) => {
            Number::of(number).is_some_and(|number| passes(Scalar::Number(number)))
        }
        (Value::Bool(truth), None) => passes(Scalar::Bool(*truth)),
        _ => false,
    }
}

fn first_value<'e>(value: &'e Value, keys: &[Box<str>], arrays: usize) -> Option<&'e Value> {
    match (value, keys.split_first()) {
        (Value::Null, _) => None,
        (value, None) => Some(value),
        (Value::Object(map), Some((key, rest))) => first_value(map.get(&**key)?, rest, arrays),
        (Value::Array(items), _) if arrays < MAX_ARRAYS => {
            items.iter().find_map(|item| first_value(item, keys, arrays + 1))
        }
        _ => None,
    }
}

fn collect<'e>(value: &'e Value, keys: &[Box<str>], arrays: usize, found: &mut Vec<&'e Value>) {
    match (value, keys.split_first()) {
        (Value::Null, _) => {}
        (value, None) => found.push(value),
        (Value::Object(map), Some((key, rest))) => {
            if let Some(value) = map.get(&**key) {
                collect(value, rest, arrays, found);
            }
        }
        (Value::Array(items), _) if arrays < MAX_ARRAYS => {
            items.iter().for_each(|item| collect(item, keys, arrays + 1, found));
        }
        _ => {}
    }
}

fn join<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut path = String::new();
    for (index, name) in names.enumerate() {
        if index > 0 {
            path.push('.');
        }
        if name.starts_with(starts_name) && name.chars().all(continues_name) {
            path.push_str(name);
        } else {
            path.push('`');
            path.push_str(&name.replace('`', "``"));
            path.push('`');
        }
    }
    path
}

/// As it is written in a condition.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Fixed(field) => f.write_str(field.name()),
            Place::Free(part @ (Part::Details | Part::Context), keys) => {
                write!(f, "{}.{}", part.name(), join(keys.iter().map(|key| &**key)))
            }
            // Back-quotes tell that a name which this crate does not know is meant.
            Place::Free(part, keys) => {
                let (first, rest) = keys.split_first().expect("a free field has a name");
                if *part != Part::Event {
                    write!(f, "{}.", part.name())?;
                }
                write!(f, "`{}`", first.replace('`', "``"))?;
                if rest.is_empty() { Ok(()) } else { write!(f, ".{}", join(rest.iter().map(|key| &**key))) }
            }
        }
    }
}

impl FromStr for Path {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        Self::parse(text)
    }
}

impl FieldValue<'_> {
    /// The value as JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(*text),
            Self::Texts(texts) => Value::from(texts.to_vec()),
            Self::Number(number) => Value::from(*number),
            Self::Time(time) => Value::from(time.to_string()),
            Self::Json(value) => (*value).clone(),
        }
    }
}

/// Texts as they are, everything else as JSON.
impl fmt::Display for FieldValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Json(Value::String(text)) => f.write_str(text),
            Self::Texts(_) => self.to_value().fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Time(time) => time.fmt(f),
            Self::Json(value) => value.fmt(f),
        }
    }
}
