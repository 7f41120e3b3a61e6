use audit_tls::TlsError;

/// Why no sink can be made of the options. No message holds the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmailOptionsError {
    /// The server is not `host` or `host:port`.
    #[error("the mail server {0:?} is not host:port; write for example mail.example.com:587, or [::1]:25")]
    Server(String),
    /// The sender or a recipient is no address.
    #[error(
        "{what} {found:?} is no e-mail address: {problem}; expected name@example.com or Name <name@example.com>"
    )]
    Address {
        /// `from` or `to`.
        what: &'static str,
        /// What was given.
        found: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A recipient is given twice, and would get everything twice.
    #[error("to holds {0} twice; once is meant")]
    RecipientTwice(String),
    /// Nobody would get the letters.
    #[error("to is empty; give at least one recipient")]
    NoRecipient,
    /// The name for EHLO is neither a domain nor an address literal (RFC 5321 §4.1.4).
    #[error("hello_name {0:?} is no host name; write for example audit.example.com, or leave it out")]
    HelloName(String),
    /// The user name or the password is empty.
    #[error("the {0} is empty; set both user name and password, or neither")]
    EmptyCredentials(&'static str),
    /// Credentials would be sent so that anybody on the way can read them.
    #[error(
        "credentials would go to {server} unencrypted; set encryption to starttls or tls, or, if nobody can listen \
         between here and there, danger_credentials_in_the_clear"
    )]
    CredentialsInTheClear {
        /// The server.
        server: String,
    },
    /// TLS is set up and not used.
    #[error("tls is set, but encryption is plain, which sends everything in the clear; use starttls or tls")]
    TlsWithoutEncryption,
    /// The server's name can be in no certificate.
    #[error("the host {0:?} is neither a DNS name nor an IP address")]
    ServerName(String),
    /// A timeout of zero, in which nothing can happen.
    #[error("{what} is zero; expected a duration")]
    NoTime {
        /// Which timeout.
        what: &'static str,
    },
    /// The certificates or keys cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}
