use audit_model::{Action, Actor, Event, EventId, EventType, Resource, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Hold;

/// That a hold was placed or released, which belongs on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HoldEvent {
    /// The event's identity: should it be recorded twice, since a crash came in between, both are known as one.
    pub event_id: String,
    /// The hold.
    pub hold: Hold,
    /// How it was released; `None` when it was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
}

/// That somebody lifted a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Release {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl HoldEvent {
    pub(crate) fn placed(hold: Hold) -> Self {
        Self { event_id: EventId::generate(hold.placed).to_string(), hold, release: None }
    }

    pub(crate) fn released(hold: Hold, release: Release) -> Self {
        Self { event_id: EventId::generate(release.at).to_string(), hold, release: Some(release) }
    }

    /// The event as it is recorded: `audit.hold_placed` or `audit.hold_released`, of the time when that was done, by who did it.
    /// The same each time.
    #[must_use]
    pub fn to_event(&self) -> Event {
        let hold = &self.hold;
        let (event_type, time, who, operation, reason) = match &self.release {
            None => (EventType::AUDIT_HOLD_PLACED, hold.placed, &hold.placed_by, "hold", &hold.reason),
            Some(release) => {
                (EventType::AUDIT_HOLD_RELEASED, release.at, &release.by, "release", &release.reason)
            }
        };
        let mut event = Event::at(time, event_type).resource(Resource::new("hold", &hold.id));
        event.event_id = self.event_id.as_str().into();
        event.actor = Some(Actor::user(who));
        event.action = Some(Action::success(operation));
        let mut detail = |name: &str, value: String| event.details.insert(name.to_owned(), value.into());
        detail("reason", reason.clone());
        detail("placed", hold.placed.to_string());
        for (name, time) in [("until", hold.until), ("from", hold.from), ("to", hold.to)] {
            if let Some(time) = time {
                detail(name, time.to_string());
            }
        }
        if self.release.is_some() {
            detail("placed_by", hold.placed_by.clone());
        }
        event
    }
}
