use audit_model::{AccessDeniedDetails, Map, Value};

/// What was decided about an access. Put into the extensions of the response, or told to the request's
/// [`Annotations`](crate::Annotations), it makes the request's event `access.denied` or `access.granted`.
///
/// ```
/// use audit_tower::Decision;
///
/// let decision = Decision::denied("restore", "topic:production-orders", "restore:topic:production-orders")
///     .user_permissions(["backup:*", "list:*"])
///     .reason("insufficient_permissions");
/// assert!(!decision.is_granted());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    granted: bool,
    access: AccessDeniedDetails,
}

impl Decision {
    /// The access was allowed.
    #[must_use]
    pub fn granted(
        operation: impl Into<String>,
        resource: impl Into<String>,
        required_permission: impl Into<String>,
    ) -> Self {
        Self { granted: true, ..Self::denied(operation, resource, required_permission) }
    }

    /// The access was refused.
    #[must_use]
    pub fn denied(
        operation: impl Into<String>,
        resource: impl Into<String>,
        required_permission: impl Into<String>,
    ) -> Self {
        let access = AccessDeniedDetails {
            operation: operation.into(),
            resource: resource.into(),
            required_permission: required_permission.into(),
            ..AccessDeniedDetails::default()
        };
        Self { granted: false, access }
    }

    /// Sets the permissions that the actor had.
    #[must_use]
    pub fn user_permissions<T: Into<String>>(mut self, permissions: impl IntoIterator<Item = T>) -> Self {
        self.access.user_permissions = permissions.into_iter().map(Into::into).collect();
        self
    }

    /// Sets why, as a stable word such as `insufficient_permissions`.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.access.reason = reason.into();
        self
    }

    /// Whether it was allowed.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        self.granted
    }

    pub(crate) fn operation(&self) -> Option<&str> {
        Some(self.access.operation.as_str()).filter(|operation| !operation.is_empty())
    }

    /// Adds what is known to an event's details.
    pub(crate) fn write(self, details: &mut Map) {
        let AccessDeniedDetails { operation, resource, required_permission, user_permissions, reason, extra } =
            self.access;
        details.extend(extra);
        let texts = [
            ("operation", operation),
            ("resource", resource),
            ("required_permission", required_permission),
            ("reason", reason),
        ];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            details.insert(name.to_owned(), text.into());
        }
        if !user_permissions.is_empty() {
            details.insert("user_permissions".to_owned(), Value::from(user_permissions));
        }
    }
}

/// A refusal, from the details of its event.
impl From<AccessDeniedDetails> for Decision {
    fn from(access: AccessDeniedDetails) -> Self {
        Self { granted: false, access }
    }
}
