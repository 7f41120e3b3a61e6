use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::KafkaOptionsError;

/// A property of librdkafka that somebody has set. Its `Debug` shows the name alone.
#[derive(Clone)]
pub struct Property {
    name: String,
    value: SecretString,
}

impl Property {
    /// A property as somebody wrote it.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// Its name, as it was written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.name
    }

    /// Its name, the one that librdkafka prefers where it knows several.
    #[must_use]
    pub fn name(&self) -> &str {
        canonical(&self.name)
    }

    /// Its value, which may be a secret.
    #[must_use]
    pub fn value(&self) -> &str {
        self.value.expose_secret()
    }
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Other names of the same properties; librdkafka takes both, and the last one set wins.
const ALIASES: [(&str, &str); 8] = [
    ("compression.codec", "compression.type"),
    ("delivery.timeout.ms", "message.timeout.ms"),
    ("max.in.flight", "max.in.flight.requests.per.connection"),
    ("message.send.max.retries", "retries"),
    ("metadata.broker.list", "bootstrap.servers"),
    ("queue.buffering.max.ms", "linger.ms"),
    ("request.required.acks", "acks"),
    ("sasl.mechanisms", "sasl.mechanism"),
];

/// Properties that have options of their own.
const OPTIONS: [(&str, &str); 9] = [
    ("bootstrap.servers", "bootstrap_servers"),
    ("sasl.mechanism", "sasl"),
    ("sasl.password", "sasl"),
    ("sasl.username", "sasl"),
    ("security.protocol", "security"),
    ("ssl.ca.location", "ca_file"),
    ("ssl.certificate.location", "client_certificate"),
    ("ssl.key.location", "client_certificate"),
    ("ssl.key.password", "key_password"),
];

/// Options have names of their own here.
pub(crate) fn validate(property: &Property) -> Result<(), KafkaOptionsError> {
    match OPTIONS.iter().find(|(of_option, _)| *of_option == property.name()) {
        Some((_, option)) => Err(KafkaOptionsError::PropertyOfOption { name: property.name.clone(), option }),
        None => Ok(()),
    }
}

/// Whether a property's value has no place in an error.
pub(crate) fn is_secret(name: &str) -> bool {
    ["password", "secret", "key", "pem", "oauthbearer"].iter().any(|word| name.contains(word))
}

fn canonical(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, canonical)| canonical)
}
