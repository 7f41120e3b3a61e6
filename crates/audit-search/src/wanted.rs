//! Which members of an event have to be seen, and what they are.

use audit_condition::Path;
use audit_model::{Action, Event, Map, Value};

use crate::Query;
use crate::token::{Token, whole_number};

/// The members of an event that are wanted. Each has a number, which is its bit in a set and its place among the tokens.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) top: Vec<Name>,
    pub(crate) members: Vec<Member>,
    /// Those without which nothing is known about a match.
    pub(crate) decisive: u64,
    /// The member of each of the query's fields.
    pub(crate) fields: Vec<(Path, usize)>,
}

/// The name of a member of the event.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) name: Box<[u8]>,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// A member that is wanted itself.
    Member(usize),
    /// An object with members that are.
    Part { bit: u64, members: Vec<(Box<[u8]>, usize)>, all: u64 },
    /// A name that makes the line something else.
    Odd,
}

/// Where in an event a member goes.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    part: Part,
    kind: Kind,
    name: String,
    /// Whether the path ends here, and does not go on into it.
    pub(crate) is_whole_path: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Event,
    Action,
    Actor,
    Context,
    Details,
    Resource,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    EventId,
    EventType,
    Timestamp,
    Version,
    Roles,
    Duration,
    Text(fn(&mut Event) -> &mut Option<String>),
    ActorType,
    Result,
    Free,
}

pub(crate) const EVENT_TYPE: usize = 0;
pub(crate) const TIMESTAMP: usize = 1;

/// More than these do not fit in a set.
const MOST: usize = 48;

impl Wanted {
    /// `None` when there are so many that reading the whole event costs no more.
    pub(crate) fn of(query: &Query) -> Option<Self> {
        let mut wanted = Self { top: Vec::new(), members: Vec::new(), decisive: 0, fields: Vec::new() };
        let known = |text| Path::parse(text).expect("every event has it");
        wanted.add(&known("event_type"))?;
        wanted.add(&known("timestamp"))?;
        let mut decisive: Vec<Path> = Vec::new();
        decisive.extend(query.condition.iter().flat_map(|condition| condition.paths()).cloned());
        if query.since.is_some() || query.until.is_some() {
            decisive.push(known("timestamp"));
        }
        if !query.types.is_empty() {
            decisive.push(known("event_type"));
        }
        if !query.actors.is_empty() {
            decisive.push(known("actor.id"));
        }
        for path in &decisive {
            wanted.decisive |= 1 << wanted.add(path)?;
        }
        for path in &query.fields {
            let member = wanted.add(path)?;
            wanted.fields.push((path.clone(), member));
        }
        for odd in ["class_uid", "event", "integrity"] {
            if !wanted.top.iter().any(|name| *name.name == *odd.as_bytes()) {
                wanted.top.push(Name { name: odd.as_bytes().into(), what: What::Odd });
            }
        }
        Some(wanted)
    }

    fn add(&mut self, path: &Path) -> Option<usize> {
        let mut names = path.names();
        let first = names.next()?;
        // These make a line a record of another form.
        if matches!(first, "class_uid" | "event" | "integrity") {
            return None;
        }
        let part = Part::named(first);
        let name = if part == Part::Event { first } else { names.next()? };
        let member = Member {
            part,
            kind: Kind::of(part, name),
            name: name.to_owned(),
            is_whole_path: names.next().is_none(),
        };
        let same = |other: &Member| other.part == member.part && other.name == member.name;
        if let Some(known) = self.members.iter().position(same) {
            self.members[known].is_whole_path &= member.is_whole_path;
            return Some(known);
        }
        let number = self.members.len();
        if number == MOST {
            return None;
        }
        let key: Box<[u8]> = name.as_bytes().into();
        if part == Part::Event {
            self.top.push(Name { name: key, what: What::Member(number) });
        } else {
            let bit = 1 << (MOST + part as usize);
            let at = self.top.iter_mut().find(|top| *top.name == *first.as_bytes());
            match at.map(|top| &mut top.what) {
                Some(What::Part { members, all, .. }) => {
                    members.push((key, number));
                    *all |= 1 << number;
                }
                _ => {
                    let what = What::Part { bit, members: vec![(key, number)], all: 1 << number };
                    self.top.push(Name { name: first.as_bytes().into(), what });
                }
            }
        }
        self.members.push(member);
        Some(number)
    }
}

impl Part {
    fn named(name: &str) -> Self {
        match name {
            "action" => Self::Action,
            "actor" => Self::Actor,
            "context" => Self::Context,
            "details" => Self::Details,
            "resource" => Self::Resource,
            _ => Self::Event,
        }
    }
}

