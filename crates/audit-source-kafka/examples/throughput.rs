//! How fast do records get from a topic into the log, durably, compared with a plain consumer of librdkafka's that only counts them?
//!
//! ```sh
//! AUDIT_TEST_KAFKA=127.0.0.1:9092 cargo run --release -p audit-source-kafka --example throughput -- 300000
//! ```
//! The argument is how many records, of about 1 KB. Rounds alternate, each with a group of its own, and the last line is the ratio of
//! medians. A third way reads the events and throws them away: what reading them costs is not the source's.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement that is read on a terminal")]

use std::time::{Duration, Instant, SystemTime};

use audit_model::{Event, Timestamp};
use audit_pipeline::Pipeline;
use audit_source::{CancellationToken, Intake, Source as _};
use audit_source_kafka::{Brokers, KafkaSource, KafkaSourceOptions};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Message as _};

const ROUNDS: usize = 3;

fn main() {
    let servers = std::env::var("AUDIT_TEST_KAFKA").expect("AUDIT_TEST_KAFKA is host:port of a broker");
    let count: u64 = std::env::args().nth(1).map_or(300_000, |text| text.parse().unwrap());
    let topic = fresh();
    fill(&servers, &topic, count);
    let mut rates = [const { Vec::new() }; 3];
    for round in 1..=ROUNDS {
        let counted = plain(&servers, &topic, count, |_| ());
        let parsed = plain(&servers, &topic, count, |text| {
            std::hint::black_box(Event::from_json(text, Timestamp::now()).unwrap());
        });
        let recorded = source(&servers, &topic, count);
        println!(
            "round {round}: counted {counted:.0}, counted and parsed {parsed:.0}, recorded {recorded:.0} records/s"
        );
        for (rates, rate) in rates.iter_mut().zip([counted, parsed, recorded]) {
            rates.push(rate);
        }
    }
    let [counted, parsed, recorded] = rates.map(median);
    println!(
        "median: {recorded:.0} records/s; {:.2} of one that counts, {:.2} of one that parses",
        recorded / counted,
        recorded / parsed
    );
}

fn fresh() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    format!("throughput-{}", now.as_micros())
}

fn fill(servers: &str, topic: &str, count: u64) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("compression.type", "zstd")
        .set("linger.ms", "20")
        .create()
        .unwrap();
    for number in 0..count {
        let filler = "naïve 漢字 ".repeat(45);
        let text = format!(
            r#"{{"event_type":"backup.completed","event_id":"evt_{number:032x}","timestamp":"2026-01-01T00:00:00.000Z","actor":{{"id":"alice@company.com","type":"user"}},"action":{{"operation":"backup","result":"success"}},"details":{{"number":{number},"text":"{filler}"}}}}"#
        );
        while producer.send(BaseRecord::<(), str>::to(topic).payload(&text)).is_err() {
            producer.poll(Duration::from_millis(10));
        }
    }
    producer.flush(Duration::from_secs(120)).unwrap();
}

fn plain(servers: &str, topic: &str, count: u64, each: impl Fn(&[u8])) -> f64 {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("group.id", fresh())
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let mut begun = None;
    let mut left = count;
    while left > 0 {
        let Some(Ok(message)) = consumer.poll(Duration::from_secs(1)) else { continue };
        begun.get_or_insert_with(Instant::now);
        each(message.payload().unwrap());
        left -= 1;
    }
    count as f64 / begun.unwrap().elapsed().as_secs_f64()
}

fn source(servers: &str, topic: &str, count: u64) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let log = Pipeline::options(directory.path().join("audit.log")).chain().start().unwrap();
    let intake = Intake::new(log.clone(), "kafka");
    let options = KafkaSourceOptions::new(Brokers::new([servers.to_owned()]), [topic.to_owned()], fresh());
    let source = Box::new(KafkaSource::new(options).unwrap());
    let stop = CancellationToken::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let running = runtime.spawn(source.run(intake.clone(), stop.clone()));
    let mut begun = None;
    while intake.status().recorded < count {
        if intake.status().recorded > 0 {
            begun.get_or_insert_with(Instant::now);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let rate = count as f64 / begun.unwrap().elapsed().as_secs_f64();
    stop.cancel();
    runtime.block_on(running).unwrap().unwrap();
    let _summary = log.close().unwrap();
    rate
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
