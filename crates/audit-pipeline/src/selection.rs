use std::fmt;
use std::sync::Arc;

use audit_model::{Event, EventPattern};

/// Which events are recorded: all, unless lists say otherwise.
///
/// ```
/// use audit_model::{Event, EventType, Timestamp};
/// use audit_pipeline::Selection;
///
/// let selection = Selection::default().events(["backup.*".parse()?]).exclude_events(["backup.checkpoint".parse()?]);
/// let selects = |event_type| selection.selects(&Event::at(Timestamp::now(), event_type));
/// assert!(selects(EventType::BACKUP_FAILED));
/// assert!(!selects(EventType::BACKUP_CHECKPOINT));
/// assert!(!selects(EventType::AUTH_LOGIN));
/// # Ok::<(), audit_model::PatternError>(())
/// ```
#[derive(Clone, Default)]
pub struct Selection {
    events: Vec<EventPattern>,
    exclude_events: Vec<EventPattern>,
    actors: Vec<ActorPattern>,
    exclude_actors: Vec<ActorPattern>,
    only: Option<Only>,
}

type Only = Arc<dyn Fn(&Event) -> bool + Send + Sync>;

/// An actor's id, or one with `*` in it.
type ActorPattern = String;

impl Selection {
    /// Records only events that one of these names.
    #[must_use]
    pub fn events(mut self, patterns: impl IntoIterator<Item = EventPattern>) -> Self {
        self.events.extend(patterns);
        self
    }

    /// Does not record events that one of these names, even if they are in `events`.
    #[must_use]
    pub fn exclude_events(mut self, patterns: impl IntoIterator<Item = EventPattern>) -> Self {
        self.exclude_events.extend(patterns);
        self
    }

    /// Records only events whose actor's id is one of these; `*` stands for any run of characters.
    #[must_use]
    pub fn actors(mut self, ids: impl IntoIterator<Item = String>) -> Self {
        self.actors.extend(ids);
        self
    }

    /// Does not record events whose actor's id is one of these.
    #[must_use]
    pub fn exclude_actors(mut self, ids: impl IntoIterator<Item = String>) -> Self {
        self.exclude_actors.extend(ids);
        self
    }

    /// Records only events, among those that the lists leave, of which this says so: a condition, say. It runs on the thread
    /// of whoever emits.
    #[must_use]
    pub fn only(mut self, selects: impl Fn(&Event) -> bool + Send + Sync + 'static) -> Self {
        self.only = Some(Arc::new(selects));
        self
    }

    /// Whether the event is recorded.
    #[must_use]
    pub fn selects(&self, event: &Event) -> bool {
        let named =
            |patterns: &[EventPattern]| patterns.iter().any(|pattern| pattern.matches(&event.event_type));
        let id = || event.actor.as_ref().and_then(|actor| actor.id.as_deref()).unwrap_or("");
        let acts = |patterns: &[ActorPattern]| patterns.iter().any(|p| audit_model::glob_matches(p, id()));
        (self.events.is_empty() || named(&self.events))
            && !named(&self.exclude_events)
            && (self.actors.is_empty() || acts(&self.actors))
            && !acts(&self.exclude_actors)
            && self.only.as_ref().is_none_or(|only| only(event))
    }
}

impl fmt::Debug for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selection")
            .field("events", &self.events)
            .field("exclude_events", &self.exclude_events)
            .field("actors", &self.actors)
            .field("exclude_actors", &self.exclude_actors)
            .field("only", &self.only.is_some())
            .finish()
    }
}
