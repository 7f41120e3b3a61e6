use std::time::Duration;

use audit_kafka::refusal;
use audit_model::Timestamp;
use audit_retention::kafka::{Change, Topic, TopicConfig, plan};
use audit_retention::{Holds, Plan, Policy};
use audit_sink::SinkError;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ConfigEntry, ConfigSource, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::time::sleep;

use crate::KafkaOptions;
use crate::check::{self, TIMEOUT};
use crate::connection::Connection;
use crate::reports::advice;

/// How often, and in what distance at first, to look whether a change has come to the brokers; 5 s in all.
const LOOKS: u32 = 8;
const FIRST_LOOK: Duration = Duration::from_millis(20);

/// Makes a topic's retention follow a policy.
///
/// It can have credentials of its own, since whoever writes audit logs should not be able to delete them.
#[derive(Debug)]
pub struct KafkaRetention {
    options: KafkaOptions,
}

impl KafkaRetention {
    /// For the topic of a sink of the same options. It connects when it is used, and not for longer.
    #[must_use]
    pub fn new(options: KafkaOptions) -> Self {
        Self { options }
    }

    /// What has to be done to the topic now. Nothing is changed.
    ///
    /// It takes DESCRIBE_CONFIGS and DESCRIBE on the topic.
    ///
    /// # Errors
    /// When the topic may not be looked at, the brokers are out of reach, or the options are such as no sink is made of.
    pub async fn plan(
        &self,
        policy: &Policy,
        holds: &Holds,
        now: Timestamp,
    ) -> Result<Plan<Change>, SinkError> {
        let config = match Admin::of_topic(&self.options).await? {
            Some(admin) => Some(config(&admin.entries().await?).map_err(|why| self.options.failure(&why))?),
            None => None,
        };
        let topic = Topic { name: self.options.topic().to_owned(), config };
        Ok(plan(policy, holds, &topic, now))
    }

    /// Does what a plan says. Doing it again changes nothing.
    ///
    /// It takes ALTER_CONFIGS, DESCRIBE_CONFIGS and DESCRIBE on the topic. The request that librdkafka's Rust client has
    /// ([AlterConfigs]) resets what it does not name, so all that is set for the topic is read before and written back: what another sets
    /// in the moment between is lost.
    ///
    /// [AlterConfigs]: https://kafka.apache.org/protocol.html#The_Messages_AlterConfigs
    ///
    /// # Errors
    /// When there is no such topic, something is not permitted or not taken, or the brokers are out of reach.
    pub async fn apply(&self, change: &Change) -> Result<(), SinkError> {
        let failure = |why: &str| self.options.failure(why);
        if change.topic() != self.options.topic() {
            let why = format!("this change is for the topic {}", change.topic());
            return Err(SinkError::rejected(failure(&why).to_string()));
        }
        let admin = Admin::of_topic(&self.options).await?;
        let admin = admin.ok_or_else(|| failure("it does not exist; create it"))?;
        let entries = admin.entries().await?;
        let (name, value) = change.entry();
        let mut alteration = AlterConfig::new(ResourceSpecifier::Topic(self.options.topic()));
        for entry in entries.iter().filter(|entry| is_set(entry)) {
            let Some(value) = &entry.value else {
                let why = format!("the brokers do not show {}, so it could not be written back", entry.name);
                return Err(failure(&why));
            };
            alteration = alteration.set(&entry.name, value);
        }
        alteration = alteration.set(name, &value);
        let answers = admin.client.alter_configs([&alteration], &admin_options()).await;
        answers.map_err(|error| admin.explain(&error))?;
        // The client says nothing of what the brokers answered for the topic, only that they did.
        for look in 0..LOOKS {
            sleep(FIRST_LOOK * 2_u32.pow(look)).await;
            let entries = admin.entries().await?;
            if entries.iter().any(|entry| entry.name == name && entry.value.as_ref() == Some(&value)) {
                return Ok(());
            }
        }
        Err(failure(&format!(
            "the brokers did not set {name} to {value}; allow this user ALTER_CONFIGS on the topic, and see whether they have \
             an alter.config.policy.class.name that forbids it"
        )))
    }
}

impl KafkaOptions {
    fn failure(&self, why: &str) -> SinkError {
        SinkError::retryable(format!("Kafka topic {} at {}: {why}", self.topic(), self.servers()))
    }
}

/// A connection for as long as one plan or one change takes.
struct Admin<'a> {
    client: AdminClient<DefaultClientContext>,
    options: &'a KafkaOptions,
}

