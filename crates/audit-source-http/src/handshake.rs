use std::io;

use tokio_rustls::rustls::{CertificateError, Error};

/// Why who they are was not believed, as a word for the log, where that is why the handshake failed. `None` where it was for another
/// reason: whoever does not speak TLS, or does not trust the server, has not said who they are.
pub(crate) fn disbelief(error: &io::Error) -> Option<&'static str> {
    let certificate = match error.get_ref()?.downcast_ref()? {
        Error::NoCertificatesPresented => return Some("no_certificate"),
        Error::InvalidCertificate(certificate) => certificate,
        _ => return None,
    };
    Some(match certificate {
        CertificateError::BadEncoding => "malformed_certificate",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificate_expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate_not_yet_valid"
        }
        CertificateError::UnknownIssuer => "unknown_authority",
        // Of the certificate itself, or that it is theirs (RFC 8446 §4.4.3).
        CertificateError::BadSignature => "certificate_bad_signature",
        _ => "invalid_certificate",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_the_certificate_is_disbelief() {
        let reason = |error: Error| disbelief(&io::Error::new(io::ErrorKind::InvalidData, error));
        assert_eq!(reason(Error::NoCertificatesPresented), Some("no_certificate"));
        for (error, expected) in [
            (CertificateError::BadEncoding, "malformed_certificate"),
            (CertificateError::Expired, "certificate_expired"),
            (CertificateError::NotValidYet, "certificate_not_yet_valid"),
            (CertificateError::UnknownIssuer, "unknown_authority"),
            (CertificateError::BadSignature, "certificate_bad_signature"),
            (CertificateError::InvalidPurpose, "invalid_certificate"),
        ] {
            assert_eq!(reason(Error::InvalidCertificate(error)), Some(expected));
        }
        assert_eq!(reason(Error::HandshakeNotComplete), None);
        assert_eq!(disbelief(&io::ErrorKind::UnexpectedEof.into()), None);
    }
}
