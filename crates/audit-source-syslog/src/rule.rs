use audit_model::{EventType, glob_matches};

use crate::Message;

/// What the type is of events whose messages say of themselves only who sent them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    app_name: Option<String>,
    message_id: Option<String>,
    event_type: EventType,
}

/// A rule for events that only the log itself records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no syslog message can be an event of type `{0}`, which is for the log's records about itself; use another event type"
)]
pub struct RuleError(EventType);

impl Rule {
    /// Messages that this applies to are events of that type; to all, until it is narrowed.
    ///
    /// # Errors
    /// When only the log itself records events of that type.
    pub fn new(event_type: EventType) -> Result<Self, RuleError> {
        if event_type.is_reserved() {
            return Err(RuleError(event_type));
        }
        Ok(Self { app_name: None, message_id: None, event_type })
    }

    /// Only messages whose APP-NAME (or tag) is this; `*` stands for any characters.
    #[must_use]
    pub fn app_name(mut self, pattern: impl Into<String>) -> Self {
        self.app_name = Some(pattern.into());
        self
    }

    /// Only messages whose MSGID is this; `*` stands for any characters.
    #[must_use]
    pub fn message_id(mut self, pattern: impl Into<String>) -> Self {
        self.message_id = Some(pattern.into());
        self
    }

    /// The event type, if the rule applies.
    pub(crate) fn apply(&self, message: &Message<'_>) -> Option<&EventType> {
        let fits = |pattern: &Option<String>, found: Option<&str>| {
            pattern.as_deref().is_none_or(|pattern| found.is_some_and(|found| glob_matches(pattern, found)))
        };
        (fits(&self.app_name, message.app_name.as_deref())
            && fits(&self.message_id, message.message_id.as_deref()))
        .then_some(&self.event_type)
    }
}
