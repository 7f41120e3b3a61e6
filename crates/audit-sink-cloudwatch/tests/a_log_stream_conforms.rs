//! The conformance suite against moto, and whatever else moto judges.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that fails may panic, one that is skipped says so"
)]

mod stream;

use audit_sink::testkit::conforms;
use audit_sink::{Batch, Record, Sink};
use stream::{Stream, now_ms, run, runtime};

const MINUTE: i64 = 60 * 1000;

fn record(sequence_number: u64, timestamp_ms: i64) -> Record {
    let bytes = format!(r#"{{"n":{sequence_number}}}"#).into_bytes();
    Record { sequence_number, timestamp_ms, bytes, ..Record::default() }
}

fn batch(timestamps: impl IntoIterator<Item = i64>) -> Batch {
    let records = (1..).zip(timestamps).map(|(number, timestamp)| record(number, timestamp));
    Batch { chain_id: "c".into(), records: records.collect() }
}

fn lines(numbers: impl IntoIterator<Item = u64>) -> Vec<Vec<u8>> {
    numbers.into_iter().map(|number| record(number, 0).bytes).collect()
}

#[test]
fn a_log_stream() {
    let Some(mut stream) = Stream::new() else { return };
    let runtime = runtime();
    conforms(&mut stream, &|send| run(&runtime, send));
}

#[test]
fn times_that_run_backwards_are_sent_in_their_order() {
    let Some(stream) = Stream::new() else { return };
    let now = now_ms();
    let mut sink = stream.sink(&stream.credentials);
    // moto refuses a request that is not in chronological order.
    let receipt =
        runtime().block_on(sink.send(&batch([now, now - 5, now - 9, now - 5, now - 2 * 24 * 60 * MINUTE])));
    assert_eq!(receipt.unwrap().rejected, []);
    assert_eq!(stream.lines(), lines([5, 3, 2, 4, 1]));
}

#[test]
fn a_time_far_ahead_is_rejected_alone() {
    let Some(stream) = Stream::new() else { return };
    let now = now_ms();
    let mut sink = stream.sink(&stream.credentials);
    let receipt =
        runtime().block_on(sink.send(&batch([now, now + 180 * MINUTE, now + 90 * MINUTE]))).unwrap();
    let rejected: Vec<u64> = receipt.rejected.iter().map(|rejection| rejection.sequence_number).collect();
    assert_eq!(rejected, [2]);
    assert!(receipt.rejected[0].reason.contains("2 hours in the future"));
    assert_eq!(stream.lines(), lines([1, 3]));
}

#[test]
fn a_batch_larger_than_a_request_arrives_whole() {
    let Some(stream) = Stream::new() else { return };
    let now = now_ms();
    let mut sink = stream.sink(&stream.credentials);
    let mut batch = batch((0..12_000).map(|n| now - 12_000 + n));
    for record in batch.records.iter_mut().step_by(50) {
        record.bytes =
            format!(r#"{{"n":{},"x":"{}"}}"#, record.sequence_number, "é".repeat(10_000)).into_bytes();
    }
    assert_eq!(runtime().block_on(sink.send(&batch)).unwrap().rejected, []);
    let expected: Vec<Vec<u8>> = batch.records.into_iter().map(|record| record.bytes).collect();
    assert!(stream.lines() == expected, "4.8 MB in 12,000 records");
}

#[test]
fn the_check_leaves_nothing() {
    let Some(stream) = Stream::new() else { return };
    let runtime = runtime();
    let mut sink = stream.sink(&stream.credentials);
    runtime.block_on(sink.check()).expect("a group that is missing will be created");
    assert_eq!(runtime.block_on(sink.send(&batch([now_ms()]))).unwrap().rejected, []);
    runtime.block_on(sink.check()).unwrap();
    assert_eq!(stream.lines(), lines([1]));
}
