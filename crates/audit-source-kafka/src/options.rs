use audit_kafka::{Brokers, KafkaOptionsError, Property, refusal, validate_topic};
use audit_source::Format;
use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;

/// Where reading begins in a partition of which the group has committed nothing yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// With the oldest record that the brokers have.
    #[default]
    Beginning,
    /// With what is produced from now on. Partitions that a topic is given later are read from their beginning.
    End,
}

/// Which topics, as which consumer group, from which brokers, and what their records are.
#[derive(Clone, Debug)]
#[must_use]
pub struct KafkaSourceOptions {
    brokers: Brokers,
    topics: Vec<String>,
    group: String,
    format: Format,
    start: Start,
}

/// What is set unless a property says otherwise, and why it is not librdkafka's default.
const DEFAULTS: [(&str, &str); 7] = [
    ("client.id", "audit-log"),
    // Bounds what is fetched ahead, by kilobytes over all partitions; the default is 64 MiB.
    ("queued.max.messages.kbytes", "16384"),
    ("fetch.max.bytes", "16777216"),
    // A record that was damaged on the way is to be fetched again, not recorded.
    ("check.crcs", "true"),
    // Tells the lag, and that a broker is back.
    ("statistics.interval.ms", "1000"),
    // A topic that is created late, and partitions that it is given, are noticed within half a minute rather than five.
    ("topic.metadata.refresh.interval.ms", "30000"),
    ("allow.auto.create.topics", "false"),
];

/// What is not to be argued about.
const FIXED: [(&str, &str, &str); 4] = [
    ("enable.auto.commit", "false", "an offset is committed when its record is durable, and not before"),
    (
        "enable.auto.offset.store",
        "false",
        "an offset is committed when its record is durable, and not before",
    ),
    ("enable.partition.eof", "false", "the end of a partition is no record"),
    ("isolation.level", "read_committed", "records of an aborted transaction never happened"),
];

impl KafkaSourceOptions {
    /// One or more topics, read as a member of a consumer group. Native events, from the beginning, unless said otherwise.
    pub fn new(brokers: Brokers, topics: impl IntoIterator<Item = String>, group: impl Into<String>) -> Self {
        Self {
            brokers,
            topics: topics.into_iter().collect(),
            group: group.into(),
            format: Format::default(),
            start: Start::default(),
        }
    }

    /// What the topics' records are.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Where reading begins the first time.
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    pub(crate) fn topics(&self) -> &[String] {
        &self.topics
    }

    pub(crate) fn event_format(&self) -> Format {
        self.format
    }

    pub(crate) fn first_start(&self) -> Start {
        self.start
    }

    /// Whether they are good, as far as that shows without connecting.
    pub(crate) fn try_out(&self) -> Result<(), KafkaOptionsError> {
        self.brokers.validate()?;
        if self.topics.is_empty() {
            return Err(KafkaOptionsError::NoTopic);
        }
        self.topics.iter().try_for_each(|topic| validate_topic(topic))?;
        if self.group.is_empty() {
            return Err(KafkaOptionsError::NoGroup);
        }
        self.brokers.properties().iter().try_for_each(validate)?;
        // A consumer that knows no brokers and is in no group talks to nobody, and shows all that librdkafka has to say.
        let mut config = self.client_config();
        for name in ["bootstrap.servers", "group.id", "group.instance.id"] {
            config.remove(name);
        }
        config.create::<BaseConsumer>().map(drop).map_err(|error| refusal(&error))
    }

    /// What librdkafka is to be told. It holds passwords in the clear, so it is made anew for each consumer and not kept.
    pub(crate) fn client_config(&self) -> ClientConfig {
        let mut config = self.brokers.client_config();
        for (name, value) in DEFAULTS {
            config.set(name, value);
        }
        for property in self.brokers.properties() {
            config.set(property.name(), property.value());
        }
        config.set("group.id", &self.group);
        // Where reading begins is decided here, so that what the brokers no longer have is told and not skipped.
        config.set("auto.offset.reset", "error");
        for (name, value, _) in FIXED {
            config.set(name, value);
        }
        config
    }
}

/// Properties that have options of their own.
const OPTIONS: [(&str, &str); 2] = [("auto.offset.reset", "start"), ("group.id", "group")];

fn validate(property: &Property) -> Result<(), KafkaOptionsError> {
    let name = || property.written().to_owned();
    if let Some((_, option)) = OPTIONS.iter().find(|(of_option, _)| *of_option == property.name()) {
        return Err(KafkaOptionsError::PropertyOfOption { name: name(), option });
    }
    let breaks =
        |expected, why| Err(KafkaOptionsError::PropertyBreaksGuarantee { name: name(), expected, why });
    match FIXED.iter().find(|(fixed, ..)| *fixed == property.name()) {
        Some((_, expected, why)) if property.value() != *expected => breaks(expected, why),
        None if property.name() == "statistics.interval.ms" && property.value().parse() == Ok(0_u32) => {
            breaks("a number above 0", "statistics tell that a broker is back, and how much is left to read")
        }
        _ => Ok(()),
    }
}
