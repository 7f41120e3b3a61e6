use std::error::Error;
use std::fmt;
use std::time::Duration;

use audit_sink::SinkError;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::{HttpResponse, SdkError};

/// What a request to AWS came to, in what its sender can use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct AwsError {
    /// What was tried, as `PutObject to the bucket audit`.
    pub doing: String,
    /// The service's code, as `AccessDenied`.
    pub code: Option<String>,
    /// What the service says about it; or, where no answer came, what failed.
    pub message: String,
    /// The HTTP status; none where no answer came.
    pub status: Option<u16>,
    /// What AWS support asks for.
    pub request_id: Option<String>,
    /// How long the service asked to be left alone; an hour at most.
    pub retry_after: Option<Duration>,
    /// No credentials were found, so that nothing was sent.
    without_credentials: bool,
}

/// A longer wait is more likely a mistake than a wish, and would hold the log up for as long.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Reads an SDK error; `doing` is what was tried, for the message.
#[must_use]
pub fn aws_error<E>(doing: impl Into<String>, error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let response = error.raw_response();
    let header = |name| response.and_then(|response| response.headers().get(name));
    AwsError {
        doing: doing.into(),
        code: error.code().map(str::to_owned),
        message: error.message().map_or_else(|| message(error), str::to_owned),
        status: response.map(|response| response.status().as_u16()),
        request_id: header("x-amzn-requestid").or_else(|| header("x-amz-request-id")).map(str::to_owned),
        retry_after: header("retry-after").and_then(|wait| retry_after(wait, header("date"))),
        without_credentials: sources(error).any(|source| source.is::<CredentialsError>()),
    }
}

/// Seconds, or a date (RFC 9110 §10.2.3), which is counted from the answer's own: no clock here matters.
fn retry_after(wait: &str, date: Option<&str>) -> Option<Duration> {
    let until = || {
        let seconds = |date| DateTime::from_str(date, Format::HttpDate).map(|date| date.secs()).ok();
        u64::try_from(seconds(wait.trim())?.checked_sub(seconds(date?.trim())?)?).ok()
    };
    let seconds = wait.trim().parse().ok().or_else(until)?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

impl AwsError {
    /// Whether the same request may be answered otherwise later: the network, the service's load, and whatever
    /// somebody can mend without touching the request (credentials, permissions, a missing bucket or log group, the clock,
    /// the region, a KMS key). A status of 400 or one that is not known is taken for the content's fault unless its code is
    /// known not to be, so this is for services that look at the content.
    #[must_use]
    pub fn may_heal(&self) -> bool {
        match self.status {
            None | Some(..400 | 401 | 403 | 404 | 407 | 408 | 409 | 412 | 425 | 429 | 500..) => true,
            Some(400) => self.code.as_deref().is_some_and(heals),
            Some(_) => false,
        }
    }

    /// Whether to make a new client before the next request, because other credentials may be found by then.
    #[must_use]
    pub fn concerns_credentials(&self) -> bool {
        matches!(self.status, Some(401 | 403))
            || self.without_credentials
            || self.code.as_deref().is_some_and(|code| CREDENTIALS.contains(&code))
    }

    /// For who delivers: may heal, or not.
    #[must_use]
    pub fn into_sink_error(self) -> SinkError {
        let retry_after = self.retry_after;
        if self.may_heal() {
            SinkError::Retryable { source: self.into(), retry_after }
        } else {
            SinkError::rejected(self)
        }
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.doing)?;
        match (&self.code, self.status) {
            (Some(code), Some(status)) => write!(f, "{code} ({status}): ")?,
            (None, Some(status)) => write!(f, "status {status}: ")?,
            _ => {}
        }
        f.write_str(self.message.trim_end_matches('.'))?;
        match &self.request_id {
            Some(id) => write!(f, "; request id {id}"),
            None => Ok(()),
        }
    }
}

/// Codes about who asks. Services that speak JSON answer all of these with 400; S3 some of them.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html>
const CREDENTIALS: &[&str] = &[
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
];

/// Other codes of status 400 that are not about the request's content.
const HEALING: &[&str] = &[
    // load
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "OperationAbortedException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    // the network
    "BadDigest",
    "IncompleteBody",
    "InvalidDigest",
    "RequestTimeout",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
    // clocks
    "RequestExpired",
    "RequestTimeTooSkewed",
    // the place: missing, elsewhere, or set up otherwise
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "InvalidBucketName",
    "InvalidRegion",
    "KMSNotConfigured",
    "ResourceNotFoundException",
];

fn heals(code: &str) -> bool {
    CREDENTIALS.contains(&code) || HEALING.contains(&code) || code.starts_with("KMS.")
}

