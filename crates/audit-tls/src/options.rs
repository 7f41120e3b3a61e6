use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::any_certificate::AnyCertificate;
use crate::{TlsError, pem};

/// Whom a TLS client trusts, and who it says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsOptions {
    /// PEM file of the certificates to trust, instead of the platform's roots.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the client's certificate, followed by its intermediates.
    pub cert_file: Option<PathBuf>,
    /// PEM file of the client certificate's private key, without a passphrase.
    pub key_file: Option<PathBuf>,
    /// Believe whoever answers: for trying things out. `ca_file` is not read then.
    pub danger_accept_invalid_certificates: bool,
}

impl TlsOptions {
    /// Trusts the certificates of this PEM file instead of the platform's roots.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Shows the certificate of this PEM file to a server that asks for one; needs a [`key_file`](Self::key_file).
    #[must_use]
    pub fn cert_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.cert_file = Some(path.into());
        self
    }

    /// Proves with the key of this PEM file that the client certificate is ours; it may be the same file.
    #[must_use]
    pub fn key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.key_file = Some(path.into());
        self
    }

    /// Believes whoever answers: for trying things out.
    #[must_use]
    pub fn danger_accept_invalid_certificates(mut self, accept: bool) -> Self {
        self.danger_accept_invalid_certificates = accept;
        self
    }

    /// Reads the files, and makes the client: TLS 1.2 and 1.3 on ring, without ALPN.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should, when a certificate comes without its key or a key
    /// without its certificate, and when the platform has no roots and no `ca_file` is given.
    pub fn client_config(&self) -> Result<ClientConfig, TlsError> {
        let trusting = self.trusting()?;
        match (&self.cert_file, &self.key_file) {
            (None, None) => Ok(trusting.with_no_client_auth()),
            (Some(cert_file), None) => {
                Err(TlsError::CertificateWithoutKey { cert_file: cert_file.to_owned() })
            }
            (None, Some(key_file)) => Err(TlsError::KeyWithoutCertificate { key_file: key_file.to_owned() }),
            (Some(cert_file), Some(key_file)) => {
                let chain = pem::certificates(cert_file, "client certificate")?;
                let key = pem::private_key(key_file, "client key")?;
                trusting.with_client_auth_cert(chain, key).map_err(|error| match error {
                    rustls::Error::InconsistentKeys(_) => TlsError::KeyOfAnother {
                        cert_file: cert_file.to_owned(),
                        key_file: key_file.to_owned(),
                    },
                    error => TlsError::Unusable {
                        what: "client certificate or its key".to_owned(),
                        path: cert_file.to_owned(),
                        problem: error.to_string(),
                    },
                })
            }
        }
    }

    fn trusting(&self) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TlsError> {
        // Passed, and not installed for the process: which provider the program uses is the program's choice.
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(TlsError::Client)?;
        if self.danger_accept_invalid_certificates {
            let verifier = Arc::new(AnyCertificate(provider));
            return Ok(builder.dangerous().with_custom_certificate_verifier(verifier));
        }
        let Some(ca_file) = &self.ca_file else {
            return builder.with_platform_verifier().map_err(|source| TlsError::NoPlatformRoots { source });
        };
        let mut roots = RootCertStore::empty();
        for (index, certificate) in pem::certificates(ca_file, "certificate")?.into_iter().enumerate() {
            roots.add(certificate).map_err(|error| TlsError::Unusable {
                what: format!("certificate {}", index + 1),
                path: ca_file.to_owned(),
                problem: error.to_string(),
            })?;
        }
        Ok(builder.with_root_certificates(roots))
    }
}
