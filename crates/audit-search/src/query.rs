use audit_condition::{Condition, Path};
use audit_model::{Event, EventPattern, Timestamp};

/// What is looked for: events of which all of it is true. The default is true of every event.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// A condition.
    pub condition: Option<Condition>,
    /// The earliest time, included.
    pub since: Option<Timestamp>,
    /// The time at which it ends, excluded.
    pub until: Option<Timestamp>,
    /// Types of events, of which one is enough; none means all.
    pub types: Vec<EventPattern>,
    /// Identities of actors (`actor.id`), of which one is enough; none means all.
    pub actors: Vec<String>,
    /// What [`Hit::text`](crate::Hit::text) will be asked for. Paths that are not named here work as well, and cost more.
    pub fields: Vec<Path>,
}

impl Query {
    /// Whether all of it is true of that event, when it is `now`.
    #[must_use]
    pub fn matches(&self, event: &Event, now: Timestamp) -> bool {
        let actor = event.actor.as_ref().and_then(|actor| actor.id.as_ref());
        self.since.is_none_or(|since| since <= event.timestamp)
            && self.until.is_none_or(|until| event.timestamp < until)
            && (self.types.is_empty() || self.types.iter().any(|one| one.matches(&event.event_type)))
            && (self.actors.is_empty() || actor.is_some_and(|id| self.actors.contains(id)))
            && self.condition.as_ref().is_none_or(|condition| condition.matches(event, now))
    }
}
