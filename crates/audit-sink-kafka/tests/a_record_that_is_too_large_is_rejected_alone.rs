//! Which sizes the broker itself takes, and that a neighbour of a record that it does not take arrives.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod broker;

use audit_sink::testkit::batch;
use audit_sink::{Batch, Record, Sink};
use audit_sink_kafka::KafkaSink;
use broker::{MESSAGE_MAX_BYTES, fresh_topic, kcat, noise, plaintext, run, topic_that_takes};

fn one(bytes: Vec<u8>) -> Batch {
    Batch { chain_id: "c".into(), records: vec![record(1, bytes)] }
}

fn record(sequence_number: u64, bytes: Vec<u8>) -> Record {
    let event_id = format!("evt_{sequence_number}");
    Record { sequence_number, event_id, event_type: "a.b".into(), bytes, ..Record::default() }
}

/// 61 bytes of header; 3 of the record's length; 3 of attributes and deltas; key 1 + 1; 3 of the value's length; 1 of the
/// headers' number; `event_type` 11 + 4, `event_id` 9 + 6, `sequence_number` 16 + 2.
const AROUND: usize = 61 + 3 + 3 + 2 + 3 + 1 + 15 + 15 + 18;

#[test]
fn the_sink_and_the_broker_draw_the_same_line() {
    let name = fresh_topic("size");
    let Some(options) = plaintext(&name) else { return };
    let largest = noise(MESSAGE_MAX_BYTES - AROUND);
    let too_large = noise(MESSAGE_MAX_BYTES - AROUND + 1);

    let mut sink = KafkaSink::new(options.clone()).unwrap();
    assert_eq!(run(sink.send(&one(largest.clone()))).unwrap().rejected, []);
    let by_sink = run(sink.send(&one(too_large.clone()))).unwrap().rejected;
    assert!(by_sink[0].reason.contains("1048589 bytes as a Kafka record batch"), "{by_sink:?}");

    // One that believes the topic to take more asks the broker.
    let mut believer = KafkaSink::new(options.property("message.max.bytes", "2000000")).unwrap();
    assert_eq!(run(believer.send(&one(largest.clone()))).unwrap().rejected, []);
    let by_broker = run(believer.send(&one(too_large))).unwrap().rejected;
    assert!(by_broker[0].reason.contains("the broker answered MESSAGE_TOO_LARGE (10)"), "{by_broker:?}");

    assert!(kcat(&name, "%s") == [largest.clone(), largest], "what was accepted is there, and nothing else");
}

#[test]
fn exactly_those_that_the_topic_does_not_take() {
    let Some(name) = topic_that_takes(20_000) else { return };
    let too_large = [3, 4, 500, 998, 999];
    let lines: Vec<Vec<u8>> =
        (0..1000).map(|n| noise(if too_large.contains(&n) { 20_000 } else { 100 + n })).collect();
    // The sink is not told of the topic's limit, and packs as much as the broker's default allows.
    let mut sink = KafkaSink::new(plaintext(&name).unwrap()).unwrap();
    let batch = batch(1, &lines);
    let rejected = run(sink.send(&batch)).unwrap().rejected;
    let rejected: Vec<usize> =
        rejected.iter().map(|rejection| rejection.sequence_number as usize - 1).collect();
    assert_eq!(rejected, too_large);

    let arrived = kcat(&name, "%s");
    let mut rest = arrived.iter();
    for (n, line) in lines.iter().enumerate().filter(|(n, _)| !too_large.contains(n)) {
        assert!(rest.any(|found| found == line), "record {n} is lost or out of order");
    }
    assert_eq!(run(sink.send(&self::one(b"{}".to_vec()))).unwrap().rejected, [], "the sink goes on");
}
