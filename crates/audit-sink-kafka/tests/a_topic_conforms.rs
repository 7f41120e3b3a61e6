//! The conformance suite over every security protocol and mechanism.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod broker;

use audit_sink::testkit::conforms;
use audit_sink_kafka::{KafkaOptions, SaslMechanism};
use broker::{Topic, fresh_topic, run};

fn conforming(what: &str, options: impl FnOnce(&str) -> Option<KafkaOptions>) {
    let name = fresh_topic(what);
    if let Some(options) = options(&name) {
        conforms(&mut Topic { name, options }, &|send| run(send));
    }
}

#[test]
fn plaintext() {
    conforming("plaintext", broker::plaintext);
}

#[test]
fn plaintext_with_lz4() {
    conforming("lz4", |topic| Some(broker::plaintext(topic)?.property("compression.type", "lz4")));
}

#[test]
fn plaintext_with_a_queue_that_holds_no_batch() {
    conforming("queue", |topic| {
        Some(broker::plaintext(topic)?.property("queue.buffering.max.messages", "10"))
    });
}

#[test]
fn ssl_with_a_client_certificate() {
    conforming("ssl", |topic| {
        broker::client_certificate(broker::ssl(topic)?.ca_file(broker::variable("AUDIT_TEST_CA")?))
    });
}

#[test]
fn sasl_plaintext_with_plain() {
    conforming("plain", |topic| broker::sasl(broker::sasl_plaintext(topic)?, SaslMechanism::Plain));
}

#[test]
fn sasl_plaintext_with_scram_sha_256() {
    conforming("scram256", |topic| broker::sasl(broker::sasl_plaintext(topic)?, SaslMechanism::ScramSha256));
}

#[test]
fn sasl_plaintext_with_scram_sha_512() {
    conforming("scram512", |topic| broker::sasl(broker::sasl_plaintext(topic)?, SaslMechanism::ScramSha512));
}

#[test]
fn sasl_ssl_with_plain() {
    conforming("tls-plain", |topic| broker::sasl(broker::sasl_ssl(topic)?, SaslMechanism::Plain));
}

#[test]
fn sasl_ssl_with_scram_sha_256() {
    conforming("tls-scram256", |topic| broker::sasl(broker::sasl_ssl(topic)?, SaslMechanism::ScramSha256));
}

#[test]
fn sasl_ssl_with_scram_sha_512() {
    conforming("tls-scram512", |topic| broker::sasl(broker::sasl_ssl(topic)?, SaslMechanism::ScramSha512));
}
