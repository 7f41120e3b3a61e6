use std::path::PathBuf;

use rdkafka::error::KafkaError;

use crate::property;

/// Why nothing can be made of the options.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KafkaOptionsError {
    /// Nobody to connect to.
    #[error("bootstrap_servers (bootstrap.servers) is empty: expected at least one host:port")]
    NoBootstrapServers,
    /// Not the address of a server.
    #[error("bootstrap_servers (bootstrap.servers): found `{found}`, expected host:port")]
    BootstrapServer {
        /// What stands there.
        found: String,
    },
    /// Kafka has no topics of such names.
    #[error("topic: found `{found}`, expected 1 to 249 of the characters a-z, A-Z, 0-9, `.`, `_` and `-`")]
    Topic {
        /// What stands there.
        found: String,
    },
    /// Nothing to read.
    #[error("topic: expected at least one")]
    NoTopic,
    /// Kafka has no consumer groups of such names.
    #[error("group (group.id): found nothing, expected the name of a consumer group, such as `audit-log`")]
    NoGroup,
    /// Neither a protocol nor a mechanism of this name is known.
    #[error("{option}: found `{found}`, expected one of {expected}")]
    UnknownName {
        /// Which option.
        option: &'static str,
        /// What stands there.
        found: String,
        /// What might stand there.
        expected: String,
    },
    /// An option that the security protocol needs is not there.
    #[error("{protocol} needs {option}")]
    Missing {
        /// What needs it: the security protocol, or another option.
        protocol: &'static str,
        /// What it needs.
        option: &'static str,
    },
    /// An option that would be without effect, which is seldom what its author meant.
    #[error("{option} has no effect with {protocol}; did you mean {instead}?")]
    NoEffect {
        /// The security protocol.
        protocol: &'static str,
        /// What has no effect.
        option: &'static str,
        /// A protocol with which it has.
        instead: &'static str,
    },
    /// A file of certificates or keys cannot be read.
    #[error("cannot read {option} {}: {source}", path.display())]
    File {
        /// Which option.
        option: &'static str,
        /// Where it is expected.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A property of librdkafka that has an option of its own here.
    #[error("librdkafka property `{name}` cannot be set: use {option}")]
    PropertyOfOption {
        /// Which property.
        name: String,
        /// What to use.
        option: &'static str,
    },
    /// A property of librdkafka that would break what is promised.
    #[error("librdkafka property `{name}` must be {expected}: {why}")]
    PropertyBreaksGuarantee {
        /// Which property.
        name: String,
        /// What it may be.
        expected: &'static str,
        /// What would break.
        why: &'static str,
    },
    /// librdkafka does not take the options.
    #[error("librdkafka does not take these options: {0}")]
    Refused(String),
}

/// What librdkafka says about options that it does not take, without their values where these may be secret.
#[must_use]
pub fn refusal(error: &KafkaError) -> KafkaOptionsError {
    KafkaOptionsError::Refused(match error {
        KafkaError::ClientConfig(_, _, name, _) if property::is_secret(name) => {
            format!("the value of `{name}` is not valid")
        }
        KafkaError::ClientConfig(_, reason, name, _) if reason.contains(name.as_str()) => reason.clone(),
        KafkaError::ClientConfig(_, reason, name, _) => format!("`{name}`: {reason}"),
        KafkaError::ClientCreation(reason) => reason.clone(),
        other => other.to_string(),
    })
}
