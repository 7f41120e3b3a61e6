//! Who a client is.

use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::pki_types::CertificateDer;

/// A certificate as an identity, by its fingerprint (RFC 5425 §4.2.2).
pub(crate) fn identity(certificate: &CertificateDer<'_>) -> String {
    format!("certificate:sha256:{}", const_hex::encode(Sha256::digest(certificate)))
}
