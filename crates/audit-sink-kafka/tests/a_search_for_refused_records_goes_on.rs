//! A topic that takes next to nothing of a batch, and attempts that are too short for the whole search: the next
//! attempt goes on, whether the sink stopped or its caller, and in the end the brokers have decided of each record.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod broker;

use std::time::{Duration, Instant};

use audit_sink::testkit::batch;
use audit_sink::{Batch, Sink, SinkError};
use audit_sink_kafka::KafkaSink;
use broker::{kcat, noise, plaintext, topic_that_takes, within};

const PATIENCE: Duration = Duration::from_secs(120);

/// One in seven fits into 250 bytes with what is around it.
fn fits(index: usize) -> bool {
    index % 7 == 3
}

fn mixed(count: usize) -> Batch {
    let line = |n| [format!("{n}:").into_bytes(), noise(if fits(n) { 40 } else { 300 })].concat();
    batch(1, &(0..count).map(line).collect::<Vec<_>>())
}

/// Sends until it is accepted; what the failed attempts said. Each may take a tenth longer than the one before: on a busy
/// machine the first may be too short for anything.
fn attempts(sink: &mut KafkaSink, batch: &Batch, limit: Duration) -> Vec<String> {
    let mut limit = limit;
    let begun = Instant::now();
    let mut failed = Vec::new();
    loop {
        match within(limit, sink.send(batch)) {
            Ok(receipt) => {
                let number = |index: usize| batch.records[index].sequence_number;
                let rejected: Vec<u64> = receipt.rejected.iter().map(|it| it.sequence_number).collect();
                let expected: Vec<u64> =
                    (0..batch.records.len()).filter(|index| !fits(*index)).map(number).collect();
                assert_eq!(rejected, expected);
                for rejection in receipt.rejected {
                    assert!(rejection.reason.contains("MESSAGE_TOO_LARGE (10)"), "{rejection:?}");
                }
                return failed;
            }
            Err(SinkError::Retryable { source, .. }) => failed.push(source.to_string()),
            Err(other) => panic!("{other}"),
        }
        limit += limit / 10;
        assert!(begun.elapsed() < PATIENCE, "no end after {} attempts: {:?}", failed.len(), failed.last());
    }
}

/// What fits, in its order and fewer than `times` times. A part of the batch that is given up or refused for one
/// record in it may be repeated, while parts that were accepted are not.
fn assert_arrived(topic: &str, batch: &Batch, times: usize) {
    let fitting = batch.records.iter().enumerate().filter(|(index, _)| fits(*index));
    let fitting: Vec<&Vec<u8>> = fitting.map(|(_, record)| &record.bytes).collect();
    let arrived = kcat(topic, "%s");
    let mut rest = arrived.iter();
    for (n, line) in fitting.iter().enumerate() {
        assert!(rest.any(|found| found == *line), "record {n} of those that fit is lost or out of order");
    }
    assert!(arrived.len() < times * fitting.len(), "{} of {} arrived", arrived.len(), fitting.len());
}

#[test]
fn when_the_sink_stops() {
    let Some(name) = topic_that_takes(250) else { return };
    let batch = mixed(3000);
    let mut sink = KafkaSink::new(plaintext(&name).unwrap().timeout(Duration::from_secs(1))).unwrap();
    let failed = attempts(&mut sink, &batch, PATIENCE);
    let told: Vec<&String> = failed.iter().filter(|why| why.contains("the next attempt goes on")).collect();
    assert!(told.len() > 1, "the search was not interrupted: {failed:?}");
    for why in told {
        assert!(why.contains("the broker answered MESSAGE_TOO_LARGE (10)"), "{why}");
        assert!(why.contains("of 3000 records ") && why.contains("message.max.bytes"), "{why}");
    }
    assert_arrived(&name, &batch, 2);
    // Another one begins anew.
    attempts(&mut sink, &mixed(10), PATIENCE);
}

#[test]
fn when_the_caller_stops() {
    let Some(name) = topic_that_takes(250) else { return };
    let batch = mixed(1000);
    let mut sink = KafkaSink::new(plaintext(&name).unwrap()).unwrap();
    let failed = attempts(&mut sink, &batch, Duration::from_millis(400));
    assert!(failed.len() > 1, "the search was not interrupted");
    assert_arrived(&name, &batch, failed.len());
}
