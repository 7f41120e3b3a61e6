use std::time::Duration;

use secrecy::SecretString;

/// Where AWS is and who asks; what is unset is found as the AWS command line finds it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AwsOptions {
    /// The region, as `eu-central-1`; unset: `AWS_REGION`, the profile, the instance. With an endpoint and none of these,
    /// `us-east-1`, which servers other than AWS expect.
    pub region: Option<String>,
    /// The service's URL, for MinIO, VPC endpoints and the like.
    pub endpoint: Option<String>,
    /// The role to assume, as `arn:aws:iam::123456789012:role/audit`.
    pub role_arn: Option<String>,
    /// A key pair instead of the usual chain: the access key id and its secret.
    pub credentials: Option<(String, SecretString)>,
    /// How long one request may take until its answer begins; unset: 60 s, in which 32 MiB get through 5 Mbit/s.
    pub request_timeout: Option<Duration>,
}

impl AwsOptions {
    /// Sets the region.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets the service's URL.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Sets the role to assume.
    #[must_use]
    pub fn role_arn(mut self, arn: impl Into<String>) -> Self {
        self.role_arn = Some(arn.into());
        self
    }

    /// Sets a key pair to use instead of the usual chain.
    #[must_use]
    pub fn credentials(mut self, access_key_id: impl Into<String>, secret: SecretString) -> Self {
        self.credentials = Some((access_key_id.into(), secret));
        self
    }

    /// Sets how long one request may take until its answer begins.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = Some(timeout);
        self
    }
}
