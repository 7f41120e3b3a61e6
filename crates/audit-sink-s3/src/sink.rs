use std::error::Error;

use audit_aws::{AwsError, HttpResponse, SdkError};
use audit_sink::{Batch, Receipt, SendFuture, Sink, SinkError};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::{DateTime, SdkBody};
use aws_sdk_s3::types::{ChecksumMode, ServerSideEncryption};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::body::{Body, Fingerprint};
use crate::client::connect;
use crate::error::{not_s3, s3_error, sink_error};
use crate::held::{self, Held};
use crate::name::{self, ObjectName};
use crate::{ObjectLockMode, S3Options};

/// Puts every batch into S3 as one object.
///
/// A batch is compressed inside the future, which takes some 5 ms a megabyte: run it where that holds up nobody else.
#[derive(Debug)]
pub struct S3Sink {
    options: S3Options,
    client: Option<Client>,
    closed: bool,
}

impl S3Sink {
    /// A sink that connects when it is first used.
    #[must_use]
    pub fn new(options: S3Options) -> Self {
        Self { options, client: None, closed: false }
    }

    async fn client(&mut self) -> Result<Client, SinkError> {
        if self.closed {
            return Err(SinkError::Closed);
        }
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        Ok(self.client.insert(connect(&self.options).await).clone())
    }

    async fn put_batch(&mut self, batch: &Batch) -> Result<(), SinkError> {
        let client = self.client().await?;
        let Some(name) = ObjectName::of(batch, &self.options.prefix, self.options.compression) else {
            return Ok(());
        };
        let Body { bytes, fingerprint } =
            Body::of(batch, self.options.compression).map_err(SinkError::retryable)?;
        let body = SdkBody::from(bytes);

        if self.put(&client, &name, batch, &body, &fingerprint).await?
            || self.held(&client, &name, &fingerprint).await? == Held::Same
        {
            return Ok(());
        }
        // Someone else's object, or another content of the same range: neither is overwritten, and nothing is lost.
        let beside = name.beside(&fingerprint.sha256);
        if self.put(&client, &beside, batch, &body, &fingerprint).await?
            || self.held(&client, &beside, &fingerprint).await? != Held::Other
        {
            return Ok(());
        }
        Err(SinkError::retryable(format!(
            "PutObject in the bucket {}: the keys {name} and {beside} are taken by objects with other content; find out \
             who else writes there",
            self.options.bucket
        )))
    }

    /// Whether the object was put; otherwise the key is taken.
    async fn put(
        &mut self,
        client: &Client,
        name: &ObjectName,
        batch: &Batch,
        body: &SdkBody,
        sent: &Fingerprint,
    ) -> Result<bool, SinkError> {
        let number = |record: Option<&audit_sink::Record>| record.map_or(0, |record| record.sequence_number);
        let put = self
            .prepared(client)?
            .key(name.to_string())
            .body(body.try_clone().expect("bytes in memory can be read again").into())
            .checksum_sha256(sent.base64())
            .metadata(held::SHA256, sent.hex())
            .metadata("chain-id", name::chain(&batch.chain_id))
            .metadata("first-sequence", number(batch.records.first()).to_string())
            .metadata("last-sequence", number(batch.records.last()).to_string())
            .metadata("record-count", batch.records.len().to_string());
        match put.send().await {
            // Many a server that is not S3 answers 200 to everything.
            Ok(kept) if kept.e_tag().is_none() => Err(not_s3(&self.options)),
            Ok(kept) if kept.checksum_sha256().is_some_and(|checksum| checksum != sent.base64()) => {
                Err(SinkError::retryable(format!(
                    "PutObject in the bucket {}: the server keeps another SHA-256 than the object's under {name}; find out \
                     what changes objects on their way",
                    self.options.bucket
                )))
            }
            Ok(_) => Ok(true),
            Err(error) => match self.read("PutObject", &error) {
                AwsError { status: Some(412), .. } => Ok(false),
                error => Err(sink_error(error)),
            },
        }
    }

