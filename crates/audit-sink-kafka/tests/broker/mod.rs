//! A broker to test against, and a client that shares no code with the sink to read back what arrived.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses a part, and a test that fails may panic"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use audit_sink::testkit::{Breakable, Place};
use audit_sink::{SendFuture, Sink, SinkError};
use audit_sink_kafka::{KafkaOptions, KafkaSink, SaslMechanism, SecurityProtocol};
use secrecy::SecretString;

/// What a test needs of the environment; without it the test says so and is skipped, except in CI.
pub fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{name} is not set");
        eprintln!("skipped: {name} is not set (cargo xtask test sets it)");
    }
    value
}

/// `PLAINTEXT` to a topic that nobody else uses.
pub fn plaintext(topic: &str) -> Option<KafkaOptions> {
    Some(KafkaOptions::new([variable("AUDIT_TEST_KAFKA")?], topic))
}

pub fn sasl(options: KafkaOptions, mechanism: SaslMechanism) -> Option<KafkaOptions> {
    let password = variable("AUDIT_TEST_KAFKA_PASSWORD")?;
    Some(options.sasl(mechanism, variable("AUDIT_TEST_KAFKA_USER")?, SecretString::from(password)))
}

pub fn sasl_plaintext(topic: &str) -> Option<KafkaOptions> {
    let server = variable("AUDIT_TEST_KAFKA_SASL_PLAINTEXT")?;
    Some(KafkaOptions::new([server], topic).security(SecurityProtocol::SaslPlaintext))
}

pub fn sasl_ssl(topic: &str) -> Option<KafkaOptions> {
    let server = variable("AUDIT_TEST_KAFKA_SASL_SSL")?;
    Some(
        KafkaOptions::new([server], topic)
            .security(SecurityProtocol::SaslSsl)
            .ca_file(variable("AUDIT_TEST_CA")?),
    )
}

/// The listener that asks for a client's certificate.
pub fn ssl(topic: &str) -> Option<KafkaOptions> {
    Some(KafkaOptions::new([variable("AUDIT_TEST_KAFKA_SSL")?], topic).security(SecurityProtocol::Ssl))
}

pub fn client_certificate(options: KafkaOptions) -> Option<KafkaOptions> {
    Some(options.client_certificate(variable("AUDIT_TEST_CLIENT_CERT")?, variable("AUDIT_TEST_CLIENT_KEY")?))
}

pub fn fresh_topic(what: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    format!("test-{what}-{}-{}", now.as_micros(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A fresh topic whose record batches may have so many bytes.
pub fn topic_that_takes(max_message_bytes: usize) -> Option<String> {
    topic_with(&[&format!("max.message.bytes={max_message_bytes}")])
}

/// A fresh topic with these configurations.
pub fn topic_with(configs: &[&str]) -> Option<String> {
    let name = fresh_topic("set-up");
    let mut arguments = vec!["--create", "--topic", &name, "--partitions", "3"];
    arguments.extend(configs.iter().flat_map(|config| ["--config", config]));
    kafka_tool("org.apache.kafka.tools.TopicCommand", &arguments)?;
    Some(name)
}

/// What Kafka's own command says is set for a topic: `name=value`, in the order of the names.
pub fn topic_configs(topic: &str) -> Vec<String> {
    let told = kafka_tool("kafka.admin.ConfigCommand", &["--describe", "--topic", topic])
        .expect("a broker is there");
    let mut configs: Vec<String> = told
        .lines()
        .filter_map(|line| line.trim().split_once(" sensitive="))
        .map(|(set, _)| set.to_owned())
        .collect();
    configs.sort();
    configs
}

/// What a command of Kafka's prints.
pub fn kafka_tool(class: &str, arguments: &[&str]) -> Option<String> {
    let (server, classpath) = (variable("AUDIT_TEST_KAFKA")?, variable("AUDIT_TEST_KAFKA_CLASSPATH")?);
    let output = Command::new("java")
        .args(["-cp", &classpath, class, "--bootstrap-server", &server])
        .args(arguments)
        .output()
        .expect("java runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("it prints text"))
}

/// Bytes that no codec makes smaller: a broker measures what is left after compression.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let byte = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Not the byte that separates messages where they are read back.
        2 + ((state >> 33) % 254) as u8
    };
    (0..length).map(byte).collect()
}

/// Runs a future on a current-thread runtime for so long at most, as who delivers does.
pub fn within<T>(limit: Duration, future: SendFuture<'_, T>) -> Result<T, SinkError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(limit, future)
            .await
            .unwrap_or_else(|_| Err(SinkError::retryable("no answer in time")))
    })
}

