use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use secrecy::{ExposeSecret, SecretString};

use crate::{KafkaOptionsError, Property, SaslMechanism, SecurityProtocol, property};

/// How errors call the options: by their names here, and by librdkafka's, as configuration files have them.
const CA_FILE: &str = "ca_file (ssl.ca.location)";
const CLIENT_CERTIFICATE: &str = "client_certificate (ssl.certificate.location, ssl.key.location)";
const CERT_FILE: &str = "cert_file (ssl.certificate.location)";
const KEY_FILE: &str = "key_file (ssl.key.location)";
const KEY_PASSWORD: &str = "key_password (ssl.key.password)";
const SASL: &str = "sasl (sasl.mechanism, sasl.username, sasl.password)";

/// Where the brokers are, and how to talk to them.
///
/// Its `Debug` shows neither passwords nor the values of properties.
#[derive(Clone)]
#[must_use]
pub struct Brokers {
    bootstrap_servers: Vec<String>,
    protocol: SecurityProtocol,
    sasl: Option<(SaslMechanism, String, SecretString)>,
    ca_file: Option<PathBuf>,
    client_certificate: Option<(PathBuf, PathBuf)>,
    key_password: Option<SecretString>,
    properties: Vec<Property>,
}

impl Brokers {
    /// Some brokers (`host:port`) through which the others are found. `PLAINTEXT` unless said otherwise.
    pub fn new(bootstrap_servers: impl IntoIterator<Item = String>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into_iter().collect(),
            protocol: SecurityProtocol::default(),
            sasl: None,
            ca_file: None,
            client_certificate: None,
            key_password: None,
            properties: Vec::new(),
        }
    }

    /// How to talk to the brokers.
    pub fn security(mut self, protocol: SecurityProtocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Who this is, for the protocols `SASL_PLAINTEXT` and `SASL_SSL`.
    pub fn sasl(
        mut self,
        mechanism: SaslMechanism,
        username: impl Into<String>,
        password: SecretString,
    ) -> Self {
        self.sasl = Some((mechanism, username.into(), password));
        self
    }

    /// PEM file of the authorities that may have signed the brokers' certificates; the system's without it.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// PEM files of this client's certificate and its key, for brokers that ask for one (mTLS).
    pub fn client_certificate(mut self, cert_file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        self.client_certificate = Some((cert_file.into(), key_file.into()));
        self
    }

    /// The passphrase of the client's key.
    pub fn key_password(mut self, password: SecretString) -> Self {
        self.key_password = Some(password);
        self
    }

    /// Any other [property of librdkafka](https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md).
    pub fn property(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.properties.push(Property::new(name, value));
        self
    }

    /// The properties that were set, in their order.
    #[must_use]
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// The brokers as librdkafka has them: separated by commas.
    #[must_use]
    pub fn servers(&self) -> String {
        self.bootstrap_servers.join(",")
    }

    /// Whether they can be meant, as far as that shows without connecting and without librdkafka.
    ///
    /// # Errors
    /// When there are none, options contradict each other, a file cannot be read, or a property has an option of its own.
    pub fn validate(&self) -> Result<(), KafkaOptionsError> {
        if self.bootstrap_servers.is_empty() {
            return Err(KafkaOptionsError::NoBootstrapServers);
        }
        if let Some(found) = self.bootstrap_servers.iter().find(|server| !is_server(server)) {
            return Err(KafkaOptionsError::BootstrapServer { found: found.clone() });
        }
        self.validate_security()?;
        self.properties.iter().try_for_each(property::validate)
    }

    fn validate_security(&self) -> Result<(), KafkaOptionsError> {
        let protocol = self.protocol.as_str();
        let (tls, sasl) = (self.protocol.has_tls(), self.protocol.has_sasl());
        let without_effect = |option, instead| KafkaOptionsError::NoEffect { protocol, option, instead };
        let with_tls = if sasl { "SASL_SSL" } else { "SSL" };
        if !tls && self.ca_file.is_some() {
            return Err(without_effect(CA_FILE, with_tls));
        }
        if !tls && self.client_certificate.is_some() {
            return Err(without_effect(CLIENT_CERTIFICATE, with_tls));
        }
        if self.key_password.is_some() && self.client_certificate.is_none() {
            return Err(KafkaOptionsError::Missing { protocol: KEY_PASSWORD, option: CLIENT_CERTIFICATE });
        }
        if sasl && self.sasl.is_none() {
            return Err(KafkaOptionsError::Missing { protocol, option: SASL });
        }
        if !sasl && self.sasl.is_some() {
            return Err(without_effect(SASL, if tls { "SASL_SSL" } else { "SASL_PLAINTEXT" }));
        }
        if let Some(path) = &self.ca_file {
            readable(CA_FILE, path)?;
        }
        if let Some((cert_file, key_file)) = &self.client_certificate {
            readable(CERT_FILE, cert_file)?;
            readable(KEY_FILE, key_file)?;
        }
        Ok(())
    }

    /// What librdkafka is to be told of them. The properties are not in it: whoever asks knows which of its own they may override. It
    /// holds passwords in the clear, so it is to be made anew for each client, and not kept.
    #[must_use]
    pub fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.servers()).set("security.protocol", self.protocol.as_str());
        if let Some((mechanism, username, password)) = &self.sasl {
            config
                .set("sasl.mechanism", mechanism.as_str())
                .set("sasl.username", username)
                .set("sasl.password", password.expose_secret());
        }
        if let Some(path) = &self.ca_file {
            config.set("ssl.ca.location", path.to_string_lossy());
        }
        if let Some((cert_file, key_file)) = &self.client_certificate {
            config
                .set("ssl.certificate.location", cert_file.to_string_lossy())
                .set("ssl.key.location", key_file.to_string_lossy());
        }
        if let Some(password) = &self.key_password {
            config.set("ssl.key.password", password.expose_secret());
        }
        // What it logs about lost connections goes into errors; nobody reads more unless its property `debug` is set.
        let debug = self.properties.iter().any(|property| property.name() == "debug");
        config.set_log_level(if debug { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Info });
        config
    }
}

