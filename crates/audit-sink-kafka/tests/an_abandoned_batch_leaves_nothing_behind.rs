//! Futures that are dropped while librdkafka sends: nothing is lost, nothing reordered, and what was given up does not
//! come after a later batch. The last holds for what had not left the process, and here, where the broker answers
//! promptly, for all. A broker that was stalled while it had a request may still append that request later: no
//! client could prevent it without a transaction.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod broker;

use std::collections::HashMap;
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
    let batch_of: HashMap<&[u8], usize> = batches
        .iter()
        .enumerate()
        .flat_map(|(index, batch)| batch.records.iter().map(move |record| (record.bytes.as_slice(), index)))
        .collect();
    let order: Vec<usize> = arrived.iter().map(|line| batch_of[line.as_slice()]).collect();
    assert!(order.is_sorted(), "something of a batch that was given up came after the next one");
}
