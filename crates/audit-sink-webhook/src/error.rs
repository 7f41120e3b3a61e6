use audit_tls::TlsError;

/// Why no sink can be made of the options. No message holds the URL or a header's value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookOptionsError {
    /// The URL, or that of the proxy, is none of `http` or `https`.
    #[error("{what} cannot be used: {problem}; expected http://host:port/path or https://host/path")]
    Url {
        /// `url` or `proxy`.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The URL holds a user name or a password, which would appear in logs.
    #[error("url holds a user name or password; take it out and set the header Authorization")]
    Credentials,
    /// The name of a header is none (RFC 9110 §5.1).
    #[error("{name:?} cannot be the name of a header; expected letters, digits and dashes")]
    HeaderName {
        /// What was given.
        name: String,
    },
    /// The value of a header holds what a header cannot (RFC 9110 §5.5), such as a newline.
    #[error(
        "the value of the header {name} cannot be sent; does it end in a newline? expected one line of ASCII"
    )]
    HeaderValue {
        /// The header's name.
        name: String,
    },
    /// The header is the sink's to set.
    #[error("the header {name} is set by the sink itself; leave it out")]
    HeaderReserved {
        /// The header's name.
        name: String,
    },
    /// The header was given before; names are compared without case.
    #[error("the header {name} is given twice; once is meant")]
    HeaderTwice {
        /// The header's name.
        name: String,
    },
    /// A signature under an empty secret is no signature.
    #[error("signing_secret is empty; set it to at least 32 random characters, or leave it out")]
    EmptySigningSecret,
    /// A limit that hardly any record fits in.
    #[error("max_body_bytes is {found}, and hardly a record fits in that; expected at least {least}")]
    MaxBodyBytes {
        /// What was given.
        found: usize,
        /// The least that is taken.
        least: usize,
    },
    /// A timeout of zero, in which nothing can happen.
    #[error("{what} is zero; expected a duration")]
    NoTime {
        /// Which timeout.
        what: &'static str,
    },
    /// TLS is set up, and the URL does not use it.
    #[error(
        "tls is set, but url begins with http://, which sends everything in the clear; expected https://"
    )]
    TlsWithoutHttps,
    /// The certificates or keys cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP client refuses the options.
    #[error("no HTTP client can be made: {0}")]
    Client(Box<dyn std::error::Error + Send + Sync>),
}
