use audit_model::{Actor, EventType, Map, Resource, Value};

use crate::FailClosed;

/// What a request means to the service: what the closure given to [`AuditLayer::describe`](crate::AuditLayer::describe)
/// says of it. Whatever it leaves out has a default.
///
/// ```
/// use audit_model::{EventType, Resource};
/// use audit_tower::{Description, FailClosed};
///
/// let restore = Description::new("restore")
///     .attempt_type(EventType::RESTORE_STARTED)
///     .event_type(EventType::RESTORE_COMPLETED)
///     .failure_type(EventType::RESTORE_FAILED)
///     .resource(Resource::new("topic", "orders"))
///     .fail_closed(FailClosed::BeforeAndAfter);
/// # let _ = restore;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    pub(crate) operation: Option<String>,
    pub(crate) event_type: Option<EventType>,
    pub(crate) attempt_type: Option<EventType>,
    pub(crate) failure_type: Option<EventType>,
    pub(crate) actor: Option<Actor>,
    pub(crate) resource: Option<Resource>,
    pub(crate) details: Map,
    pub(crate) context: Map,
    pub(crate) fail_closed: Option<FailClosed>,
}

impl Description {
    /// A request for that operation, such as `backup`. The default is the method: `POST`, or gRPC's own.
    #[must_use]
    pub fn new(operation: impl Into<String>) -> Self {
        Self { operation: Some(operation.into()), ..Self::default() }
    }

    /// Sets the event's type. The default is `http.request` or `grpc.request`.
    #[must_use]
    pub fn event_type(mut self, event_type: EventType) -> Self {
        self.event_type = Some(event_type);
        self
    }

    /// Sets the type of the record of the attempt ([`FailClosed::Before`]). The default is the event's type.
    #[must_use]
    pub fn attempt_type(mut self, event_type: EventType) -> Self {
        self.attempt_type = Some(event_type);
        self
    }

    /// Sets the event's type for when the result is a failure, or the service does not know who it is: then it counts
    /// more than a type that is annotated. The default is `auth.failed` for whom the service does not know, and else the
    /// event's type. An access that is denied is `access.denied` all the same.
    #[must_use]
    pub fn failure_type(mut self, event_type: EventType) -> Self {
        self.failure_type = Some(event_type);
        self
    }

    /// Sets who it is, in place of the [`Actor`] in the request's extensions.
    #[must_use]
    pub fn actor(mut self, actor: Actor) -> Self {
        self.actor = Some(actor);
        self
    }

    /// Sets what it is done to. The default is of type `endpoint`: the path, without the query.
    #[must_use]
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Adds a detail.
    #[must_use]
    pub fn detail(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.details.insert(name.into(), value.into());
        self
    }

    /// Adds a field to the context, such as `tenant_id`.
    #[must_use]
    pub fn context(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.context.insert(name.into(), value.into());
        self
    }

    /// Sets what has to be on record before this request goes on, in place of the layer's choice.
    #[must_use]
    pub fn fail_closed(mut self, mode: FailClosed) -> Self {
        self.fail_closed = Some(mode);
        self
    }
}
