use std::time::Duration;

use audit_kafka::{KafkaOptionsError, Property};
use rdkafka::ClientConfig;

/// The broker's default of `message.max.bytes`: what one record batch may have, its header included.
const DEFAULT_MAX_MESSAGE_BYTES: usize = 1_048_588;

/// What librdkafka counts for a record's framing, which is more than there is: its limit must not be reached before ours.
const FRAMING_SLACK: usize = 1024;

/// What is set unless a property says otherwise, and why it is not librdkafka's default.
const DEFAULTS: [(&str, &str); 5] = [
    ("client.id", "audit-log"),
    // Records shrink to a quarter (lz4: to less than a half), and faster than at zstd's own default level, 3.
    ("compression.type", "zstd"),
    ("compression.level", "1"),
    // All of a batch is handed over at once: there is nobody to wait for.
    ("linger.ms", "0.5"),
    // As Java's producers do it, so that all of them send a chain's records to the same partition. A key of no
    // bytes has its partition too, where `consistent_random` would scatter it.
    ("partitioner", "murmur2_random"),
];

/// What is wrong is to be told before the records time out: a name server or a firewall that does not answer, a topic
/// that does not exist.
const TOLD_EARLIER: [&str; 2] = ["socket.connection.setup.timeout.ms", "topic.metadata.propagation.max.ms"];

pub(crate) fn validate(property: &Property) -> Result<(), KafkaOptionsError> {
    let value = property.value();
    let (kept, expected, why) = match property.name() {
        "acks" => (matches!(value, "all" | "-1"), "all", "a record that one broker has is lost with it"),
        "delivery.report.only.error" => {
            (value == "false", "false", "the sink waits for the report of every record")
        }
        "enable.gapless.guarantee" => (
            value == "false",
            "false",
            "with it a single record that brokers refuse stops the producer for good",
        ),
        "enable.idempotence" => {
            (value == "true", "true", "without it a retry inside librdkafka repeats and reorders records")
        }
        "message.max.bytes" => (
            value.parse().is_ok_and(|bytes| (1000..=1_000_000_000_u32).contains(&bytes)),
            "a number from 1000 to 1000000000",
            "it is the size from which on records are rejected",
        ),
        "message.timeout.ms" => (
            value.parse().is_ok_and(|ms: u32| ms > 0),
            "a number above 0",
            "without an end to the wait nobody hears that nothing arrives",
        ),
        "partitioner" => {
            (value != "random", "one that goes by the key", "a chain is in order in one partition only")
        }
        "queuing.strategy" => (value == "fifo", "fifo", "records are sent in the order of their chain"),
        "transactional.id" => (false, "left out", "the sink begins no transactions"),
        _ => return Ok(()),
    };
    if kept {
        return Ok(());
    }
    Err(KafkaOptionsError::PropertyBreaksGuarantee { name: property.written().to_owned(), expected, why })
}

/// Sets our defaults, then what the properties say, then what is not to be argued about.
///
/// `timeout` is what the whole send may take.
pub(crate) fn apply(properties: &[Property], timeout: Duration, config: &mut ClientConfig) {
    for (name, value) in DEFAULTS {
        config.set(name, value);
    }
    let message_timeout = message_timeout_ms(properties, timeout);
    config.set("message.timeout.ms", message_timeout.to_string());
    for name in TOLD_EARLIER {
        config.set(name, (message_timeout / 2).clamp(1000, 10_000).to_string());
    }
    if properties.iter().any(|property| property.name() == "compression.type") {
        config.remove("compression.level");
    }
    for property in properties {
        config.set(property.name(), property.value());
    }
    let limit = max_message_bytes(properties);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("message.max.bytes", (limit + FRAMING_SLACK).min(1_000_000_000).to_string());
    // What librdkafka gathers into one record batch has to fit as well.
    let batch_size = config.get("batch.size").and_then(|size| size.parse().ok()).unwrap_or(1_000_000);
    config.set("batch.size", limit.min(batch_size).to_string());
}

/// Less than the whole, so that it is librdkafka who says what it waited for.
fn message_timeout_ms(properties: &[Property], timeout: Duration) -> u32 {
    let set = properties.iter().rev().find(|property| property.name() == "message.timeout.ms");
    let set = set.and_then(|property| property.value().parse().ok());
    let most = i32::MAX.unsigned_abs();
    set.unwrap_or_else(|| u32::try_from(timeout.as_millis() * 4 / 5).unwrap_or(most).clamp(1, most))
}

pub(crate) fn max_message_bytes(properties: &[Property]) -> usize {
    let set = properties.iter().rev().find(|property| property.name() == "message.max.bytes");
    set.and_then(|property| property.value().parse().ok()).unwrap_or(DEFAULT_MAX_MESSAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rdkafka::ClientConfig;

    use super::{Property, apply, max_message_bytes};

    fn applied(properties: &[(&str, &str)]) -> ClientConfig {
        applied_within(Duration::from_secs(25), properties)
    }

    fn applied_within(timeout: Duration, properties: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        apply(&owned(properties), timeout, &mut config);
        config
    }

    fn owned(properties: &[(&str, &str)]) -> Vec<Property> {
        let owned = |(name, value): &(&str, &str)| Property::new(*name, *value);
        properties.iter().map(owned).collect()
    }

    #[test]
    fn an_alias_takes_the_place_of_our_default() {
        let config = applied(&[("queue.buffering.max.ms", "20"), ("compression.codec", "gzip")]);
        assert_eq!(config.get("linger.ms"), Some("20"));
        assert_eq!(config.get("queue.buffering.max.ms"), None);
        assert_eq!(config.get("compression.type"), Some("gzip"));
        assert_eq!(config.get("compression.level"), None, "the level was zstd's");
    }

    #[test]
    fn the_guarantees_are_always_set() {
        let config = applied(&[]);
        assert_eq!((config.get("acks"), config.get("enable.idempotence")), (Some("all"), Some("true")));
    }

    #[test]
    fn librdkafka_gives_up_before_the_whole_time_is_over() {
        let times = |seconds, properties: &[(&str, &str)]| {
            let config = applied_within(Duration::from_secs(seconds), properties);
            ["message.timeout.ms", "topic.metadata.propagation.max.ms"]
                .map(|name| config.get(name).map(str::to_owned).unwrap_or_default())
        };
        assert_eq!(times(25, &[]), ["20000", "10000"]);
        assert_eq!(times(10, &[]), ["8000", "4000"]);
        assert_eq!(times(25, &[("delivery.timeout.ms", "60000")]), ["60000", "10000"]);
        assert_eq!(times(25, &[("topic.metadata.propagation.max.ms", "5")]), ["20000", "5"]);
        assert_eq!(times(u64::MAX / 1000, &[]), ["2147483647", "10000"]);
    }

    #[test]
    fn what_is_gathered_fits_a_smaller_topic() {
        let limit = ("message.max.bytes", "50000");
        assert_eq!(max_message_bytes(&owned(&[limit])), 50_000);
        assert_eq!(applied(&[limit]).get("batch.size"), Some("50000"));
        assert_eq!(applied(&[limit, ("batch.size", "10000")]).get("batch.size"), Some("10000"));
        assert_eq!(max_message_bytes(&[]), 1_048_588);
        assert_eq!(applied(&[]).get("batch.size"), Some("1000000"));
    }
}