/// The SDK says "dispatch failure" and keeps the reason in the sources below.
fn message<E: Error + 'static>(error: &SdkError<E, HttpResponse>) -> String {
    if let SdkError::TimeoutError(_) = error {
        return "no answer in time".to_owned();
    }
    let mut text = String::new();
    for source in sources(error) {
        let part = without_request(source.to_string());
        // Each level of the client wraps the one below, some in no words of their own.
        if !text.ends_with(&part)
            && !matches!(part.as_str(), "io error" | "other" | "user error" | "unhandled error")
        {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
    }
    if text.is_empty() { error.to_string() } else { text }
}

/// The client shows a request that it could make none of, records and all.
fn without_request(mut text: String) -> String {
    if let Some(request) = text.find(" to request `Request") {
        text.truncate(request);
    }
    text
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |source| (*source).source())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use audit_sink::SinkError;
    use aws_credential_types::provider::error::CredentialsError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::{AwsError, aws_error};
    use crate::{HttpResponse, SdkError};

    fn answered(status: u16, code: &str, headers: &[(&'static str, &'static str)]) -> AwsError {
        let mut response = HttpResponse::new(status.try_into().expect("a status"), SdkBody::empty());
        for (name, value) in headers {
            response.headers_mut().insert(*name, *value);
        }
        let metadata = ErrorMetadata::builder().code(code).message("Said so.").build();
        aws_error("PutObject to the bucket audit", &SdkError::service_error(metadata, response))
    }

    #[test]
    fn a_request_is_not_shown() {
        let text = "failed to apply endpoint `nowhere` to request `Request { body: secret }`: no scheme";
        assert_eq!(super::without_request(text.to_owned()), "failed to apply endpoint `nowhere`");
        assert_eq!(super::without_request("no route".to_owned()), "no route");
    }

    #[test]
    fn an_error_says_what_was_tried_and_what_came_back() {
        let error =
            answered(503, "SlowDown", &[("x-amz-request-id", "4442587FB7D0A2F9"), ("retry-after", "7")]);
        assert_eq!(
            error.to_string(),
            "PutObject to the bucket audit: SlowDown (503): Said so; request id 4442587FB7D0A2F9"
        );
        assert!(matches!(
            error.into_sink_error(),
            SinkError::Retryable { retry_after: Some(after), .. } if after == Duration::from_secs(7)
        ));
    }

    #[test]
    fn what_may_heal() {
        for (status, code) in [
            (301, "PermanentRedirect"),
            (400, "ExpiredToken"),
            (400, "KMS.DisabledException"),
            (400, "ThrottlingException"),
            (400, "XAmzContentChecksumMismatch"),
            (403, "InvalidAccessKeyId"),
            (404, "NoSuchBucket"),
            (409, "ConditionalRequestConflict"),
            (429, "TooManyRequests"),
            (500, "InternalError"),
        ] {
            assert!(answered(status, code, &[]).may_heal(), "{status} {code}");
        }
        for (status, code) in
            [(400, "EntityTooLarge"), (400, "InvalidParameterException"), (413, ""), (422, "")]
        {
            let error = answered(status, code, &[]);
            assert!(!error.may_heal(), "{status} {code}");
            assert!(matches!(error.into_sink_error(), SinkError::Rejected { .. }));
        }
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_and_an_hour_at_most() {
        let waits =
            |wait, date| answered(503, "SlowDown", &[("retry-after", wait), ("date", date)]).retry_after;
        let date = "Sun, 22 Nov 2026 08:30:00 GMT";
        for (wait, seconds) in [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("3600", Some(3600)),
            ("86400", Some(3600)),
            ("18446744073709551615", Some(3600)),
            ("18446744073709551616", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 22 Nov 2026 08:31:30 GMT", Some(90)),
            ("Mon, 23 Nov 2026 08:30:00 GMT", Some(3600)),
            ("Sun, 22 Nov 2026 08:29:59 GMT", None),
        ] {
            assert_eq!(waits(wait, date), seconds.map(Duration::from_secs), "{wait}");
        }
        assert_eq!(waits("Sun, 22 Nov 2026 08:31:30 GMT", "today"), None);
    }

    #[test]
    fn credentials_that_are_not_found_are_told_by_their_kind() {
        let without = |source: Box<dyn std::error::Error + Send + Sync>| {
            aws_error("HeadBucket audit", &SdkError::<ErrorMetadata, _>::construction_failure(source))
        };
        let none = without(CredentialsError::not_loaded("no such file").into());
        assert!(none.concerns_credentials() && none.may_heal(), "{none}");
        assert!(!without("credentials is a folder here".into()).concerns_credentials());
    }

    #[test]
    fn no_answer_may_heal_and_says_why() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let error = SdkError::<ErrorMetadata, _>::dispatch_failure(ConnectorError::io(refused.into()));
        let error = aws_error("HeadBucket audit", &error);
        assert_eq!(error.to_string(), "HeadBucket audit: connection refused");
        assert!(error.may_heal() && !error.concerns_credentials());
        assert!(answered(403, "SignatureDoesNotMatch", &[]).concerns_credentials());
    }
}