    /// An answer to HEAD has no body, so no code, and refuses nothing but the look.
    async fn held(&self, client: &Client, name: &ObjectName, sent: &Fingerprint) -> Result<Held, SinkError> {
        let head = client
            .head_object()
            .bucket(&self.options.bucket)
            .key(name.to_string())
            .checksum_mode(ChecksumMode::Enabled);
        match head.send().await {
            Ok(found) => Ok(Held::compared(&found, sent)),
            // The client is kept, since who only writes may not look: the credentials are right, or the next put says so.
            Err(error) => match s3_error("HeadObject", &self.options, &error) {
                AwsError { status: Some(400 | 403), .. } => Ok(Held::Unreadable),
                error => Err(SinkError::Retryable { retry_after: error.retry_after, source: error.into() }),
            },
        }
    }

    /// What all puts have in common, that of the check included, so that policies on any of it hold for all.
    fn prepared(&self, client: &Client) -> Result<PutObjectFluentBuilder, SinkError> {
        let mut put = client
            .put_object()
            .bucket(&self.options.bucket)
            .if_none_match("*")
            .content_type(self.options.compression.content_type());
        if let Some(key) = &self.options.kms_key_id {
            put = put.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(key);
        }
        if let Some(lock) = self.options.object_lock {
            let until = lock.retain_until(Timestamp::now()).map_err(SinkError::retryable)?;
            let mode = match lock.mode {
                ObjectLockMode::Governance => aws_sdk_s3::types::ObjectLockMode::Governance,
                ObjectLockMode::Compliance => aws_sdk_s3::types::ObjectLockMode::Compliance,
            };
            put = put.object_lock_mode(mode).object_lock_retain_until_date(DateTime::from_secs(until));
        }
        Ok(put)
    }

    async fn check_lock(&mut self, client: &Client) -> Result<(), SinkError> {
        let Err(error) = client.get_object_lock_configuration().bucket(&self.options.bucket).send().await
        else {
            return Ok(());
        };
        let error = self.read("GetObjectLockConfiguration", &error);
        match (error.status, error.code.as_deref()) {
            (_, Some("ObjectLockConfigurationNotFoundError")) => Err(SinkError::retryable(format!(
                "the bucket {} does not have Object Lock enabled, and every object is to be locked; enable it (which needs \
                 versioning), or take object_lock out of the configuration",
                self.options.bucket
            ))),
            // Who may only write may not see this; the put that follows asks for a lock as well.
            (Some(403), Some("AccessDenied")) | (Some(501), _) => Ok(()),
            _ => Err(sink_error(error)),
        }
    }

    /// A put whose digest is wrong. A server looks at who asks, for which bucket and with which lock before it reads the body, and finds
    /// only then that the body must not be kept. `Content-MD5` is what all servers verify, also those that do not
    /// know the newer checksums.
    async fn check_put(&mut self, client: &Client) -> Result<(), SinkError> {
        let key = name::probe(&self.options.prefix);
        let digest = STANDARD.encode([0; 16]);
        let put = self
            .prepared(client)?
            .key(&key)
            .body(SdkBody::from("not to be kept\n").into())
            .content_md5(digest);
        match put.send().await {
            Err(error) => match self.read("PutObject", &error) {
                AwsError { code: Some(code), .. } if code == "BadDigest" => Ok(()),
                error => Err(sink_error(error)),
            },
            Ok(kept) if kept.e_tag().is_none() => Err(not_s3(&self.options)),
            Ok(_) => {
                let deleted = client.delete_object().bucket(&self.options.bucket).key(&key).send().await;
                Err(SinkError::retryable(format!(
                    "PutObject in the bucket {}: the server kept an object whose digest was wrong, so it would not notice \
                     a damaged one; the object {key} {}",
                    self.options.bucket,
                    if deleted.is_ok() { "was deleted again" } else { "is still there" }
                )))
            }
        }
    }

    /// Credentials are looked for again after they were refused, so that mended ones are found without a restart.
    fn read<E>(&mut self, operation: &str, error: &SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let error = s3_error(operation, &self.options, error);
        if error.concerns_credentials() {
            self.client = None;
        }
        error
    }
}

impl Sink for S3Sink {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move { self.put_batch(batch).await.map(|()| Receipt::default()) })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async move {
            let client = self.client().await?;
            if self.options.object_lock.is_some() {
                self.check_lock(&client).await?;
            }
            self.check_put(&client).await
        })
    }

    /// Nothing is held back: a batch is at its place when `send` returns.
    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async move {
            self.client = None;
            if std::mem::replace(&mut self.closed, true) { Err(SinkError::Closed) } else { Ok(()) }
        })
    }
}
