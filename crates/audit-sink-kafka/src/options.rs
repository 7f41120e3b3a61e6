use std::path::PathBuf;
use std::time::Duration;

use audit_kafka::{Brokers, KafkaOptionsError, SaslMechanism, SecurityProtocol, refusal, validate_topic};
use rdkafka::ClientConfig;
use rdkafka::producer::BaseProducer;
use secrecy::SecretString;

use crate::property;

/// Less than the 30 s after which who delivers gives up by default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(25);

/// Where the brokers are, which topic, and how to talk to them.
///
/// Its `Debug` shows neither passwords nor the values of properties.
#[derive(Clone, Debug)]
#[must_use]
pub struct KafkaOptions {
    brokers: Brokers,
    topic: String,
    timeout: Duration,
}

impl KafkaOptions {
    /// A topic, and some brokers (`host:port`) through which the others are found. `PLAINTEXT` unless said otherwise.
    pub fn new(bootstrap_servers: impl IntoIterator<Item = String>, topic: impl Into<String>) -> Self {
        Self::of(Brokers::new(bootstrap_servers), topic)
    }

    /// A topic at brokers of which it is said already how to talk to them.
    pub fn of(brokers: Brokers, topic: impl Into<String>) -> Self {
        Self { brokers, topic: topic.into(), timeout: DEFAULT_TIMEOUT }
    }

    /// How to talk to the brokers.
    pub fn security(mut self, protocol: SecurityProtocol) -> Self {
        self.brokers = self.brokers.security(protocol);
        self
    }

    /// Who this is, for the protocols `SASL_PLAINTEXT` and `SASL_SSL`.
    pub fn sasl(
        mut self,
        mechanism: SaslMechanism,
        username: impl Into<String>,
        password: SecretString,
    ) -> Self {
        self.brokers = self.brokers.sasl(mechanism, username, password);
        self
    }

    /// PEM file of the authorities that may have signed the brokers' certificates; the system's without it.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.brokers = self.brokers.ca_file(path);
        self
    }

    /// PEM files of this client's certificate and its key, for brokers that ask for one (mTLS).
    pub fn client_certificate(mut self, cert_file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        self.brokers = self.brokers.client_certificate(cert_file, key_file);
        self
    }

    /// The passphrase of the client's key.
    pub fn key_password(mut self, password: SecretString) -> Self {
        self.brokers = self.brokers.key_password(password);
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
        self.brokers = self.brokers.property(name, value);
        self
    }

    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    pub(crate) fn servers(&self) -> String {
        self.brokers.servers()
    }

    /// For how long one `send` looks for the records that brokers refuse.
    pub(crate) fn search_time(&self) -> Duration {
        self.timeout / 2
    }

    /// How many bytes a record batch may have at the topic.
    pub(crate) fn max_message_bytes(&self) -> usize {
        property::max_message_bytes(self.brokers.properties())
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
        validate_topic(&self.topic)?;
        self.brokers.validate()?;
        self.brokers.properties().iter().try_for_each(property::validate)
    }

    /// What librdkafka is to be told. It holds passwords in the clear, so it is made anew for each producer and not kept.
    pub(crate) fn client_config(&self) -> ClientConfig {
        let mut config = self.brokers.client_config();
        property::apply(self.brokers.properties(), self.timeout, &mut config);
        config
    }
}
