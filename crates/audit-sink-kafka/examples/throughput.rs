//! How fast are records delivered, compared with Kafka's own `kafka-producer-perf-test`, on the same records?
//!
//! ```sh
//! AUDIT_TEST_KAFKA=127.0.0.1:9092 AUDIT_TEST_KAFKA_CLASSPATH='/opt/kafka/libs/*' \
//!     cargo run --release -p audit-sink-kafka --example throughput -- 500000 10000
//! ```
//! The arguments are how many records of 1 KB, how many to a batch, and properties of librdkafka (`name=value`). Batches are
//! sent one after the other, each acknowledged by all in-sync replicas before the next. The tool runs as it comes
//! (batch.size=16384), and once more with batches as big as ours; rounds alternate, and the last line is the ratio of medians.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement that is read on a terminal")]

use std::path::Path;
use std::process::Command;
use std::time::{Instant, SystemTime};

use audit_sink::{Batch, Record, Sink};
use audit_sink_kafka::{KafkaOptions, KafkaSink};

const ROUNDS: usize = 5;

fn main() {
    let servers = std::env::var("AUDIT_TEST_KAFKA").expect("AUDIT_TEST_KAFKA is host:port of a broker");
    let classpath = std::env::var("AUDIT_TEST_KAFKA_CLASSPATH").ok();
    let (properties, numbers): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.contains('='));
    let number = |index: usize, default| numbers.get(index).map_or(default, |text| text.parse().unwrap());
    let (count, batch_size) = (number(0, 500_000), number(1, 10_000));
    let codec = properties.iter().find_map(|p| p.strip_prefix("compression.type=")).unwrap_or("zstd");

    let lines: Vec<Vec<u8>> = (0..20_000).map(line).collect();
    let payloads = std::env::temp_dir().join(format!("audit-records-{}.ndjson", std::process::id()));
    std::fs::write(&payloads, lines.join(&b'\n')).unwrap();

    let mut rates = [const { Vec::new() }; 3];
    for round in 1..=ROUNDS {
        let ours = sink(&servers, &lines, count, batch_size, &properties);
        rates[0].push(ours);
        print!("round {round}: KafkaSink {ours:.0} records/s");
        if let Some(classpath) = &classpath {
            let as_it_comes = tool(classpath, &servers, &payloads, count, codec, "batch.size=16384");
            let big = tool(classpath, &servers, &payloads, count, codec, "batch.size=1000000");
            rates[1].push(as_it_comes);
            rates[2].push(big);
            print!(", perf-test {as_it_comes:.0}, with batch.size=1000000 {big:.0}");
        }
        println!();
    }
    let [ours, as_it_comes, big] = rates.map(median);
    println!("median: {ours:.0} records/s; ratio {:.2}, {:.2}", ours / as_it_comes, ours / big);
    std::fs::remove_file(payloads).unwrap();
}

fn sink(servers: &str, lines: &[Vec<u8>], count: usize, batch_size: usize, properties: &[String]) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut options = KafkaOptions::new([servers.to_owned()], topic("sink"));
    for property in properties {
        let (name, value) = property.split_once('=').unwrap();
        options = options.property(name, value);
    }
    let mut sink = KafkaSink::new(options).unwrap();
    let mut batches = (0..count).step_by(batch_size).map(|first| Batch {
        chain_id: "orders-eu-1".to_owned(),
        records: (first..(first + batch_size).min(count)).map(|n| record(n, lines)).collect(),
    });
    // Making the records is not what is measured.
    let batches: Vec<Batch> = batches.by_ref().collect();
    let begun = Instant::now();
    for batch in &batches {
        let receipt = runtime.block_on(Sink::send(&mut sink, batch)).unwrap();
        assert_eq!(receipt.rejected, []);
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    runtime.block_on(sink.close()).unwrap();
    rate
}

fn tool(classpath: &str, servers: &str, payloads: &Path, count: usize, codec: &str, batch: &str) -> f64 {
    let output = Command::new("java")
        .args(["-cp", classpath, "org.apache.kafka.tools.ProducerPerformance", "--throughput", "-1"])
        .args(["--topic", &topic("tool"), "--num-records", &count.to_string(), "--payload-file"])
        .arg(payloads)
        .arg("--producer-props")
        .args([&format!("bootstrap.servers={servers}"), "acks=all", "enable.idempotence=true", batch])
        .args([&format!("compression.type={codec}"), "compression.zstd.level=1"])
        .output()
        .expect("java runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let rate =
        last.split(", ").find_map(|part| part.split_once(" records/sec")).expect("the tool's summary").0;
    rate.parse().unwrap()
}

fn record(n: usize, lines: &[Vec<u8>]) -> Record {
    Record {
        sequence_number: n as u64 + 1,
        event_id: format!("evt_{:032x}", digits(n as u64)),
        event_type: "backup.completed".to_owned(),
        bytes: lines[n % lines.len()].clone(),
        ..Record::default()
    }
}

/// A sealed record of 1 KB, a third of which are digits that no codec can guess.
fn line(n: usize) -> Vec<u8> {
    let random: Vec<String> = (0..12).map(|i| format!("{:032x}", digits((n * 12 + i) as u64))).collect();
    let line = format!(
        concat!(
            r#"{{"event":{{"action":{{"operation":"create","result":"success"}},"actor":{{"authentication":"oidc","id":"user-{}","ip":"10.{}.{}.{}","#,
            r#""roles":["backup-operator","auditor"],"session":"{}","type":"user"}},"context":{{"environment":"production","host":"backup-{}","#,
            r#""request_id":"{}","region":"eu-central-1","user_agent":"kafka-backup/2.4.1 (linux; x86_64)"}},"details":{{"bytes":{},"#,
            r#""duration_ms":{},"manifest":"{}","segments":{},"topics":["orders","payments","shipments"]}},"event_id":"evt_{}","timestamp":"2026-01-17T12:{:02}:{:02}.{:03}Z","#,
            r#""type":"backup.completed","version":"1.0"}},"integrity":{{"chain_id":"orders-eu-1","key_id":"key-2026-01","#,
            r#""previous_signature":"sha256:{}{}","sequence_number":{},"signature":"sha256:{}{}"}}}}"#
        ),
        n % 400,
        n % 250,
        n % 241,
        n % 239,
        random[0],
        n % 12,
        random[1],
        digits(n as u64) % 100_000_000,
        digits(n as u64) % 100_000,
        random[7..].concat(),
        n % 512,
        random[2],
        n % 60,
        n % 59,
        n % 997,
        random[3],
        random[4],
        n,
        random[5],
        random[6],
    );
    line.into_bytes()
}

/// SplitMix64, so that each run has the same records.
fn digits(n: u64) -> u128 {
    let mix = |n: u64| {
        let z = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let seed = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (u128::from(mix(seed)) << 64) | u128::from(mix(!seed))
}

fn topic(of: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    format!("throughput-{of}-{}", now.as_nanos())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
}