pub fn run<T>(future: SendFuture<'_, T>) -> Result<T, SinkError> {
    within(Duration::from_secs(10), future)
}

/// What kcat prints of a topic, message by message.
pub fn kcat(topic: &str, format: &str) -> Vec<Vec<u8>> {
    let server = variable("AUDIT_TEST_KAFKA").expect("whoever reads back has sent something there");
    let output = Command::new("kcat")
        .args(["-C", "-b", &server, "-t", topic, "-o", "beginning", "-e", "-q", "-X", "check.crcs=true"])
        // A JSON record has no such byte in it.
        .args(["-f", &format!("{format}\u{1}")])
        .output()
        .expect("kcat is installed (Debian: apt-get install kcat)");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || error.contains("Unknown topic"), "kcat: {error}");
    output.stdout.split_inclusive(|byte| *byte == 1).map(|line| line[..line.len() - 1].to_vec()).collect()
}

/// The bytes of a record batch that holds one record, counted by hand from
/// <https://kafka.apache.org/documentation/#recordbatch>, less the record's own, for a record of 1 MB with a number
/// of four digits as the conformance suite makes them.
const AROUND_A_CONFORMANCE_RECORD: usize = 61                   // the batch's header
    + 3                                                         // length of the record, to come: a varint
    + 1 + 1 + 1                                                 // attributes, timestamp and offset deltas
    + (1 + "conformance".len())                                 // key
    + 3                                                         // length of the value: a varint
    + 1                                                         // number of headers
    + (1 + "event_type".len()) + (1 + "test.conformance".len())
    + (1 + "event_id".len()) + (1 + "evt_1234".len())
    + (1 + "sequence_number".len()) + (1 + "1234".len());

/// The broker's default of `message.max.bytes`.
pub const MESSAGE_MAX_BYTES: usize = 1_048_588;

/// One topic.
pub struct Topic {
    pub name: String,
    pub options: KafkaOptions,
}

impl Place for Topic {
    fn open(&mut self) -> Box<dyn Sink> {
        Box::new(KafkaSink::new(self.options.clone()).expect("the options are good"))
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        kcat(&self.name, "%s")
    }

    fn largest_record(&self) -> usize {
        MESSAGE_MAX_BYTES - AROUND_A_CONFORMANCE_RECORD
    }

    fn rejects_larger(&self) -> bool {
        true
    }
}

impl Breakable for Topic {
    fn kill(&mut self) {
        services("kill");
    }

    fn start(&mut self) {
        services("up");
    }

    fn slow_down(&mut self, delay: Duration) {
        toxic(&format!(
            r#"{{"name":"slow","type":"latency","attributes":{{"latency":{}}}}}"#,
            delay.as_millis()
        ));
    }

    fn stall(&mut self) {
        toxic(r#"{"name":"stalled","type":"timeout","attributes":{"timeout":0}}"#);
    }

    fn restore(&mut self) {
        for name in ["slow", "stalled"] {
            http("DELETE", &format!("/proxies/kafka/toxics/{name}"), "");
        }
    }

    fn open_with_wrong_credentials(&mut self) -> Option<Box<dyn Sink>> {
        let user = variable("AUDIT_TEST_KAFKA_USER")?;
        let options = sasl_plaintext(&self.name)?.sasl(SaslMechanism::ScramSha512, user, "wrong".into());
        Some(Box::new(KafkaSink::new(options).expect("the options are good")))
    }
}

fn services(what: &str) {
    let xtask = variable("AUDIT_TEST_XTASK").expect("checked by the test");
    let status = Command::new(xtask).args(["services", what, "kafka"]).status().expect("xtask runs");
    assert!(status.success(), "xtask services {what} kafka: {status}");
}

fn toxic(body: &str) {
    let answer = http("POST", "/proxies/kafka/toxics", body);
    assert!(answer.starts_with("HTTP/1.1 200"), "toxiproxy: {answer}");
}

/// A request to toxiproxy.
fn http(method: &str, path: &str, body: &str) -> String {
    let url = variable("AUDIT_TEST_TOXIPROXY").expect("checked by the test");
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).expect("toxiproxy listens");
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
