use audit_aws::AwsError;
use audit_sink::SinkError;

/// What is missing and could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{missing} does not exist and was not created; create it, or allow {permission}: {source}")]
pub(crate) struct Missing {
    pub(crate) missing: String,
    pub(crate) permission: &'static str,
    pub(crate) source: AwsError,
}

impl From<Missing> for SinkError {
    /// Whatever the reason is, somebody can create it by hand.
    fn from(missing: Missing) -> Self {
        let retry_after = missing.source.retry_after;
        Self::Retryable { source: missing.into(), retry_after }
    }
}

/// How one PutLogEvents ended when it was not accepted.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The log group or the log stream does not exist.
    NotFound(AwsError),
    /// The service will never take this request.
    Invalid(AwsError),
    /// It may work later.
    Later(AwsError),
}

impl Refusal {
    pub(crate) fn of(error: AwsError) -> Self {
        match error.code.as_deref() {
            Some("ResourceNotFoundException") => Self::NotFound(error),
            // Says that the request was not accepted, unlike DataAlreadyAcceptedException. The service returns it no more;
            // a server that does wants a token of a protocol that this sink does not speak, which is no fault of a record.
            Some("InvalidSequenceTokenException") => Self::Later(error),
            // Without a code it is not the service that answers, but something on the way to it.
            Some(_) if !error.may_heal() => Self::Invalid(error),
            _ => Self::Later(error),
        }
    }

    pub(crate) fn into_error(self) -> AwsError {
        match self {
            Self::NotFound(error) | Self::Invalid(error) | Self::Later(error) => error,
        }
    }
}