impl<'a> Admin<'a> {
    /// `None` where there is no such topic.
    async fn of_topic(options: &'a KafkaOptions) -> Result<Option<Self>, SinkError> {
        options.try_out().map_err(|error| options.failure(&error.to_string()))?;
        let mut config = options.client_config();
        config.set("allow.auto.create.topics", "false").set("enable.idempotence", "false");
        let cannot_start = |error| options.failure(&refusal(&error).to_string());
        // An admin client keeps to itself what is wrong with the brokers, and what they have against the topic.
        let connection = Connection::open(&config).map_err(cannot_start)?;
        let metadata =
            check::metadata(&connection, options.topic()).await.map_err(|why| options.failure(&why))?;
        match metadata.topics().iter().find_map(|topic| topic.error()).map(RDKafkaErrorCode::from) {
            None => {}
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                return Ok(None);
            }
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                return Err(options.failure("allow this user DESCRIBE and DESCRIBE_CONFIGS on the topic"));
            }
            Some(code) => return Err(options.failure(&code.to_string())),
        }
        let client = config.create().map_err(cannot_start)?;
        Ok(Some(Self { client, options }))
    }

    /// The topic's configuration.
    async fn entries(&self) -> Result<Vec<ConfigEntry>, SinkError> {
        let topic = [ResourceSpecifier::Topic(self.options.topic())];
        let described = self.client.describe_configs(&topic, &admin_options()).await;
        let described = described.map_err(|error| self.explain(&error))?;
        match described.into_iter().next() {
            Some(Ok(resource)) if !resource.entries.is_empty() => Ok(resource.entries),
            // The client does not say why there are none.
            _ => Err(self.options.failure("allow this user DESCRIBE_CONFIGS on the topic")),
        }
    }

    fn explain(&self, error: &KafkaError) -> SinkError {
        self.options.failure(&match error.rdkafka_error_code().and_then(advice) {
            Some(advice) => format!("{error}; {advice}"),
            None => error.to_string(),
        })
    }
}

fn admin_options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT))
}

/// Whether it is set for this topic. Brokers before 1.1 do not say for what.
fn is_set(entry: &ConfigEntry) -> bool {
    match entry.source {
        ConfigSource::DynamicTopic => true,
        ConfigSource::Unknown => !entry.is_default && !entry.is_read_only,
        _ => false,
    }
}

fn config(entries: &[ConfigEntry]) -> Result<TopicConfig, String> {
    let value = |name: &str| {
        let entry = entries.iter().find(|entry| entry.name == name);
        entry
            .and_then(|entry| entry.value.as_deref())
            .ok_or_else(|| format!("the brokers do not show {name}"))
    };
    let number = |name: &str| {
        let value = value(name)?;
        value.parse().map_err(|_| format!("{name} is `{value}`, expected a whole number"))
    };
    Ok(TopicConfig {
        retention_ms: number("retention.ms")?,
        retention_bytes: number("retention.bytes")?,
        cleanup_policy: value("cleanup.policy")?.to_owned(),
        segment_ms: number("segment.ms")?,
    })
}

#[cfg(test)]
mod tests {
    use rdkafka::admin::{ConfigEntry, ConfigSource};

    use super::{config, is_set};

    fn entry(name: &str, value: Option<&str>, source: ConfigSource) -> ConfigEntry {
        ConfigEntry {
            name: name.into(),
            value: value.map(Into::into),
            is_default: source == ConfigSource::Default,
            source,
            is_read_only: false,
            is_sensitive: false,
        }
    }

    #[test]
    fn only_what_is_set_for_the_topic_is_written_back() {
        use ConfigSource::{Default, DynamicBroker, DynamicTopic, StaticBroker, Unknown};
        for (source, set) in [
            (DynamicTopic, true),
            (Unknown, true),
            (Default, false),
            (DynamicBroker, false),
            (StaticBroker, false),
        ] {
            assert_eq!(is_set(&entry("retention.ms", Some("1"), source)), set);
        }
    }

    #[test]
    fn what_brokers_do_not_show_is_not_guessed() {
        let of = |ms: Option<&str>| {
            config(&[
                entry("retention.ms", ms, ConfigSource::Default),
                entry("retention.bytes", Some("-1"), ConfigSource::Default),
                entry("cleanup.policy", Some("delete"), ConfigSource::Default),
                entry("segment.ms", Some("604800000"), ConfigSource::Default),
            ])
        };
        assert_eq!(of(Some("-1")).map(|config| config.retention_ms), Ok(-1));
        assert_eq!(of(None).unwrap_err(), "the brokers do not show retention.ms");
        assert_eq!(of(Some("a week")).unwrap_err(), "retention.ms is `a week`, expected a whole number");
    }
}
