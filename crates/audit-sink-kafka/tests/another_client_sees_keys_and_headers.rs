//! Read back with kcat: one partition per chain, the key, the headers, and the time of delivery.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod broker;

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use audit_sink::{Batch, Record, Sink};
use audit_sink_kafka::KafkaSink;
use broker::{fresh_topic, kcat, plaintext, run};

fn chain(chain_id: &str) -> Batch {
    let record = |n: u64| Record {
        sequence_number: n,
        // Long ago: Kafka would delete it at once if its retention counted from here.
        timestamp_ms: 86_400_000,
        event_id: format!("evt_{chain_id}_{n}"),
        event_type: "backup.completed".to_owned(),
        bytes: format!("{{\"n\":{n}}}").into_bytes(),
        ..Record::default()
    };
    Batch { chain_id: chain_id.to_owned(), records: (1..=200).map(record).collect() }
}

#[test]
fn by_chain() {
    let name = fresh_topic("keys");
    let Some(options) = plaintext(&name) else { return };
    let mut sink = KafkaSink::new(options).unwrap();
    // The empty one is a key too, and not one to be scattered.
    let chains = ["orders", "payments", "", "naïve"];
    for chain_id in chains {
        assert_eq!(run(sink.send(&chain(chain_id))).unwrap().rejected, []);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();

    let text = |line: Vec<u8>| String::from_utf8(line).unwrap();
    let messages: Vec<String> = kcat(&name, "%p|%k|%h|%s|%T").into_iter().map(text).collect();
    assert_eq!(messages.len(), 800);
    for chain_id in chains {
        let of_chain = |message: &&String| message.split('|').nth(1) == Some(chain_id);
        let messages: Vec<&String> = messages.iter().filter(of_chain).collect();
        let partitions: HashSet<&str> =
            messages.iter().filter_map(|message| message.split('|').next()).collect();
        assert_eq!(partitions.len(), 1, "chain `{chain_id}` is in one partition");
        for (n, message) in (1..=200).zip(&messages) {
            let parts: Vec<&str> = message.split('|').collect();
            let headers =
                format!("event_type=backup.completed,event_id=evt_{chain_id}_{n},sequence_number={n}");
            assert_eq!(parts[2..4], [headers, format!("{{\"n\":{n}}}")]);
            assert!(now.abs_diff(parts[4].parse().unwrap()) < 60_000, "{message}");
        }
        assert_eq!(messages.len(), 200);
    }
}
