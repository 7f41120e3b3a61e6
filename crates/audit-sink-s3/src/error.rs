use std::error::Error;

use audit_aws::{AwsError, HttpResponse, SdkError, aws_error};
use audit_sink::SinkError;
use aws_sdk_s3::error::ProvideErrorMetadata;

use crate::S3Options;

/// Reads an error of S3, and adds what to do about it.
pub(crate) fn s3_error<E>(operation: &str, options: &S3Options, error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let region = error.raw_response().and_then(|response| response.headers().get("x-amz-bucket-region"));
    let mut read = aws_error(format!("{operation} in the bucket {}", options.bucket), error);
    let unreached = match error {
        SdkError::TimeoutError(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_io() || failure.is_timeout(),
        _ => false,
    };
    let advice = if unreached {
        let endpoint = options.aws.endpoint.as_deref().unwrap_or("S3");
        Some(format!("is {endpoint} up, and reachable from here?"))
    } else {
        advice(read.status, read.code.as_deref(), region)
    };
    if let Some(advice) = advice {
        read.message = format!("{}; {advice}", read.message.trim_end_matches('.'));
    }
    read
}

/// For who delivers. Of the codes with status 400, S3 keeps `InvalidRequest` and `InvalidArgument` for buckets without Object
/// Lock, unusable keys and the like, all of which somebody can mend; the rest is about the object.
pub(crate) fn sink_error(error: AwsError) -> SinkError {
    match error.code.as_deref() {
        Some("InvalidRequest" | "InvalidArgument" | "InvalidEncryptionAlgorithmError") => {
            SinkError::Retryable { retry_after: error.retry_after, source: error.into() }
        }
        _ => error.into_sink_error(),
    }
}

fn advice(status: Option<u16>, code: Option<&str>, region: Option<&str>) -> Option<String> {
    let advice = match (status, code) {
        (Some(301 | 307), _) | (_, Some("AuthorizationHeaderMalformed")) => match region {
            Some(region) => return Some(format!("the bucket is in {region}: set the region to that")),
            None => "set the region to the bucket's",
        },
        (_, Some("NoSuchBucket")) => "create the bucket, or correct its name",
        (_, Some("AccessDenied")) => {
            "grant s3:PutObject, with Object Lock s3:PutObjectRetention too, with a KMS key kms:GenerateDataKey"
        }
        (_, Some("InvalidAccessKeyId" | "SignatureDoesNotMatch")) => "correct the credentials",
        (_, Some("ExpiredToken" | "InvalidToken")) => "renew the credentials",
        (_, Some("RequestTimeTooSkewed")) => "set this machine's clock",
        _ => return None,
    };
    Some(advice.to_owned())
}
