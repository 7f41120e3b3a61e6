#[cfg(any(feature = "retention", feature = "read"))]
use std::{
    error::Error,
    sync::{Mutex, PoisonError},
};

#[cfg(any(feature = "retention", feature = "read"))]
use audit_aws::{AwsError, HttpResponse, SdkError};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::RequestChecksumCalculation;
#[cfg(any(feature = "retention", feature = "read"))]
use aws_sdk_s3::error::ProvideErrorMetadata;

use crate::S3Options;
#[cfg(any(feature = "retention", feature = "read"))]
use crate::error::s3_error;

/// A client for these options. Environment and profile are read here.
pub(crate) async fn connect(options: &S3Options) -> Client {
    let config = aws_sdk_s3::config::Builder::from(&audit_aws::load(&options.aws).await)
        .force_path_style(options.path_style.unwrap_or(options.aws.endpoint.is_some()))
        // Every put brings its own checksum, and some servers refuse those that the SDK adds.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .build();
    Client::from_conf(config)
}

/// A client that is made at first use, and again after its credentials were refused: others may be there by then.
#[cfg(any(feature = "retention", feature = "read"))]
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) options: S3Options,
    client: Mutex<Option<Client>>,
}

#[cfg(any(feature = "retention", feature = "read"))]
impl Connection {
    pub(crate) fn new(options: S3Options) -> Self {
        Self { options, client: Mutex::new(None) }
    }

    pub(crate) async fn client(&self) -> Client {
        let made = self.slot().clone();
        match made {
            Some(client) => client,
            None => {
                let client = connect(&self.options).await;
                self.slot().insert(client).clone()
            }
        }
    }

    pub(crate) fn read<E>(&self, operation: &str, error: &SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let error = s3_error(operation, &self.options, error);
        if error.concerns_credentials() {
            *self.slot() = None;
        }
        error
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
