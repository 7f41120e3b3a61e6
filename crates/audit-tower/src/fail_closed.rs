/// What has to be on record before a request goes on. What the modes guarantee, and what they do not, is in the
/// [crate's documentation](crate#fail-closed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailClosed {
    /// Nothing: the event is put on its way, and nobody waits for it.
    #[default]
    Off,
    /// The attempt: the service is called when a record of it is durable.
    Before,
    /// The outcome: the response is held until a record of it is durable.
    After,
    /// Both.
    BeforeAndAfter,
}

impl FailClosed {
    pub(crate) fn holds_request(self) -> bool {
        matches!(self, Self::Before | Self::BeforeAndAfter)
    }

    pub(crate) fn holds_response(self) -> bool {
        matches!(self, Self::After | Self::BeforeAndAfter)
    }
}

/// In the extensions of a response that the layer put in the place of the service's, or of none: for an outer middleware
/// that gives it a body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// Whether the service was called: then what was asked for may have been done, and doing it again may not be the same.
    pub service_called: bool,
    /// Why the event could not be recorded. For the operator's eyes: it names the log's file.
    pub reason: String,
}
