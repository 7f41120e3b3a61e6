use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// What kind of event it is: `category.event`, such as `backup.completed`.
///
/// The catalogue is in the constants and in [`EventType::CATALOGUE`]; any other name of the same
/// form is a custom type.
///
/// ```
/// use audit_model::EventType;
///
/// assert_eq!("auth.login".parse::<EventType>()?, EventType::AUTH_LOGIN);
/// assert!("billing.invoice_exported".parse::<EventType>()?.is_custom());
/// assert!("not a type".parse::<EventType>().is_err());
/// # Ok::<(), audit_model::EventTypeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(Cow<'static, str>);

/// A text that cannot be an event type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not an event type; expected 1 to {MAX_LENGTH} characters: names of letters, digits, `_` and `-` \
     joined by dots, such as backup.completed"
)]
pub struct EventTypeError {
    found: String,
}

const MAX_LENGTH: usize = 128;

macro_rules! catalogue {
    ($($constant:ident = $text:literal, $doc:literal;)*) => {
        impl EventType {
            $(#[doc = concat!("`", $text, "`: ", $doc)] pub const $constant: Self = Self(Cow::Borrowed($text));)*

            /// Every known event type with a line that says when it happens.
            pub const CATALOGUE: &[(Self, &str)] = &[$((Self::$constant, $doc)),*];
        }

        fn known(text: &str) -> Option<EventType> {
            match text {
                $($text => Some(EventType::$constant),)*
                _ => None,
            }
        }
    };
}

catalogue! {
    BACKUP_STARTED = "backup.started", "a backup began.";
    BACKUP_COMPLETED = "backup.completed", "a backup ended well.";
    BACKUP_FAILED = "backup.failed", "a backup ended with an error.";
    BACKUP_CANCELLED = "backup.cancelled", "somebody stopped a backup.";
    BACKUP_CHECKPOINT = "backup.checkpoint", "a running backup saved its progress.";
    RESTORE_STARTED = "restore.started", "a restore began.";
    RESTORE_COMPLETED = "restore.completed", "a restore ended well.";
    RESTORE_FAILED = "restore.failed", "a restore ended with an error.";
    RESTORE_CANCELLED = "restore.cancelled", "somebody stopped a restore.";
    VALIDATE_STARTED = "validate.started", "checking a backup began.";
    VALIDATE_COMPLETED = "validate.completed", "a backup was checked and is sound.";
    VALIDATE_FAILED = "validate.failed", "a backup was checked and is not sound.";
    ACCESS_GRANTED = "access.granted", "an access was asked for and allowed.";
    ACCESS_DENIED = "access.denied", "an access was asked for and refused.";
    CONFIG_CHANGED = "config.changed", "a configuration was changed.";
    CONFIG_VIEWED = "config.viewed", "a configuration was read.";
    AUTH_LOGIN = "auth.login", "somebody logged in.";
    AUTH_LOGOUT = "auth.logout", "somebody logged out.";
    AUTH_TOKEN_REFRESH = "auth.token_refresh", "a session's token was renewed.";
    AUTH_FAILED = "auth.failed", "a log-in was refused.";
    ADMIN_LICENSE_APPLIED = "admin.license_applied", "a licence was applied.";
    ADMIN_FEATURE_ENABLED = "admin.feature_enabled", "a feature was switched on.";
    ALERT_FIRED = "alert.fired", "a rule found what somebody is to be told of.";
    ALERT_RESOLVED = "alert.resolved", "what a rule had found is over.";
    ALERT_NOTIFY_FAILED = "alert.notify_failed", "somebody could not be told of an alert.";
    AUDIT_STARTED = "audit.started", "the audit log was opened for writing.";
    AUDIT_STOPPED = "audit.stopped", "the audit log was closed; the last record of a clean end.";
    AUDIT_DESTINATION_FAILING = "audit.destination_failing", "a destination has not taken records for some time.";
    AUDIT_DESTINATION_RECOVERED = "audit.destination_recovered", "a destination that had failed takes records again.";
    AUDIT_EVENTS_LOST = "audit.events_lost", "events could not be recorded and the policy let them pass.";
    AUDIT_HOLD_PLACED = "audit.hold_placed", "somebody forbade deleting records, whatever the policy says.";
    AUDIT_HOLD_RELEASED = "audit.hold_released", "a hold was lifted.";
    AUDIT_LOG_TAMPERED = "audit.log_tampered", "the log's file was removed, replaced, cut or written to by another.";
    AUDIT_RETENTION_APPLIED = "audit.retention_applied", "the oldest records were deleted by policy.";
    AUDIT_SOURCE_GAP = "audit.source_gap", "events that a source was to bring are lost, or may be.";
}

impl EventType {
    /// The text as it stands in the record.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first dot: `backup` of `backup.completed`.
    #[must_use]
    pub fn category(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }

    /// Whether only an audit log itself records events of this type: those of the category `audit`, and alerts. From
    /// anybody else they would be forged: one could claim that records were deleted by policy, or wake somebody at night.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.category() == "audit" || self.is_alert()
    }

    /// Whether it is a record about an alert: `alert.fired`, `alert.resolved` or `alert.notify_failed`.
    #[must_use]
    pub fn is_alert(&self) -> bool {
        [Self::ALERT_FIRED, Self::ALERT_RESOLVED, Self::ALERT_NOTIFY_FAILED].contains(self)
    }

    /// Whether the type is not in the catalogue.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        known(&self.0).is_none()
    }
}

impl FromStr for EventType {
    type Err = EventTypeError;

    fn from_str(text: &str) -> Result<Self, EventTypeError> {
        if let Some(known) = known(text) {
            return Ok(known);
        }
        let names_ok = text.split('.').all(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        });
        if names_ok && text.len() <= MAX_LENGTH {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(EventTypeError { found: text.chars().take(MAX_LENGTH).collect() })
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}
