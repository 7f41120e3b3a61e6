use std::io;
use std::path::PathBuf;

/// Why no TLS client or server can be made of the options: each says which file, what was found and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read the {what} in {}: {source}", path.display())]
    Unreadable {
        /// What was to be read from it.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file holds no certificate, or no key, where one is expected.
    #[error("no {what} in {}; found {found}, expected {expected}", path.display())]
    Missing {
        /// What was to be read from it.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What is there instead: never the content, only its kind.
        found: String,
        /// What is expected, and how to get it.
        expected: String,
    },
    /// A file holds PEM that cannot be decoded, or whose content is no certificate or key that can be used.
    #[error("the {what} in {} cannot be used: {problem}", path.display())]
    Unusable {
        /// What was to be read from it; with a number where there are several.
        what: String,
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A client certificate without its key.
    #[error("the client certificate {} has no key; set key_file to its private key", cert_file.display())]
    CertificateWithoutKey {
        /// The certificate.
        cert_file: PathBuf,
    },
    /// A key without its client certificate.
    #[error("the client key {} has no certificate; set cert_file to its certificate", key_file.display())]
    KeyWithoutCertificate {
        /// The key.
        key_file: PathBuf,
    },
    /// The key is not the one that the certificate was made for.
    #[error(
        "the key in {} does not belong to the first certificate in {}; use the pair that was issued together",
        key_file.display(), cert_file.display()
    )]
    KeyOfAnother {
        /// The certificate.
        cert_file: PathBuf,
        /// The key.
        key_file: PathBuf,
    },
    /// The platform has no roots, as in a container image without them.
    #[error(
        "this system has no trusted certificates ({source}); install its ca-certificates package, or set ca_file"
    )]
    NoPlatformRoots {
        /// What the verifier of the platform says.
        source: rustls::Error,
    },
    /// What rustls says of options that are right by themselves.
    #[error("no TLS client can be made: {0}")]
    Client(#[source] rustls::Error),
    /// What rustls says of a server's options that are right by themselves.
    #[error("no TLS server can be made: {0}")]
    Server(#[source] rustls::Error),
}
