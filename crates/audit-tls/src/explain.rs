use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

/// What went wrong in TLS and what to do about it, where that is what an error of a network client is about.
///
/// Clients wrap the error of rustls several times, `std::io::Error` among the wrappings; the whole chain is searched.
#[must_use]
pub fn explain(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(advice(error));
        }
        // An io::Error passes over what it wraps when it is asked for its source.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

fn advice(error: &rustls::Error) -> String {
    use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage};
    match error {
        InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "the server's certificate is not from an authority that is trusted; \
             set ca_file to the certificate of its authority"
                .to_owned()
        }
        InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("{error}; connect by a name that is in the server's certificate"),
        InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => format!("{error}; have the server's certificate renewed, or set the clock"),
        AlertReceived(
            alert @ (AlertDescription::CertificateRequired
            | AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied),
        ) => format!(
            "the server refused the client certificate, or the lack of one ({alert:?}); \
             set cert_file and key_file to a pair that it trusts"
        ),
        InvalidMessage(_) => format!("{error}; is that a TLS port?"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls::{AlertDescription, CertificateError, Error};

    use super::explain;

    #[test]
    fn the_error_of_tls_is_found_inside_others() {
        let inner = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner));
        assert!(explain(&wrapped).expect("an error of TLS").contains("set ca_file"));
        let alert = io::Error::other(Error::AlertReceived(AlertDescription::CertificateRequired));
        assert!(explain(&alert).expect("an error of TLS").contains("set cert_file and key_file"));
        assert_eq!(explain(&io::Error::from(io::ErrorKind::ConnectionRefused)), None);
    }
}
