use std::str::FromStr;

use crate::KafkaOptionsError;

/// How to talk to the brokers: Kafka's `security.protocol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecurityProtocol {
    /// Neither encrypted nor authenticated.
    #[default]
    Plaintext,
    /// TLS; who the client is, its certificate says, if the brokers ask for one.
    Ssl,
    /// User name and password over a connection that is not encrypted.
    SaslPlaintext,
    /// User name and password over TLS.
    SaslSsl,
}

/// How a password is proven: Kafka's `sasl.mechanism`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaslMechanism {
    /// The password itself is sent (RFC 4616).
    Plain,
    /// A proof of the password is sent (RFC 7677).
    ScramSha256,
    /// The same with SHA-512.
    ScramSha512,
}

impl SecurityProtocol {
    const ALL: [Self; 4] = [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl];

    /// Kafka's name for it, such as `SASL_SSL`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    pub(crate) fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    pub(crate) fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl FromStr for SecurityProtocol {
    type Err = KafkaOptionsError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        by_name("security (security.protocol)", name, Self::ALL, Self::as_str)
    }
}

impl SaslMechanism {
    const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// Kafka's name for it, such as `SCRAM-SHA-512`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl FromStr for SaslMechanism {
    type Err = KafkaOptionsError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        by_name("SASL mechanism (sasl.mechanism)", name, Self::ALL, Self::as_str)
    }
}

fn by_name<T: Copy, const N: usize>(
    option: &'static str,
    found: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T, KafkaOptionsError> {
    all.into_iter().find(|one| name(*one) == found).ok_or_else(|| KafkaOptionsError::UnknownName {
        option,
        found: found.to_owned(),
        expected: all.map(name).join(", "),
    })
}