impl fmt::Debug for Brokers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brokers")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("protocol", &self.protocol)
            .field("sasl", &self.sasl.as_ref().map(|(mechanism, username, _)| (mechanism, username)))
            .field("ca_file", &self.ca_file)
            .field("client_certificate", &self.client_certificate)
            .field("properties", &self.properties)
            .finish_non_exhaustive()
    }
}

/// Whether Kafka could have a topic of that name.
///
/// # Errors
/// When it could not.
pub fn validate_topic(name: &str) -> Result<(), KafkaOptionsError> {
    if is_topic(name) { Ok(()) } else { Err(KafkaOptionsError::Topic { found: name.to_owned() }) }
}

fn readable(option: &'static str, path: &Path) -> Result<(), KafkaOptionsError> {
    match File::open(path) {
        Ok(_) => Ok(()),
        Err(source) => Err(KafkaOptionsError::File { option, path: path.to_owned(), source }),
    }
}

fn is_server(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let free_of_separators = !host.contains([',', ' ', '\t', '/']);
    !host.is_empty() && free_of_separators && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// As `org.apache.kafka.common.internals.Topic.validate` has it.
fn is_topic(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=249).contains(&name.len()) && name != "." && name != ".." && name.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::{is_server, is_topic};

    #[test]
    fn names_of_topics() {
        assert!(["audit", "a.b_c-D9", &"x".repeat(249)].into_iter().all(is_topic));
        assert!(!["", ".", "..", "a b", "a/b", "é", &"x".repeat(250)].into_iter().any(is_topic));
    }

    #[test]
    fn addresses_of_servers() {
        assert!(["kafka:9092", "127.0.0.1:1", "[::1]:9092"].into_iter().all(is_server));
        assert!(
            !["", "kafka", ":9092", "kafka:", "kafka:0", "a:1,b:2", "kafka:70000"].into_iter().any(is_server)
        );
    }
}
