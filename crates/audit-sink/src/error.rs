use std::time::Duration;

/// Why a batch was not accepted, by what its sender can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// It may work later: the network, an overloaded server, a credential that somebody can mend.
    #[error("not now: {source}")]
    Retryable {
        /// What happened.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// How long the place asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// The place will never take this batch as it is.
    #[error("rejected: {source}")]
    Rejected {
        /// What happened.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The sink was closed.
    #[error("the sink is closed")]
    Closed,
}

impl SinkError {
    /// It may work later.
    #[must_use]
    pub fn retryable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Retryable { source: source.into(), retry_after: None }
    }

    /// The place will never take this batch as it is.
    #[must_use]
    pub fn rejected(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Rejected { source: source.into() }
    }
}
