//! Wrong credentials, certificates, addresses and topics: the error says what, and when it is mended records arrive.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod broker;

use std::time::{Duration, Instant};

use audit_sink::testkit::batch;
use audit_sink::{Batch, Sink, SinkError};
use audit_sink_kafka::{KafkaOptions, KafkaSink, SaslMechanism};
use broker::{client_certificate, fresh_topic, kcat, run, sasl_plaintext, sasl_ssl, ssl, variable, within};
use secrecy::SecretString;

const PATIENCE: Duration = Duration::from_secs(20);

fn records() -> Batch {
    batch(1, &[br#"{"n":1}"#.to_vec(), br#"{"n":2}"#.to_vec()])
}

/// What `send` and `check` say, both of them long before a record times out.
fn complaints(options: KafkaOptions) -> [String; 2] {
    let mut sink = KafkaSink::new(options).unwrap();
    let begun = Instant::now();
    let send = within(PATIENCE, sink.send(&records())).unwrap_err();
    let check = within(PATIENCE, sink.check()).unwrap_err();
    assert!(begun.elapsed() < PATIENCE, "too late: {:?}", begun.elapsed());
    [send, check].map(|error| {
        assert!(matches!(error, SinkError::Retryable { .. }), "{error}");
        error.to_string()
    })
}

fn assert_arrives(topic: &str, options: KafkaOptions) {
    let mut sink = KafkaSink::new(options).unwrap();
    assert_eq!(run(sink.send(&records())).unwrap().rejected, []);
    run(sink.check()).unwrap();
    let lines: Vec<Vec<u8>> = records().records.into_iter().map(|record| record.bytes).collect();
    assert_eq!(kcat(topic, "%s"), lines);
}

#[test]
fn nobody_listens() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for complaint in complaints(KafkaOptions::new([format!("127.0.0.1:{port}")], "audit")) {
        assert!(complaint.contains("Connection refused"), "{complaint}");
        assert!(complaint.contains(&format!("127.0.0.1:{port}")), "{complaint}");
        assert!(complaint.contains("topic audit"), "{complaint}");
    }
}

#[test]
fn no_such_host() {
    for complaint in complaints(KafkaOptions::new(["kafka.invalid:9092".to_owned()], "audit")) {
        assert!(complaint.contains("Failed to resolve 'kafka.invalid:9092'"), "{complaint}");
    }
}

#[test]
fn whoever_listens_does_not_answer() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let options = KafkaOptions::new([listener.local_addr().unwrap().to_string()], "audit");
    let complaint = |options: KafkaOptions, limit| {
        let mut sink = KafkaSink::new(options).unwrap();
        let error = within(limit, sink.send(&records())).unwrap_err();
        assert!(matches!(error, SinkError::Retryable { .. }), "{error}");
        error.to_string().to_lowercase()
    };
    // Who delivers waits for 30 s unless told otherwise.
    for (options, limit) in [(options.clone(), 30), (options.timeout(Duration::from_secs(8)), 8)] {
        let complaint = complaint(options, Duration::from_secs(limit));
        assert!(complaint.contains("timed out"), "{complaint}");
        assert!(
            complaint.contains("are the brokers up, and is the security protocol theirs?"),
            "{complaint}"
        );
    }
}

#[test]
fn wrong_password() {
    let names = [fresh_topic("password"), fresh_topic("password")];
    let [Some(plaintext), Some(tls)] = [sasl_plaintext(&names[0]), sasl_ssl(&names[1])] else { return };
    let (Some(user), Some(right)) =
        (variable("AUDIT_TEST_KAFKA_USER"), variable("AUDIT_TEST_KAFKA_PASSWORD"))
    else {
        return;
    };
    for mechanism in [SaslMechanism::Plain, SaslMechanism::ScramSha256, SaslMechanism::ScramSha512] {
        for options in [&plaintext, &tls] {
            let options = options.clone().sasl(mechanism, &user, SecretString::from("wr0ng-word"));
            for complaint in complaints(options) {
                assert!(complaint.contains("SASL authentication error"), "{complaint}");
                assert!(
                    complaint.contains("are user name, password and mechanism right (sasl.username, "),
                    "{complaint}"
                );
                assert!(!complaint.contains("wr0ng-word"), "{complaint}");
            }
        }
    }
    let right = SecretString::from(right);
    assert_arrives(&names[0], plaintext.sasl(SaslMechanism::ScramSha512, &user, right.clone()));
    assert_arrives(&names[1], tls.sasl(SaslMechanism::ScramSha256, &user, right));
}

#[test]
fn an_authority_that_did_not_sign() {
    let name = fresh_topic("ca");
    let (Some(options), Some(other), Some(ca)) =
        (ssl(&name).and_then(client_certificate), variable("AUDIT_TEST_OTHER_CA"), variable("AUDIT_TEST_CA"))
    else {
        return;
    };
    for complaint in complaints(options.clone().ca_file(other)) {
        assert!(complaint.contains("certificate verify failed"), "{complaint}");
        assert!(complaint.contains("ca_file (ssl.ca.location)"), "{complaint}");
    }
    assert_arrives(&name, options.ca_file(ca));
}

#[test]
fn no_client_certificate() {
    let name = fresh_topic("mtls");
    let (Some(options), Some(ca)) = (ssl(&name), variable("AUDIT_TEST_CA")) else { return };
    let options = options.ca_file(ca);
    for complaint in complaints(options.clone()) {
        assert!(complaint.contains("client_certificate (ssl.certificate.location"), "{complaint}");
    }
    assert_arrives(&name, client_certificate(options).unwrap());
}

#[test]
fn tls_where_there_is_none() {
    let Some(server) = variable("AUDIT_TEST_KAFKA") else { return };
    let options = KafkaOptions::new([server], "audit").security(audit_sink_kafka::SecurityProtocol::Ssl);
    for complaint in complaints(options) {
        assert!(complaint.to_lowercase().contains("ssl"), "{complaint}");
    }
}

#[test]
fn no_tls_where_there_is_some() {
    let Some(server) = variable("AUDIT_TEST_KAFKA_SSL") else { return };
    for complaint in complaints(KafkaOptions::new([server], "audit")) {
        assert!(complaint.contains("security protocol"), "{complaint}");
    }
}

#[test]
fn no_such_topic() {
    let name = fresh_topic("missing");
    let Some(options) = broker::plaintext(&name) else { return };
    let options = options.property("allow.auto.create.topics", "false");
    for complaint in complaints(options) {
        assert!(complaint.contains("create"), "{complaint}");
    }
    assert_eq!(kcat(&name, "%s"), Vec::<Vec<u8>>::new(), "and nobody created it");
}
