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
        Some(format!("is {} up, and reachable from here?", endpoint(options)))
    } else if operation != "HeadObject" && unnamed(read.status, read.code.as_deref()) {
        Some(format!(
            "is {} an S3 server, and reached by the right one of http and https?",
            endpoint(options)
        ))
    } else {
        advice(operation, read.status, read.code.as_deref(), region)
    };
    if let Some(advice) = advice {
        read.message = format!("{}; {advice}", read.message.trim_end_matches('.'));
    }
    read
}

/// For who delivers. To S3 an object is bytes, of which it can refuse the number and the name; whatever else is wrong is
/// wrong with bucket, permissions, quota or way, which somebody can mend while the batch waits.
pub(crate) fn sink_error(error: AwsError) -> SinkError {
    match (error.status, error.code.as_deref()) {
        (Some(413 | 414), _) | (_, Some("EntityTooLarge" | "KeyTooLongError" | "MetadataTooLarge")) => {
            SinkError::rejected(error)
        }
        _ => SinkError::Retryable { retry_after: error.retry_after, source: error.into() },
    }
}

/// For an answer of 200 that S3 does not give.
pub(crate) fn not_s3(options: &S3Options) -> SinkError {
    SinkError::retryable(format!(
        "PutObject in the bucket {}: {} answered 200 without an ETag; is it an S3 server?",
        options.bucket,
        endpoint(options)
    ))
}

/// Whether a request was refused as S3 does not do it, which names a code. To an answer of 404 without a body the SDK gives one.
/// A busy server or a proxy with a limit may say so in its own way.
fn unnamed(status: Option<u16>, code: Option<&str>) -> bool {
    match (status, code) {
        (Some(408 | 413 | 414 | 429), _) => false,
        (Some(404), Some("NotFound")) | (Some(400..=499), None) => true,
        _ => false,
    }
}

fn endpoint(options: &S3Options) -> &str {
    options.aws.endpoint.as_deref().unwrap_or("S3")
}

fn advice(operation: &str, status: Option<u16>, code: Option<&str>, region: Option<&str>) -> Option<String> {
    let advice = match (status, code) {
        (Some(301 | 307), _) | (_, Some("AuthorizationHeaderMalformed")) => match region {
            Some(region) => return Some(format!("the bucket is in {region}: set the region to that")),
            None => "set the region to the bucket's",
        },
        (_, Some("NoSuchBucket")) => "create the bucket, or correct its name",
        (_, Some("AccessDenied")) => return Some(format!("grant {}", permission(operation))),
        (_, Some("InvalidObjectState")) => "it is archived: restore it first (RestoreObject)",
        (_, Some("InvalidAccessKeyId" | "SignatureDoesNotMatch")) => "correct the credentials",
        (_, Some("ExpiredToken" | "InvalidToken")) => "renew the credentials",
        (_, Some("RequestTimeTooSkewed")) => "set this machine's clock",
        (Some(501), _) => {
            "take a server that knows conditional puts (If-None-Match: *), without which objects are overwritten"
        }
        (Some(413), _) => "raise its limit, or make batches smaller",
        _ => return None,
    };
    Some(advice.to_owned())
}

/// What an operation, be it `GetObject` or ``GetObject of `a/b` ``, takes.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>
fn permission(operation: &str) -> &'static str {
    match operation.split(' ').next().unwrap_or(operation) {
        "DeleteBucketLifecycle" | "PutBucketLifecycleConfiguration" => "s3:PutLifecycleConfiguration",
        "DeleteObject" => "s3:DeleteObject",
        "GetBucketLifecycleConfiguration" => "s3:GetLifecycleConfiguration",
        "GetBucketVersioning" => "s3:GetBucketVersioning",
        "GetObject" => "s3:GetObject, with a KMS key kms:Decrypt too",
        "GetObjectLegalHold" => "s3:GetObjectLegalHold",
        "GetObjectLockConfiguration" => "s3:GetBucketObjectLockConfiguration",
        "ListObjectVersions" => "s3:ListBucketVersions",
        "ListObjectsV2" => "s3:ListBucket",
        "PutObjectLegalHold" => "s3:PutObjectLegalHold",
        _ => "s3:PutObject, with Object Lock s3:PutObjectRetention too, with a KMS key kms:GenerateDataKey",
    }
}
