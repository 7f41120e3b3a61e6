use std::time::Duration;

use secrecy::SecretString;

/// Where AWS is and who asks; what is unset is found as the AWS command line finds it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AwsOptions {
    /// The region, as `eu-central-1`; unset: `AWS_REGION`, the profile, the instance. With an endpoint and none of these,
    /// `us-east-1`, which servers other than AWS expect.
    pub region: Option<String>,
    /// The service's URL, for MinIO, VPC endpoints and the like; set by [`endpoint`](Self::endpoint), which lets no user
    /// and password in.
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

    /// Sets the service's URL. A user and password in it, which AWS would not ask for and errors would show, are replaced by
    /// `***`, and the first request fails with what to do instead.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        let url = url.into();
        self.endpoint = Some(without_user(&url).unwrap_or(url));
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

    /// Sets how long one request may take until its answer begins; 60 seconds, if this is not called.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = Some(timeout);
        self
    }
}

/// The URL with `***` instead of user and password, if it has some. A slash that a password holds unescaped ends the authority
/// for whoever reads it as a URL, so everything before the last `@` is taken for secret; no service has one in its path.
pub(crate) fn without_user(url: &str) -> Option<String> {
    let (user, host) = url.rsplit_once('@')?;
    let scheme = user.split_once("://").map_or(String::new(), |(scheme, _)| format!("{scheme}://"));
    Some(format!("{scheme}***@{host}"))
}

#[cfg(test)]
mod tests {
    use super::{AwsOptions, without_user};

    #[test]
    fn a_user_in_an_endpoint_is_not_kept() {
        for (url, kept) in [
            ("http://id:hush@minio:9000/s3", "http://***@minio:9000/s3"),
            ("https://id:hu/sh@minio", "https://***@minio"),
            ("https://id:hu@sh@minio", "https://***@minio"),
            ("https://id@minio", "https://***@minio"),
            ("id:hush@minio:9000", "***@minio:9000"),
        ] {
            assert_eq!(AwsOptions::default().endpoint(url).endpoint.as_deref(), Some(kept));
            assert_eq!(without_user(kept).as_deref(), Some(kept), "and stays recognisable");
        }
        assert_eq!(without_user("https://minio:9000"), None);
    }
}
