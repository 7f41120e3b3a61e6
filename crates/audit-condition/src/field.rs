use audit_model::{ActionResult, ActorType, Event, EventId, EventType};

/// The event's fields of known name and type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    EventId,
    EventType,
    Timestamp,
    Version,
    ActorId,
    ActorIpAddress,
    ActorRoles,
    ActorType,
    ActorUserAgent,
    ActionDurationMs,
    ActionOperation,
    ActionResult,
    ResourceId,
    ResourcePath,
    ResourceType,
    ClusterId,
    CorrelationId,
    Environment,
}

/// What values a path can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// Any number of texts.
    Texts,
    /// A whole number of milliseconds.
    Number,
    /// A time.
    Time,
    /// Whatever JSON there is.
    Free,
}

pub(crate) const FIELDS: [(Field, &str, Kind); 18] = [
    (Field::EventId, "event_id", Kind::Text),
    (Field::EventType, "event_type", Kind::Text),
    (Field::Timestamp, "timestamp", Kind::Time),
    (Field::Version, "version", Kind::Text),
    (Field::ActorId, "actor.id", Kind::Text),
    (Field::ActorIpAddress, "actor.ip_address", Kind::Text),
    (Field::ActorRoles, "actor.roles", Kind::Texts),
    (Field::ActorType, "actor.type", Kind::Text),
    (Field::ActorUserAgent, "actor.user_agent", Kind::Text),
    (Field::ActionDurationMs, "action.duration_ms", Kind::Number),
    (Field::ActionOperation, "action.operation", Kind::Text),
    (Field::ActionResult, "action.result", Kind::Text),
    (Field::ResourceId, "resource.id", Kind::Text),
    (Field::ResourcePath, "resource.path", Kind::Text),
    (Field::ResourceType, "resource.type", Kind::Text),
    (Field::ClusterId, "context.cluster_id", Kind::Text),
    (Field::CorrelationId, "context.correlation_id", Kind::Text),
    (Field::Environment, "context.environment", Kind::Text),
];

impl Field {
    pub(crate) fn named(name: &str) -> Option<Self> {
        FIELDS.iter().find(|(_, known, _)| *known == name).map(|(field, ..)| *field)
    }

    fn row(self) -> &'static (Field, &'static str, Kind) {
        // The table is in the order of the variants, which a test holds it to.
        &FIELDS[self as usize]
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().1
    }

    pub(crate) fn kind(self) -> Kind {
        self.row().2
    }

    /// The text of a field of kind `Text`.
    #[inline]
    pub(crate) fn text(self, event: &Event) -> Option<&str> {
        match self {
            Self::EventId => Some(EventId::as_str(&event.event_id)),
            Self::EventType => Some(EventType::as_str(&event.event_type)),
            Self::Version => Some(&event.version),
            Self::ActorId => event.actor.as_ref()?.id.as_deref(),
            Self::ActorIpAddress => event.actor.as_ref()?.ip_address.as_deref(),
            Self::ActorType => event.actor.as_ref()?.actor_type.as_ref().map(ActorType::as_str),
            Self::ActorUserAgent => event.actor.as_ref()?.user_agent.as_deref(),
            Self::ActionOperation => event.action.as_ref()?.operation.as_deref(),
            Self::ActionResult => event.action.as_ref()?.result.as_ref().map(ActionResult::as_str),
            Self::ResourceId => event.resource.as_ref()?.id.as_deref(),
            Self::ResourcePath => event.resource.as_ref()?.path.as_deref(),
            Self::ResourceType => event.resource.as_ref()?.resource_type.as_deref(),
            Self::ClusterId => event.context.as_ref()?.cluster_id.as_deref(),
            Self::CorrelationId => event.context.as_ref()?.correlation_id.as_deref(),
            Self::Environment => event.context.as_ref()?.environment.as_deref(),
            Self::Timestamp | Self::ActorRoles | Self::ActionDurationMs => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_variants() {
        for (index, (field, name, _)) in FIELDS.iter().enumerate() {
            assert_eq!(*field as usize, index);
            assert_eq!(Field::named(name), Some(*field));
            assert_eq!(field.name(), *name);
        }
    }
}
