use std::time::Duration;

use audit_aws::AwsOptions;
use secrecy::SecretString;

use crate::{Compression, ObjectLock};

/// Which bucket, and how records are put there.
#[derive(Clone, Debug)]
pub struct S3Options {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) aws: AwsOptions,
    pub(crate) path_style: Option<bool>,
    pub(crate) compression: Compression,
    pub(crate) kms_key_id: Option<String>,
    pub(crate) object_lock: Option<ObjectLock>,
}

impl S3Options {
    /// The bucket of that name, at AWS, with what the environment says about region and credentials.
    #[must_use]
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            aws: AwsOptions::default(),
            path_style: None,
            compression: Compression::default(),
            kms_key_id: None,
            object_lock: None,
        }
    }

    /// What every key begins with; a slash is put between it and the rest.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The bucket's region, as `eu-central-1`. Unset: `AWS_REGION`, the profile, the instance; with an endpoint and none of
    /// these `us-east-1`.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.aws = self.aws.region(region);
        self
    }

    /// The URL of another server that speaks S3's protocol, or of a VPC endpoint. With a user and password in it nothing is
    /// sent, and the error says so without showing them; they are what [`credentials`](Self::credentials) is for.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.aws = self.aws.endpoint(url);
        self
    }

    /// Whether the bucket's name stands in the path instead of the host name. Unset: where an endpoint is set, because
    /// few servers other than AWS have a host name for each bucket.
    #[must_use]
    pub fn path_style(mut self, path_style: bool) -> Self {
        self.path_style = Some(path_style);
        self
    }

    /// How objects are compressed; gzip unless set.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The KMS key to encrypt with (SSE-KMS): its id, ARN or alias. Unset: as the bucket says.
    #[must_use]
    pub fn kms_key_id(mut self, key: impl Into<String>) -> Self {
        self.kms_key_id = Some(key.into());
        self
    }

    /// The role to assume, as `arn:aws:iam::123456789012:role/audit`.
    #[must_use]
    pub fn role_arn(mut self, arn: impl Into<String>) -> Self {
        self.aws = self.aws.role_arn(arn);
        self
    }

    /// Locks every object until some days from when it is put; the bucket must have Object Lock enabled.
    #[must_use]
    pub fn object_lock(mut self, lock: ObjectLock) -> Self {
        self.object_lock = Some(lock);
        self
    }

    /// A key pair instead of what the environment, the profile or the instance says.
    #[must_use]
    pub fn credentials(mut self, access_key_id: impl Into<String>, secret: SecretString) -> Self {
        self.aws = self.aws.credentials(access_key_id, secret);
        self
    }

    /// How long one request may take, upload included, until its answer begins; 60 s unless set. Whoever delivers gives a
    /// send more, 120 s for example: `Destination::timeout` of `audit-delivery`, whose 30 s are too short.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.aws = self.aws.request_timeout(timeout);
        self
    }
}
