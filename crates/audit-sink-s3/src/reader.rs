use std::error::Error;

use audit_aws::AwsError;
use audit_model::Timestamp;
use audit_sink::SinkError;

use crate::S3Options;
use crate::client::Connection;

/// Lists and reads objects, those of a sink or any others.
///
/// It takes `s3:ListBucket` and `s3:GetObject`, with a KMS key `kms:Decrypt`.
#[derive(Debug)]
pub struct S3Reader {
    connection: Connection,
}

/// An object as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct S3Object {
    /// Its key.
    pub key: String,
    /// Its size in bytes, as it is stored: compressed.
    pub bytes: u64,
    /// When it was put.
    pub last_modified: Timestamp,
}

impl S3Reader {
    /// A reader of this bucket, which connects at first use. Of the options it looks at the bucket, and at who asks
    /// and how; not at the prefix.
    #[must_use]
    pub fn new(options: S3Options) -> Self {
        Self { connection: Connection::new(options) }
    }

    /// All objects whose keys begin with `prefix`, in the order of their keys' bytes.
    ///
    /// # Errors
    /// When the bucket is not there, may not be listed, or is out of reach.
    pub async fn list(&self, prefix: &str) -> Result<Vec<S3Object>, SinkError> {
        let client = self.connection.client().await;
        let request = client.list_objects_v2().bucket(&self.connection.options.bucket).prefix(prefix);
        let mut pages = request.into_paginator().send();
        let mut objects = Vec::new();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| self.connection.read("ListObjectsV2", &error).into_sink_error())?;
            objects.extend(page.contents().iter().map(|object| S3Object {
                key: object.key().unwrap_or_default().to_owned(),
                bytes: object.size().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
                last_modified: timestamp(object.last_modified()),
            }));
        }
        Ok(objects)
    }

    /// The bytes of an object, as they are stored: compressed. Where S3 has a checksum of them, it is compared.
    ///
    /// # Errors
    /// When there is no such object, when it may not be read, when it is archived and not restored, or when the bucket is
    /// out of reach.
    pub async fn get(&self, key: &str) -> Result<Vec<u8>, SinkError> {
        let client = self.connection.client().await;
        let bucket = &self.connection.options.bucket;
        let doing = format!("GetObject of `{key}`");
        let object = match client.get_object().bucket(bucket).key(key).send().await {
            Ok(object) => object,
            Err(error) => return Err(missing_or(key, self.connection.read(&doing, &error))),
        };
        let bytes = object.body.collect().await.map_err(|error| {
            let reasons = std::iter::successors(error.source(), |source| (*source).source());
            let reasons: Vec<String> = reasons.map(ToString::to_string).collect();
            SinkError::retryable(format!("{doing} in the bucket {bucket}: {error}: {}", reasons.join(": ")))
        })?;
        Ok(bytes.to_vec())
    }
}

/// An object that is not there will not come by waiting.
fn missing_or(key: &str, error: AwsError) -> SinkError {
    match error.code.as_deref() {
        Some("NoSuchKey") => {
            SinkError::rejected(format!("{error}; list what begins with the first part of `{key}`"))
        }
        _ => error.into_sink_error(),
    }
}

/// 1970 where a server does not tell.
fn timestamp(time: Option<&aws_sdk_s3::primitives::DateTime>) -> Timestamp {
    let ms = time.and_then(|time| time.to_millis().ok()).unwrap_or_default();
    let at = |ms| Timestamp::from_milliseconds(ms).ok();
    at(ms).or_else(|| at(0)).expect("1970 is in the range")
}
