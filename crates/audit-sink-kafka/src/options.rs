use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::BaseProducer;
use secrecy::{ExposeSecret, SecretString};

use crate::KafkaOptionsError;
use crate::property::{self, Property};

/// Less than the 30 s after which who delivers gives up by default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(25);

/// How errors call the options: by their names here, and by librdkafka's, as configuration files have them.
const CA_FILE: &str = "ca_file (ssl.ca.location)";
const CLIENT_CERTIFICATE: &str = "client_certificate (ssl.certificate.location, ssl.key.location)";
const CERT_FILE: &str = "cert_file (ssl.certificate.location)";
const KEY_FILE: &str = "key_file (ssl.key.location)";
const KEY_PASSWORD: &str = "key_password (ssl.key.password)";
const SASL: &str = "sasl (sasl.mechanism, sasl.username, sasl.password)";

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

/// Where the brokers are, which topic, and how to talk to them.
///
/// Its `Debug` shows neither passwords nor the values of properties.
#[derive(Clone)]
#[must_use]
pub struct KafkaOptions {
    bootstrap_servers: Vec<String>,
    topic: String,
    protocol: SecurityProtocol,
    sasl: Option<(SaslMechanism, String, SecretString)>,
    ca_file: Option<PathBuf>,
    client_certificate: Option<(PathBuf, PathBuf)>,
    key_password: Option<SecretString>,
    timeout: Duration,
    properties: Vec<Property>,
}

impl SecurityProtocol {
    const ALL: [Self; 4] = [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl];

    /// Kafka's name for it, such as `SASL_SSL`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl FromStr for SecurityProtocol {
    type Err = KafkaOptionsError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        by_name("security (security.protocol)", name, Self::ALL, Self::name)
    }
}

impl SaslMechanism {
    const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// Kafka's name for it, such as `SCRAM-SHA-512`.
    #[must_use]
    pub fn name(self) -> &'static str {
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
        by_name("SASL mechanism (sasl.mechanism)", name, Self::ALL, Self::name)
    }
}

impl KafkaOptions {
    /// A topic, and some brokers (`host:port`) through which the others are found. `PLAINTEXT` unless said otherwise.
    pub fn new(bootstrap_servers: impl IntoIterator<Item = String>, topic: impl Into<String>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into_iter().collect(),
            topic: topic.into(),
            protocol: SecurityProtocol::default(),
            sasl: None,
            ca_file: None,
            client_certificate: None,
            key_password: None,
            timeout: DEFAULT_TIMEOUT,
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

    /// The time that the whole of a `send` may take: what its caller waits. 25 s unless set.
    ///
    /// librdkafka gives up after 80 % of it (`message.timeout.ms`, unless this property is set), so that the error says
    /// what is wrong; it looks once a second for what it has to give up, so below 5 s it may be too late. The search for
    /// records that brokers refuse stops after 50 %, and the next `send` of the same batch goes on with it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Any other [property of librdkafka](https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md).
    /// Set `message.max.bytes` when the topic's `max.message.bytes` is not the broker's default of 1,048,588.
    pub fn property(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.properties.push(Property { name: name.into(), value: value.into() });
        self
    }

    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    pub(crate) fn servers(&self) -> String {
        self.bootstrap_servers.join(",")
    }

    /// For how long one `send` looks for the records that brokers refuse.
    pub(crate) fn search_time(&self) -> Duration {
        self.timeout / 2
    }

    /// How many bytes a record batch may have at the topic.
    pub(crate) fn max_message_bytes(&self) -> usize {
        property::max_message_bytes(&self.properties)
    }

    /// Whether they are good, as far as that shows without connecting.
    pub(crate) fn try_out(&self) -> Result<(), KafkaOptionsError> {
        self.validate()?;
        // A producer that knows no brokers connects to nobody, and shows all that librdkafka has to say.
        let mut config = self.client_config();
        config.remove("bootstrap.servers");
        config.create::<BaseProducer>().map(drop).map_err(|error| refusal(&error))
    }

    fn validate(&self) -> Result<(), KafkaOptionsError> {
        if self.bootstrap_servers.is_empty() {
            return Err(KafkaOptionsError::NoBootstrapServers);
        }
        if let Some(found) = self.bootstrap_servers.iter().find(|server| !is_server(server)) {
            return Err(KafkaOptionsError::BootstrapServer { found: found.clone() });
        }
        if !is_topic(&self.topic) {
            return Err(KafkaOptionsError::Topic { found: self.topic.clone() });
        }
        self.validate_security()?;
        self.properties.iter().try_for_each(property::validate)
    }

    fn validate_security(&self) -> Result<(), KafkaOptionsError> {
        let protocol = self.protocol.name();
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

    /// What librdkafka is to be told. It holds passwords in the clear, so it is made anew for each producer and not kept.
    pub(crate) fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.servers()).set("security.protocol", self.protocol.name());
        if let Some((mechanism, username, password)) = &self.sasl {
            config
                .set("sasl.mechanism", mechanism.name())
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
        property::apply(&self.properties, self.timeout, &mut config);
        // What it logs about lost connections goes into our errors; nobody reads more unless its property `debug` is set.
        let debug = config.get("debug").is_some();
        config.set_log_level(if debug { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Info });
        config
    }
}

impl fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let properties: Vec<&str> = self.properties.iter().map(|property| property.name.as_str()).collect();
        f.debug_struct("KafkaOptions")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("topic", &self.topic)
            .field("protocol", &self.protocol)
            .field("sasl", &self.sasl.as_ref().map(|(mechanism, username, _)| (mechanism, username)))
            .field("ca_file", &self.ca_file)
            .field("client_certificate", &self.client_certificate)
            .field("timeout", &self.timeout)
            .field("properties", &properties)
            .finish_non_exhaustive()
    }
}

/// What librdkafka says about options that it does not take, without their values where these may be secret.
pub(crate) fn refusal(error: &KafkaError) -> KafkaOptionsError {
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
