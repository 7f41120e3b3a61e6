use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use secrecy::ExposeSecret;

use crate::AwsOptions;
use crate::options::without_user;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Makes what a service's client is made of.
///
/// The environment and the profile files are read here and not again, so that a credential mended there is seen
/// after another call: whoever sees [`AwsError::concerns_credentials`](crate::AwsError::concerns_credentials) calls it
/// again. It never fails; whatever is missing is the first request's error.
#[must_use]
pub async fn load(options: &AwsOptions) -> SdkConfig {
    let mut loader = loader(options);
    let user = options.endpoint.as_deref().and_then(without_user);
    if let (Some(endpoint), None) = (&options.endpoint, &user) {
        loader = loader.endpoint_url(endpoint);
    }
    let mut config = loader.load().await;
    if config.region().is_none() && options.endpoint.is_some() {
        config = config.into_builder().region(Region::new("us-east-1")).build();
    }
    if let Some(endpoint) = user {
        let refused = SharedCredentialsProvider::new(UserInEndpoint { endpoint });
        return config.into_builder().credentials_provider(refused).build();
    }
    let Some(role) = &options.role_arn else { return config };
    // The endpoint is the service's, not that of STS.
    let mut sts = self::loader(options).load().await;
    if sts.region().is_none() {
        sts = sts.into_builder().region(config.region().cloned()).build();
    }
    let assumed = AssumeRoleProvider::builder(role).session_name("audit-log").configure(&sts).build().await;
    config.into_builder().credentials_provider(SharedCredentialsProvider::new(assumed)).build()
}

/// Instead of credentials the reason why there are none, which is the first request's error before anything is sent.
#[derive(Debug)]
struct UserInEndpoint {
    endpoint: String,
}

impl ProvideCredentials for UserInEndpoint {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::invalid_configuration(format!(
            "the endpoint {} holds a user; take user and password out of it, and give them as access_key_id and \
             secret_access_key",
            self.endpoint
        ))))
    }
}

fn loader(options: &AwsOptions) -> ConfigLoader {
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(options.request_timeout.unwrap_or(REQUEST_TIMEOUT))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some((id, secret)) = &options.credentials {
        let credentials = Credentials::new(id, secret.expose_secret(), None, None, "audit-log");
        loader = loader.credentials_provider(credentials);
    }
    loader
}

#[cfg(test)]
mod tests {
    use super::load;
    use crate::AwsOptions;

    #[tokio::test]
    async fn an_endpoint_without_a_region_gets_the_one_that_other_servers_expect() {
        let options = AwsOptions::default().endpoint("http://127.0.0.1:9").credentials("id", "hush".into());
        let config = load(&options.clone().region("eu-central-1")).await;
        assert_eq!(config.region().map(AsRef::as_ref), Some("eu-central-1"));
        assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:9"));
        assert!(!format!("{options:?} {config:?}").contains("hush"), "no secret in Debug");
    }
}
