use std::collections::BTreeSet;

use audit_model::{Action, Actor, Event, EventType, Resource, Timestamp, Value};

use crate::{Permission, PermissionError};

/// What somebody is allowed. What no permission of theirs covers, they are not.
///
/// ```
/// use audit_access::Permissions;
/// use audit_model::{Actor, Timestamp};
///
/// let bob = Permissions::parse(["backup:*", "list:*"])?;
/// let decision = bob.decide(
///     Actor::user("bob@company.com"),
///     "restore",
///     "topic:production-orders",
///     &"restore:topic:production-orders".parse()?,
///     Timestamp::now(),
/// );
/// // A service records the decision before it acts on it: `log.emit(&decision.event).await?`
/// assert!(!decision.granted);
/// assert_eq!(decision.event.event_type.as_str(), "access.denied");
/// assert_eq!(decision.event.details["reason"], "insufficient_permissions");
/// # Ok::<(), audit_access::PermissionError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(BTreeSet<Permission>);

/// Whether somebody may, and the event that says so.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct Decision {
    /// Whether they may.
    pub granted: bool,
    /// `access.granted` or `access.denied`, to be recorded before the decision is acted on.
    pub event: Event,
}

impl Permissions {
    /// The permissions that these texts say.
    ///
    /// # Errors
    /// When one of them is no permission.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, PermissionError> {
        texts.into_iter().map(|text| text.as_ref().parse()).collect()
    }

    /// Whether one of them covers all that is asked for.
    #[must_use]
    pub fn allows(&self, required: &Permission) -> bool {
        self.0.iter().any(|own| own.covers(required))
    }

    /// Decides whether `actor` may do `operation` on `resource` (its type and its name, such as `topic:orders`), and makes the event
    /// of it.
    pub fn decide(
        &self,
        actor: Actor,
        operation: &str,
        resource: &str,
        required: &Permission,
        now: Timestamp,
    ) -> Decision {
        let granted = self.allows(required);
        let (event_type, action) = if granted {
            (EventType::ACCESS_GRANTED, Action::success(operation))
        } else {
            (EventType::ACCESS_DENIED, Action::denied(operation))
        };
        let mut event = Event::at(now, event_type)
            .resource(resource_of(resource))
            .detail("operation", operation)
            .detail("resource", resource)
            .detail("required_permission", required.as_str())
            .detail(
                "user_permissions",
                self.iter().map(Permission::as_str).map(Value::from).collect::<Vec<_>>(),
            );
        event.actor = Some(actor);
        event.action = Some(action);
        if !granted {
            event = event.detail("reason", "insufficient_permissions");
        }
        Decision { granted, event }
    }

    /// All of them, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Permission> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none, so that nothing is allowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn resource_of(text: &str) -> Resource {
    match text.split_once(':') {
        Some((resource_type, id)) => Resource::new(resource_type, id),
        None => {
            let mut resource = Resource::default();
            resource.id = Some(text.to_owned());
            resource
        }
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().collect())
    }
}

impl Extend<Permission> for Permissions {
    fn extend<I: IntoIterator<Item = Permission>>(&mut self, permissions: I) {
        self.0.extend(permissions);
    }
}
