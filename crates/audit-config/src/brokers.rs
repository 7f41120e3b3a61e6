//! From a configuration to Kafka's brokers.

use std::collections::BTreeMap;

use audit_kafka::Brokers;

use crate::{KafkaDestination, KafkaSecurity, KafkaSource, SaslMechanism, Secret, SecurityProtocol};

impl KafkaDestination {
    /// The brokers, and how to talk to them. Nothing is connected to.
    pub fn brokers(&self) -> Brokers {
        brokers(&self.bootstrap_servers, self.security.as_ref(), &self.librdkafka)
    }
}

impl KafkaSource {
    /// The brokers, and how to talk to them. Nothing is connected to.
    pub fn brokers(&self) -> Brokers {
        brokers(&self.bootstrap_servers, self.security.as_ref(), &self.librdkafka)
    }
}

fn brokers(
    servers: &[String],
    security: Option<&KafkaSecurity>,
    properties: &BTreeMap<String, Secret>,
) -> Brokers {
    let security = security.cloned().unwrap_or_default();
    let mut brokers = Brokers::new(servers.iter().cloned()).security(match security.security_protocol {
        SecurityProtocol::Plaintext => audit_kafka::SecurityProtocol::Plaintext,
        SecurityProtocol::Ssl => audit_kafka::SecurityProtocol::Ssl,
        SecurityProtocol::SaslPlaintext => audit_kafka::SecurityProtocol::SaslPlaintext,
        SecurityProtocol::SaslSsl => audit_kafka::SecurityProtocol::SaslSsl,
    });
    if let (Some(mechanism), Some(name), Some(password)) =
        (security.sasl_mechanism, security.sasl_username, security.sasl_password)
    {
        let mechanism = match mechanism {
            SaslMechanism::Plain => audit_kafka::SaslMechanism::Plain,
            SaslMechanism::ScramSha256 => audit_kafka::SaslMechanism::ScramSha256,
            SaslMechanism::ScramSha512 => audit_kafka::SaslMechanism::ScramSha512,
        };
        brokers = brokers.sasl(mechanism, name, password.into());
    }
    if let Some(file) = security.ssl_ca_location {
        brokers = brokers.ca_file(file);
    }
    if let (Some(certificate), Some(key)) = (security.ssl_certificate_location, security.ssl_key_location) {
        brokers = brokers.client_certificate(certificate, key);
    }
    if let Some(password) = security.ssl_key_password {
        brokers = brokers.key_password(password.into());
    }
    properties.iter().fold(brokers, |brokers, (name, value)| brokers.property(name, value.clone()))
}
