//! The server's certificate, and the clients'.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use audit_tls::{ServerTlsOptions, TlsError};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// The certificate that the files hold, read again when they change.
pub(crate) struct Certificates {
    options: ServerTlsOptions,
    acceptor: TlsAcceptor,
    /// What the files were like when they were read.
    stamps: Vec<Stamp>,
}

/// Inode, length and time of a file; `None` where there is none.
type Stamp = Option<(u64, u64, Option<SystemTime>)>;

impl Certificates {
    pub(crate) fn read(options: ServerTlsOptions) -> Result<Self, TlsError> {
        // Taken before, so that what changes meanwhile is seen the next time.
        let stamps = stamps(&options);
        let acceptor = Arc::new(options.server_config()?).into();
        Ok(Self { options, acceptor, stamps })
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// Reads the files again, if they have changed: whether they had. With an error the old ones stay in use. This blocks.
    pub(crate) fn renew(&mut self) -> Result<bool, TlsError> {
        if stamps(&self.options) == self.stamps {
            return Ok(false);
        }
        *self = Self::read(self.options.clone())?;
        Ok(true)
    }
}

fn stamps(options: &ServerTlsOptions) -> Vec<Stamp> {
    let files = [Some(&options.cert_file), Some(&options.key_file), options.client_ca_file.as_ref()];
    let stamp = |path: &PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.ino(), metadata.len(), metadata.modified().ok()))
    };
    files.into_iter().flatten().map(stamp).collect()
}

/// A certificate as an identity, by its fingerprint (RFC 5425 §4.2.2).
pub(crate) fn identity(certificate: &CertificateDer<'_>) -> String {
    format!("certificate:sha256:{}", const_hex::encode(Sha256::digest(certificate)))
}
