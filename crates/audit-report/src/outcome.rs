/// What a record counts as, beside an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Somebody was not allowed to.
    Denied,
    /// It went wrong.
    Failed,
    Other,
}

impl Outcome {
    /// By the type and the action's result. What is denied is no failure: the system did what it should.
    pub(crate) fn of(event_type: &str, result: Option<&str>) -> Self {
        match result {
            Some("denied") => Self::Denied,
            _ if event_type == "access.denied" => Self::Denied,
            Some("failure") => Self::Failed,
            _ if event_type.ends_with(".failed") => Self::Failed,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_type_and_result() {
        assert_eq!(Outcome::of("access.denied", None), Outcome::Denied);
        assert_eq!(Outcome::of("access.denied", Some("failure")), Outcome::Denied);
        assert_eq!(Outcome::of("restore.started", Some("denied")), Outcome::Denied);
        assert_eq!(Outcome::of("backup.failed", None), Outcome::Failed);
        assert_eq!(Outcome::of("auth.failed", Some("failure")), Outcome::Failed);
        assert_eq!(Outcome::of("auth.failed", Some("denied")), Outcome::Denied);
        assert_eq!(Outcome::of("config.changed", Some("failure")), Outcome::Failed);
        assert_eq!(Outcome::of("access.denied_again", Some("success")), Outcome::Other);
        assert_eq!(Outcome::of("", None), Outcome::Other);
    }
}
