//! Brokers to read from: the one that the tests share, and one of a test's own that it may kill.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "each test file uses a part, and a test that fails may panic"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use audit_source_kafka::{Brokers, KafkaSourceOptions};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};
use serde_json::Value;

/// What a test needs of the environment; without it the test says so and is skipped, except in CI.
pub fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{name} is not set");
        eprintln!("skipped: {name} is not set (cargo xtask test sets it)");
    }
    value
}

pub fn fresh(what: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    format!("test-{what}-{}-{}", now.as_micros(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A group of the topic's own; a member that is killed may come back at once, rather than after its session.
pub fn options(servers: &str, topic: &str) -> KafkaSourceOptions {
    let brokers = Brokers::new([servers.to_owned()])
        .property("group.instance.id", "one")
        .property("topic.metadata.refresh.interval.ms", "1000");
    KafkaSourceOptions::new(brokers, [topic.to_owned()], format!("group-of-{topic}"))
}

/// A broker of one's own: one node, two ports, killed as often as is wanted.
pub struct OwnBroker {
    directory: PathBuf,
    classpath: String,
    port: u16,
    process: Child,
}

impl OwnBroker {
    pub fn start(directory: &Path) -> Option<Self> {
        let classpath = variable("AUDIT_TEST_KAFKA_CLASSPATH")?;
        let (port, controller) = (free_port(), free_port());
        let configuration = format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             controller.listener.names=CONTROLLER\n\
             log.dirs={data}\n\
             log.index.size.max.bytes=1048576\n\
             offsets.topic.num.partitions=1\n\
             offsets.topic.replication.factor=1\n\
             transaction.state.log.num.partitions=1\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\n\
             broker.session.timeout.ms=4000\n\
             broker.heartbeat.interval.ms=500\n",
            data = directory.join("data").display(),
        );
        fs::write(directory.join("server.properties"), configuration).unwrap();
        let formatted = Command::new("java")
            .args(["-XX:TieredStopAtLevel=1", "-cp", &classpath, "kafka.tools.StorageTool", "format"])
            .args(["--cluster-id", "YXVkaXQtbG9nLXRlc3RzLg", "--config"])
            .arg(directory.join("server.properties"))
            .output()
            .expect("java runs");
        assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
        let process = run(directory, &classpath);
        let broker = Self { directory: directory.to_owned(), classpath, port, process };
        broker.wait();
        Some(broker)
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// As a crash would.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.process = run(&self.directory, &self.classpath);
        self.wait();
    }

    fn wait(&self) {
        let admin = admin(&self.address());
        while admin.inner().fetch_metadata(None, Duration::from_secs(1)).is_err() {
            std::thread::sleep(Duration::from_millis(200));
            let log = self.directory.join("log");
            assert!(
                TcpStream::connect(("127.0.0.1", self.port)).is_ok() || process_lives(self.process.id()),
                "the broker has ended; see {}",
                log.display()
            );
        }
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn process_lives(id: u32) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn run(directory: &Path, classpath: &str) -> Child {
    let log = File::options().append(true).create(true).open(directory.join("log")).unwrap();
    Command::new("java")
        .args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"])
        .args(["-cp", classpath, "kafka.Kafka"])
        .arg(directory.join("server.properties"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .expect("java runs")
}

/// Below the range that the system takes the client's end of a connection from.
fn free_port() -> u16 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let begin = u64::from(std::process::id()) * 7 + NEXT.fetch_add(1, Ordering::Relaxed) * 13;
    let ports = (0..10_000).map(|step| 20_000 + u16::try_from((begin + step) % 12_000).unwrap());
    ports.into_iter().find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a port is free")
}

fn client_config(servers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set_log_level(RDKafkaLogLevel::Emerg);
    config
}

pub fn admin(servers: &str) -> AdminClient<DefaultClientContext> {
    client_config(servers).create().unwrap()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn create_topic(servers: &str, topic: &str, partitions: i32, configs: &[(&str, &str)]) {
    let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    for (name, value) in configs {
        new = new.set(name, value);
    }
    let created = wait(admin(servers).create_topics([&new], &AdminOptions::new())).unwrap();
    for answer in created {
        if let Err((_, code)) = answer {
            assert_eq!(code, rdkafka::types::RDKafkaErrorCode::TopicAlreadyExists);
        }
    }
    while admin(servers).inner().fetch_watermarks(topic, partitions - 1, Duration::from_secs(1)).is_err() {
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn delete_topic(servers: &str, topic: &str) {
    let answers = wait(admin(servers).delete_topics(&[topic], &AdminOptions::new())).unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

/// Deletes what is before these offsets, as retention does.
pub fn delete_records(servers: &str, topic: &str, partition: i32, before: Offset) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, before).unwrap();
    let answer = wait(admin(servers).delete_records(&list, &AdminOptions::new())).unwrap();
    answer.elements().iter().for_each(|element| element.error().unwrap());
}

pub fn committed(servers: &str, group: &str, topic: &str, partitions: i32) -> Vec<Option<i64>> {
    use rdkafka::consumer::{BaseConsumer, Consumer as _};
    let consumer: BaseConsumer = client_config(servers).set("group.id", group).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_range(topic, 0, partitions - 1);
    let list = consumer.committed_offsets(list, Duration::from_secs(10)).unwrap();
    let offset = |offset| if let Offset::Offset(offset) = offset { Some(offset) } else { None };
    list.elements().iter().map(|element| offset(element.offset())).collect()
}

/// Tells which records brokers have acknowledged.
#[derive(Default)]
pub struct Acknowledged(Mutex<Vec<(i32, i64)>>, AtomicU64);

impl ClientContext for Acknowledged {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: rdkafka::error::KafkaError, _: &str) {}
}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = Arc<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, _: Arc<u64>) {
        match result {
            Ok(message) => self.0.lock().unwrap().push((message.partition(), message.offset())),
            Err((error, _)) => panic!("a producer that tries for ever gave up: {error}"),
        }
    }
}

/// A producer that tries for ever, and puts nothing twice into a topic.
pub struct Producer(ThreadedProducer<Acknowledged>);

impl Producer {
    pub fn new(servers: &str) -> Self {
        let mut config = client_config(servers);
        config
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", "0")
            .set("queue.buffering.max.messages", "1000000")
            .set("reconnect.backoff.max.ms", "500")
            .set("linger.ms", "5");
        Self(config.create_with_context(Acknowledged::default()).unwrap())
    }

    pub fn send(&self, topic: &str, partition: Option<i32>, key: Option<&str>, payload: Option<&[u8]>) {
        let mut record: BaseRecord<'_, str, [u8], Arc<u64>> = BaseRecord::with_opaque_to(topic, Arc::new(0));
        record.partition = partition;
        record.key = key;
        record.payload = payload;
        while let Err((_, again)) = self.0.send(record) {
            record = again;
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A native event with this number.
    pub fn number(&self, topic: &str, number: u64) {
        let text = format!(
            r#"{{"event_type":"backup.completed","actor":{{"id":"alice","type":"user"}},"details":{{"number":{number},"text":"naïve 漢字 🦀"}}}}"#
        );
        self.send(topic, None, Some(&number.to_string()), Some(text.as_bytes()));
    }

    /// Waits until brokers have acknowledged all: how many, and where.
    pub fn acknowledged(&self) -> Vec<(i32, i64)> {
        while self.0.in_flight_count() > 0 {
            let _ = self.0.flush(Duration::from_secs(1));
        }
        self.0.context().0.lock().unwrap().clone()
    }
}

/// The events of a log, line by line.
pub fn events(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).unwrap_or_default();
    // The last line may be on its way.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let events = whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.map(|mut line| if line["event"].is_object() { line["event"].take() } else { line }).collect()
}

/// By the number in the details: the ids of the events that have it.
pub fn ids_by_number(log: &Path) -> BTreeMap<u64, Vec<String>> {
    let mut found: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for event in events(log) {
        if let Some(number) = event["details"]["number"].as_u64() {
            found.entry(number).or_default().push(event["event_id"].as_str().unwrap().to_owned());
        }
    }
    found
}

/// Waits until it is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let mut waits: u32 = 0;
    while !is_so() {
        std::thread::sleep(Duration::from_millis(50));
        waits += 1;
        if waits.is_multiple_of(200) {
            eprintln!("still waiting until {what}");
        }
    }
}
