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
    /// What is in the request is not taken, by the service or by something on the way to it.
    Invalid(AwsError),
    /// It may work later.
    Later(AwsError),
}

/// Codes that say that the content is at fault.
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html>
const OF_CONTENT: [&str; 3] = ["InvalidParameterException", "SerializationException", "ValidationException"];

const TOO_LARGE: u16 = 413;

impl Refusal {
    /// Only what is known to be about the content is held against records. Quotas, signatures, keys, and codes that are
    /// not known here have the status 400 as well, and a record that waits is better than one that is given up.
    pub(crate) fn of(error: AwsError) -> Self {
        match error.code.as_deref() {
            Some("ResourceNotFoundException") => Self::NotFound(error),
            Some(code) if OF_CONTENT.contains(&code) => Self::Invalid(error),
            _ if error.status == Some(TOO_LARGE) => Self::Invalid(error),
            _ => Self::Later(error),
        }
    }

    pub(crate) fn error(&self) -> &AwsError {
        match self {
            Self::NotFound(error) | Self::Invalid(error) | Self::Later(error) => error,
        }
    }
}

impl From<Refusal> for SinkError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(error) => Self::rejected(error),
            Refusal::NotFound(error) | Refusal::Later(error) => {
                let retry_after = error.retry_after;
                Self::Retryable { source: error.into(), retry_after }
            }
        }
    }
}
