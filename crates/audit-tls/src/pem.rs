//! Certificates and keys out of PEM files (RFC 7468).

use std::fs;
use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::TlsError;

/// The certificates of a file, at least one, in its order.
pub(crate) fn certificates(
    path: &Path,
    what: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path, what)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .enumerate()
        .map(|(index, parsed)| {
            parsed.map_err(|error| unusable(path, format!("{what} {}", index + 1), &error))
        })
        .collect::<Result<_, _>>()?;
    if certificates.is_empty() {
        let found = kinds(&text);
        let expected = match found.as_str() {
            BINARY => format!(
                "PEM with BEGIN CERTIFICATE: openssl x509 -inform der -in {} -out certificate.pem",
                path.display()
            ),
            _ => "PEM with BEGIN CERTIFICATE".to_owned(),
        };
        return Err(TlsError::Missing { what, path: path.to_owned(), found, expected });
    }
    Ok(certificates)
}

/// The first private key of a file.
pub(crate) fn private_key(path: &Path, what: &'static str) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(path, what)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            let found = kinds(&text);
            let expected = if found.contains("ENCRYPTED PRIVATE KEY") {
                format!(
                    "a key without a passphrase: openssl pkey -in {} -out key.pem, readable by the service alone",
                    path.display()
                )
            } else {
                "PEM with BEGIN PRIVATE KEY (or RSA or EC PRIVATE KEY)".to_owned()
            };
            TlsError::Missing { what, path: path.to_owned(), found, expected }
        }
        error => unusable(path, what.to_owned(), &error),
    })
}

fn read(path: &Path, what: &'static str) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { what, path: path.to_owned(), source })
}

/// The parser's own words quote a line of the file, which may be one of a key.
fn unusable(path: &Path, what: String, error: &pem::Error) -> TlsError {
    let problem = match error {
        pem::Error::MissingSectionEnd { .. } => "its END line is missing; was the file cut short?",
        pem::Error::IllegalSectionStart { .. } => "its BEGIN line is malformed",
        pem::Error::Base64Decode(_) => "what stands between its BEGIN and END lines is not base64",
        pem::Error::SectionTooLarge => "it is too large",
        _ => "it is not PEM",
    };
    TlsError::Unusable { what, path: path.to_owned(), problem: problem.to_owned() }
}

const BINARY: &str = "binary data (DER?)";

/// What a file holds: the labels of its PEM sections, where it has any.
fn kinds(text: &[u8]) -> String {
    if text.is_empty() {
        return "an empty file".to_owned();
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return BINARY.to_owned();
    };
    let mut labels: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----"))
        .collect();
    labels.dedup();
    if labels.is_empty() { "no PEM".to_owned() } else { labels.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::kinds;

    #[test]
    fn a_file_is_described_by_its_kind_and_not_its_content() {
        let begin = |label: &str| format!("-----BEGIN {label}-----\nc2VjcmV0\n-----END {label}-----\n");
        assert_eq!(kinds(b""), "an empty file");
        assert_eq!(kinds(b"hunter2"), "no PEM");
        assert_eq!(kinds(&[0x30, 0x82, 0xff]), "binary data (DER?)");
        assert_eq!(
            kinds((begin("EC PARAMETERS") + &begin("X509 CRL")).as_bytes()),
            "EC PARAMETERS, X509 CRL"
        );
    }
}
