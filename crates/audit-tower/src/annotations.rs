use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use audit_model::{ActionResult, Actor, EventType, Map, Resource, Value};

use crate::Decision;

/// What the service itself has to say of a request, for the request's event.
///
/// The layer puts one into the extensions of every request, whether it audits that one or not. Middleware and handlers take
/// it from there (in axum as `Extension<Annotations>`, in tonic from `request.extensions()`), and what they say is in the
/// event even when the request is cancelled or a panic ends it. What is said after the event was made has no effect.
#[derive(Clone, Debug, Default)]
pub struct Annotations(Arc<Mutex<Notes>>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    pub(crate) actor: Option<Actor>,
    pub(crate) decision: Option<Decision>,
    pub(crate) event_type: Option<EventType>,
    pub(crate) operation: Option<String>,
    pub(crate) resource: Option<Resource>,
    pub(crate) result: Option<ActionResult>,
    pub(crate) details: Map,
    pub(crate) context: Map,
}

impl Annotations {
    /// Sets who it is: what an authentication behind the layer found.
    pub fn actor(&self, actor: Actor) {
        self.notes().actor = Some(actor);
    }

    /// Sets what was decided about the access.
    pub fn decision(&self, decision: impl Into<Decision>) {
        self.notes().decision = Some(decision.into());
    }

    /// Sets the event's type. An access that was denied is `access.denied` all the same.
    pub fn event_type(&self, event_type: EventType) {
        self.notes().event_type = Some(event_type);
    }

    /// Sets the operation's name, such as `backup`.
    pub fn operation(&self, operation: impl Into<String>) {
        self.notes().operation = Some(operation.into());
    }

    /// Sets what it is done to.
    pub fn resource(&self, resource: Resource) {
        self.notes().resource = Some(resource);
    }

    /// Sets the result, for where the status does not tell it.
    pub fn result(&self, result: impl Into<ActionResult>) {
        self.notes().result = Some(result.into());
    }

    /// Adds a detail.
    pub fn detail(&self, name: impl Into<String>, value: impl Into<Value>) {
        self.notes().details.insert(name.into(), value.into());
    }

    /// Adds a field to the context, such as `tenant_id`.
    pub fn context(&self, name: impl Into<String>, value: impl Into<Value>) {
        self.notes().context.insert(name.into(), value.into());
    }

    /// Cloned: two layers over one request make an event each.
    pub(crate) fn so_far(&self) -> Notes {
        self.notes().clone()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
