//! Futures that are dropped while librdkafka sends: nothing is lost, nothing reordered, and what was given up does not
//! come after what was sent later.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod broker;

use std::collections::HashSet;
use std::time::Duration;

use audit_sink::testkit::{batch, deliver};
use audit_sink::{Batch, Sink};
use audit_sink_kafka::KafkaSink;
use broker::{fresh_topic, kcat, plaintext, run, within};

/// Many more than one message set.
fn large(first: u64) -> Batch {
    let lines: Vec<Vec<u8>> = (0..3000)
        .map(|n| format!("{{\"first\":{first},\"n\":{n},\"{}\":0}}", "x".repeat(900)).into_bytes())
        .collect();
    batch(first, &lines)
}

#[test]
fn dropped_at_any_time() {
    let name = fresh_topic("dropped");
    let Some(options) = plaintext(&name) else { return };
    let mut sink = KafkaSink::new(options).unwrap();
    let batches: Vec<Batch> = (0..12).map(|n| large(n * 3000 + 1)).collect();
    for (batch, milliseconds) in batches.iter().zip([0, 1, 2, 5, 10, 15, 20, 30, 50, 80, 120, 200]) {
        // Which of them end in time is up to the machine.
        let _ = within(Duration::from_millis(milliseconds), sink.send(batch));
        deliver(&mut sink, batch, &|send| run(send));
    }
    run(sink.close()).unwrap();

    let arrived = kcat(&name, "%s");
    let mut rest = arrived.iter();
    for record in batches.iter().flat_map(|batch| &batch.records) {
        let number = record.sequence_number;
        assert!(rest.any(|found| *found == record.bytes), "record {number} is lost or out of order");
    }
    let known: HashSet<&[u8]> = batches.iter().flat_map(|b| &b.records).map(|r| r.bytes.as_slice()).collect();
    assert!(arrived.iter().all(|line| known.contains(line.as_slice())));
}
