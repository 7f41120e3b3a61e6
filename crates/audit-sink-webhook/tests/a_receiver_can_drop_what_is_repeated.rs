//! Requests whose answers were lost arrive twice; a receiver that drops a key it has seen is left with each record once.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod receiver;

use std::time::Duration;

use audit_sink::Sink as _;
use audit_sink::testkit::{Place as _, batch, deliver};
use audit_sink_webhook::Body;
use receiver::{Path, run_on, runtime, variable, within};

#[test]
fn by_the_idempotency_key() {
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    let mut path = Path::new(&base, "/repeated", Body::Ndjson).with(|options| options.max_body_bytes(2048));
    let (runtime, mut sent, mut first) = (runtime(), Vec::new(), 1);
    for round in 0..40_u64 {
        let lines: Vec<Vec<u8>> = (0..100)
            .map(|n| format!("{{\"round\":{round},\"n\":{n},\"é\":\"\\u0000\"}}").into_bytes())
            .collect();
        let batch = batch(first, &lines);
        first += lines.len() as u64;
        sent.extend(lines);
        // Given up at some moment, be it before or after the receiver has part of it.
        let mut sink = path.sink();
        let _ = runtime.block_on(within(Duration::from_micros(round * 250), sink.send(&batch)));
        // Half of the time by a process that was started anew and knows nothing of what was accepted.
        if round % 2 == 0 {
            sink = path.sink();
        }
        deliver(&mut sink, &batch, &run_on(&runtime));
    }
    let everything = path.read_back();
    path.drops_repeated = true;
    assert!(path.read_back() == sent, "with repeated keys dropped: every record once, in order");
    assert!(everything.len() > sent.len(), "some requests did arrive twice");
}
