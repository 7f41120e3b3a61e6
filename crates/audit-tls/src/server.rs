use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};

use crate::{TlsError, pem};

/// Who a TLS server says it is, and whose client certificates it believes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerTlsOptions {
    /// PEM file of the server's certificate, followed by its intermediates.
    pub cert_file: PathBuf,
    /// PEM file of its private key, without a passphrase; may be the same file.
    pub key_file: PathBuf,
    /// PEM file of the authorities whose client certificates are believed; without it, none is asked for.
    pub client_ca_file: Option<PathBuf>,
    /// Whether a client without a certificate is turned away in the handshake; it is, unless said otherwise.
    pub require_client_certificate: bool,
}

impl ServerTlsOptions {
    /// A server with this certificate and key.
    #[must_use]
    pub fn new(cert_file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        Self {
            cert_file: cert_file.into(),
            key_file: key_file.into(),
            client_ca_file: None,
            require_client_certificate: true,
        }
    }

    /// Asks clients for a certificate of one of these authorities (mutual TLS).
    #[must_use]
    pub fn client_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_ca_file = Some(path.into());
        self
    }

    /// Sets whether clients without a certificate are turned away; only with a [`client_ca_file`](Self::client_ca_file).
    #[must_use]
    pub fn require_client_certificate(mut self, require: bool) -> Self {
        self.require_client_certificate = require;
        self
    }

    /// Reads the files, and makes the server: TLS 1.2 and 1.3 on ring, without ALPN.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should, or the key is not the certificate's.
    pub fn server_config(&self) -> Result<ServerConfig, TlsError> {
        // Passed, and not installed for the process: which provider the program uses is the program's choice.
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(TlsError::Server)?;
        let builder = match &self.client_ca_file {
            None => builder.with_no_client_auth(),
            Some(ca_file) => {
                let mut roots = RootCertStore::empty();
                for (index, authority) in
                    pem::certificates(ca_file, "client authority")?.into_iter().enumerate()
                {
                    roots.add(authority).map_err(|error| TlsError::Unusable {
                        what: format!("client authority {}", index + 1),
                        path: ca_file.clone(),
                        problem: error.to_string(),
                    })?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier =
                    if self.require_client_certificate { verifier } else { verifier.allow_unauthenticated() };
                let verifier = verifier.build().map_err(|error| TlsError::Unusable {
                    what: "client authorities".to_owned(),
                    path: ca_file.clone(),
                    problem: error.to_string(),
                })?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let chain = pem::certificates(&self.cert_file, "server certificate")?;
        let key = pem::private_key(&self.key_file, "server key")?;
        builder.with_single_cert(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                TlsError::KeyOfAnother { cert_file: self.cert_file.clone(), key_file: self.key_file.clone() }
            }
            error => TlsError::Unusable {
                what: "server certificate or its key".to_owned(),
                path: self.cert_file.clone(),
                problem: error.to_string(),
            },
        })
    }
}
