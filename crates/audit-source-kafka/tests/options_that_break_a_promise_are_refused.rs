//! What can be seen to be wrong without a broker is told when the source is made.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_source_kafka::{Brokers, KafkaSource, KafkaSourceOptions, SecurityProtocol};

fn brokers() -> Brokers {
    Brokers::new(["kafka:9092".to_owned()])
}

fn refusal(brokers: Brokers) -> String {
    let options = KafkaSourceOptions::new(brokers, ["audit".to_owned()], "audit-log");
    KafkaSource::new(options).unwrap_err().to_string()
}

#[test]
fn properties() {
    for (name, value, words) in [
        ("enable.auto.commit", "true", "must be false: an offset is committed when its record is durable"),
        ("enable.auto.offset.store", "true", "must be false"),
        ("isolation.level", "read_uncommitted", "must be read_committed"),
        ("statistics.interval.ms", "0", "must be a number above 0"),
        ("auto.offset.reset", "latest", "use start"),
        ("group.id", "x", "use group"),
        ("bootstrap.servers", "x:1", "use bootstrap_servers"),
        ("no.such.property", "1", "no.such.property"),
        ("session.timeout.ms", "soon", "session.timeout.ms"),
    ] {
        let refusal = refusal(brokers().property(name, value));
        assert!(refusal.contains(words), "{refusal}");
    }
}

#[test]
fn topics_and_groups() {
    let said = |topics: &[&str], group: &str| {
        let topics = topics.iter().map(|topic| (*topic).to_owned());
        KafkaSource::new(KafkaSourceOptions::new(brokers(), topics, group)).unwrap_err().to_string()
    };
    assert_eq!(said(&[], "g"), "topic: expected at least one");
    assert!(said(&["a", "^audit.*"], "g").starts_with("topic: found `^audit.*`, expected 1 to 249"));
    assert!(said(&["a"], "").starts_with("group (group.id): found nothing"));
}

#[test]
fn security() {
    let refusal = refusal(brokers().security(SecurityProtocol::Ssl).ca_file("/no/such/ca.pem"));
    assert!(refusal.contains("cannot read ca_file (ssl.ca.location) /no/such/ca.pem"), "{refusal}");
}

#[test]
fn good_ones_are_taken_and_secrets_are_not_shown() {
    let brokers = brokers()
        .security(SecurityProtocol::SaslPlaintext)
        .sasl(audit_source_kafka::SaslMechanism::Plain, "audit", "s3cret".into())
        .property("group.instance.id", "node-7");
    let options = KafkaSourceOptions::new(brokers, ["a".to_owned(), "_redpanda.audit_log".to_owned()], "g");
    let shown = format!("{:?}", KafkaSource::new(options).unwrap());
    assert!(!shown.contains("s3cret") && shown.contains("_redpanda.audit_log"), "{shown}");
}