impl Kind {
    fn of(part: Part, name: &str) -> Self {
        match (part, name) {
            (Part::Event, "event_id") => Self::EventId,
            (Part::Event, "event_type") => Self::EventType,
            (Part::Event, "timestamp") => Self::Timestamp,
            (Part::Event, "version") => Self::Version,
            (Part::Action, "duration_ms") => Self::Duration,
            (Part::Action, "operation") => {
                Self::Text(|event| &mut event.action.get_or_insert_default().operation)
            }
            (Part::Action, "result") => Self::Result,
            (Part::Actor, "id") => Self::Text(|event| &mut event.actor.get_or_insert_default().id),
            (Part::Actor, "ip_address") => {
                Self::Text(|event| &mut event.actor.get_or_insert_default().ip_address)
            }
            (Part::Actor, "roles") => Self::Roles,
            (Part::Actor, "type") => Self::ActorType,
            (Part::Actor, "user_agent") => {
                Self::Text(|event| &mut event.actor.get_or_insert_default().user_agent)
            }
            (Part::Context, "cluster_id") => {
                Self::Text(|event| &mut event.context.get_or_insert_default().cluster_id)
            }
            (Part::Context, "correlation_id") => {
                Self::Text(|event| &mut event.context.get_or_insert_default().correlation_id)
            }
            (Part::Context, "environment") => {
                Self::Text(|event| &mut event.context.get_or_insert_default().environment)
            }
            (Part::Resource, "id") => Self::Text(|event| &mut event.resource.get_or_insert_default().id),
            (Part::Resource, "path") => Self::Text(|event| &mut event.resource.get_or_insert_default().path),
            (Part::Resource, "type") => {
                Self::Text(|event| &mut event.resource.get_or_insert_default().resource_type)
            }
            _ => Self::Free,
        }
    }
}

/// What is not as it should be: the whole line has to be read, whose reader knows.
#[derive(Debug)]
pub(crate) struct Odd;

impl Member {
    /// Puts the value into the event, or takes out what another line has left there.
    pub(crate) fn fill(&self, token: Token<'_>, event: &mut Event) -> Result<(), Odd> {
        match self.kind {
            Kind::Text(field) => put_text(token, field(event)),
            Kind::EventType => {
                let text = token.text()?.ok_or(Odd)?;
                if *text != *event.event_type.as_str() {
                    event.event_type = text.parse().map_err(|_| Odd)?;
                }
                Ok(())
            }
            Kind::Timestamp => {
                event.timestamp = token.time()?;
                Ok(())
            }
            Kind::EventId => {
                event.event_id = token.text()?.as_deref().unwrap_or_default().into();
                Ok(())
            }
            Kind::Version => {
                event.version.clear();
                event.version.push_str(token.text()?.as_deref().unwrap_or(audit_model::EVENT_VERSION));
                Ok(())
            }
            Kind::ActorType => {
                event.actor.get_or_insert_default().actor_type = token.text()?.map(|text| (*text).into());
                Ok(())
            }
            Kind::Result => {
                event.action.get_or_insert_default().result = token.text()?.map(|text| (*text).into());
                Ok(())
            }
            Kind::Duration => {
                let milliseconds = match token {
                    Token::Missing => None,
                    Token::Other(text) if whole_number(text).is_some() => whole_number(text),
                    other => {
                        let action = serde_json::json!({ "duration_ms": other.value()? });
                        Action::from_value(action).map_err(|_| Odd)?.duration_ms
                    }
                };
                event.action.get_or_insert_default().duration_ms = milliseconds;
                Ok(())
            }
            Kind::Roles => {
                let roles = &mut event.actor.get_or_insert_default().roles;
                roles.clear();
                match token.value()? {
                    Value::Null => Ok(()),
                    Value::Array(items) => items.into_iter().try_for_each(|item| match item {
                        Value::String(role) => {
                            roles.push(role);
                            Ok(())
                        }
                        _ => Err(Odd),
                    }),
                    _ => Err(Odd),
                }
            }
            Kind::Free => {
                let map = self.map(event);
                if token.is_missing() {
                    map.remove(&self.name);
                    return Ok(());
                }
                let value = token.value()?;
                match map.get_mut(&self.name) {
                    Some(place) => *place = value,
                    None => _ = map.insert(self.name.clone(), value),
                }
                Ok(())
            }
        }
    }

    fn map<'e>(&self, event: &'e mut Event) -> &'e mut Map {
        match self.part {
            Part::Event => &mut event.extra,
            Part::Details => &mut event.details,
            Part::Action => &mut event.action.get_or_insert_default().extra,
            Part::Actor => &mut event.actor.get_or_insert_default().extra,
            Part::Context => &mut event.context.get_or_insert_default().extra,
            Part::Resource => &mut event.resource.get_or_insert_default().extra,
        }
    }

    /// Whether a text token is what [`Path::get`](audit_condition::Path::get) finds there.
    pub(crate) fn is_text(&self) -> bool {
        self.is_whole_path && !matches!(self.kind, Kind::Timestamp | Kind::Roles | Kind::Duration)
    }

    /// Whether it is a time, which is shown as the model writes it.
    pub(crate) fn is_time(&self) -> bool {
        matches!(self.kind, Kind::Timestamp)
    }

    /// Whether a plain whole number is what is found there.
    pub(crate) fn is_number(&self) -> bool {
        self.is_whole_path && matches!(self.kind, Kind::Duration | Kind::Free)
    }

    /// Whether there is nothing where the JSON has nothing.
    pub(crate) fn may_be_missing(&self) -> bool {
        !matches!(self.kind, Kind::Version | Kind::EventId)
    }
}

fn put_text(token: Token<'_>, place: &mut Option<String>) -> Result<(), Odd> {
    match token.text()? {
        None => *place = None,
        Some(text) => {
            let place = place.get_or_insert_default();
            place.clear();
            place.push_str(&text);
        }
    }
    Ok(())
}
