/// How much an event matters to whoever watches, in the words of OCSF's `severity_id`.
///
/// ```
/// use audit_model::Severity;
///
/// assert_eq!(Severity::of("backup.completed", Some("success")), Severity::Informational);
/// assert_eq!(Severity::of("backup.completed", Some("failure")), Severity::Medium);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Nothing has to be done.
    #[default]
    Informational,
    /// Somebody decides whether something has to be done.
    Low,
    /// Something has to be done, and it is not urgent.
    Medium,
    /// Something has to be done at once.
    High,
    /// Something has to be done at once, and much is concerned.
    Critical,
}

impl Severity {
    /// That of an event, by its type and its action's result. Both are texts as they stand in a record, which may be
    /// anybody's: what nobody knows is [`Informational`](Self::Informational).
    #[must_use]
    pub fn of(event_type: &str, result: Option<&str>) -> Self {
        match event_type {
            // Somebody's hands on the log are what the log is there to tell of.
            "audit.log_tampered" => Self::Critical,
            "audit.events_lost" | "audit.source_gap" | "alert.fired" | "alert.notify_failed" => Self::High,
            "access.denied" | "auth.failed" | "audit.destination_failing" => Self::Medium,
            _ if event_type.ends_with(".failed") || matches!(result, Some("failure" | "denied")) => {
                Self::Medium
            }
            "audit.hold_placed" | "audit.hold_released" => Self::Low,
            _ if event_type.starts_with("config.") || event_type.starts_with("admin.") => Self::Low,
            _ => Self::Informational,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_what_happened_and_how_it_ended() {
        assert_eq!(Severity::of("audit.log_tampered", None), Severity::Critical);
        assert_eq!(Severity::of("audit.events_lost", Some("failure")), Severity::High);
        assert_eq!(Severity::of("audit.source_gap", None), Severity::High);
        assert_eq!(Severity::of("audit.destination_failing", None), Severity::Medium);
        assert_eq!(Severity::of("audit.destination_recovered", Some("success")), Severity::Informational);
        assert_eq!(Severity::of("access.denied", Some("denied")), Severity::Medium);
        assert_eq!(Severity::of("backup.failed", None), Severity::Medium);
        assert_eq!(Severity::of("config.changed", Some("failure")), Severity::Medium);
        assert_eq!(Severity::of("config.changed", Some("success")), Severity::Low);
        assert_eq!(Severity::of("admin.license_applied", None), Severity::Low);
        assert_eq!(Severity::of("auth.login", None), Severity::Informational);
        assert_eq!(Severity::of("backup.completed", Some("denied")), Severity::Medium);
        assert_eq!(Severity::of("", None), Severity::Informational);
    }
}
