//! What `KafkaSink::new` refuses, in words that name it. No broker is needed.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_sink_kafka::{Brokers, KafkaOptions, KafkaSink, SaslMechanism, SecurityProtocol};
use secrecy::SecretString;

fn options() -> KafkaOptions {
    KafkaOptions::new(["127.0.0.1:9092".to_owned()], "audit")
}

fn refusal(options: KafkaOptions) -> String {
    KafkaSink::new(options).expect_err("these options are refused").to_string()
}

#[test]
fn properties_that_break_a_guarantee() {
    for (name, value) in [
        ("enable.idempotence", "false"),
        ("enable.gapless.guarantee", "true"),
        ("acks", "1"),
        ("request.required.acks", "0"),
        ("message.timeout.ms", "0"),
        ("delivery.timeout.ms", "0"),
        ("delivery.report.only.error", "true"),
        ("partitioner", "random"),
        ("queuing.strategy", "lifo"),
        ("transactional.id", "t"),
        ("message.max.bytes", "lots"),
    ] {
        let text = refusal(options().property(name, value));
        assert!(text.contains(&format!("`{name}` must be ")), "{text}");
    }
    assert_eq!(
        refusal(options().property("acks", "1")),
        "librdkafka property `acks` must be all: a record that one broker has is lost with it"
    );
}

#[test]
fn properties_that_agree_with_the_guarantees() {
    for (name, value) in [
        ("enable.idempotence", "true"),
        ("enable.gapless.guarantee", "false"),
        ("acks", "all"),
        ("acks", "-1"),
        ("partitioner", "consistent"),
        ("debug", "eos"),
    ] {
        KafkaSink::new(options().property(name, value)).unwrap();
    }
}

#[test]
fn properties_that_have_options_of_their_own() {
    for name in
        ["bootstrap.servers", "metadata.broker.list", "sasl.password", "sasl.mechanisms", "ssl.ca.location"]
    {
        let text = refusal(options().property(name, "s3cret"));
        assert!(text.contains(name) && text.contains("use ") && !text.contains("s3cret"), "{text}");
    }
}

#[test]
fn properties_that_librdkafka_does_not_take() {
    let text = refusal(options().property("linger.mss", "5"));
    assert!(text.contains("linger.mss"), "{text}");
    let text = refusal(options().property("linger.ms", "soon"));
    assert!(text.contains("linger.ms"), "{text}");
    // Idempotence allows five.
    let text = refusal(options().property("max.in.flight", "6"));
    assert!(text.contains("max.in.flight"), "{text}");
    let text = refusal(options().property("ssl.keystore.password", "s3cret\0"));
    assert!(!text.contains("s3cret"), "{text}");
}

#[test]
fn addresses_and_topics() {
    let none: [String; 0] = [];
    assert!(
        refusal(KafkaOptions::new(none, "audit")).contains("bootstrap_servers (bootstrap.servers) is empty")
    );
    assert!(
        refusal(KafkaOptions::new(["kafka".to_owned()], "audit"))
            .contains("found `kafka`, expected host:port")
    );
    assert!(
        refusal(KafkaOptions::new(["a:1".to_owned()], "no such/topic")).contains("found `no such/topic`")
    );
}

#[test]
fn security_that_contradicts_itself() {
    let password = || SecretString::from("s3cret");
    let refused = |options: KafkaOptions, words: &str| {
        let text = refusal(options);
        assert!(text.contains(words), "{text}");
    };
    refused(
        options().ca_file("/ca.pem"),
        "ca_file (ssl.ca.location) has no effect with PLAINTEXT; did you mean SSL?",
    );
    refused(options().sasl(SaslMechanism::Plain, "u", password()), "did you mean SASL_PLAINTEXT?");
    refused(
        options().security(SecurityProtocol::SaslSsl),
        "SASL_SSL needs sasl (sasl.mechanism, sasl.username, sasl.password)",
    );
    refused(
        options().security(SecurityProtocol::Ssl).key_password(password()),
        "key_password (ssl.key.password) needs client_certificate (ssl.certificate.location, ssl.key.location)",
    );
    refused(
        options().security(SecurityProtocol::Ssl).ca_file("/no/such/ca.pem"),
        "cannot read ca_file (ssl.ca.location) /no/such/ca.pem",
    );
    let this = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    refused(options().security(SecurityProtocol::Ssl).ca_file(this), "ssl.ca.location");
}

#[test]
fn brokers_that_are_known_already() {
    let brokers = Brokers::new(["127.0.0.1:9092".to_owned()]).property("acks", "1");
    let said = refusal(KafkaOptions::of(brokers, "audit"));
    assert!(said.contains("`acks` must be all"), "{said}");
}

#[test]
fn names_of_protocols_and_mechanisms() {
    for protocol in ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] {
        assert_eq!(protocol.parse::<SecurityProtocol>().unwrap().as_str(), protocol);
    }
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        assert_eq!(mechanism.parse::<SaslMechanism>().unwrap().as_str(), mechanism);
    }
    assert_eq!(
        "SCRAM".parse::<SaslMechanism>().unwrap_err().to_string(),
        "SASL mechanism (sasl.mechanism): found `SCRAM`, expected one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"
    );
}

#[test]
fn secrets_are_not_shown() {
    let options = options()
        .security(SecurityProtocol::SaslPlaintext)
        .sasl(SaslMechanism::Plain, "audit", SecretString::from("s3cret"))
        .property("ssl.keystore.password", "s3cret");
    let shown = format!("{options:?} {:?}", KafkaSink::new(options.clone()).unwrap());
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("ssl.keystore.password") && shown.contains("audit"), "{shown}");
}
