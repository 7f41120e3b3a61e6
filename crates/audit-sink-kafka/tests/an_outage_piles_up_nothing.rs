//! While nobody answers, each attempt starts librdkafka's threads and lets go of them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod broker;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use audit_sink::Sink;
use audit_sink::testkit::batch;
use audit_sink_kafka::{KafkaOptions, KafkaSink};
use broker::within;

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn threads_and_batches() {
    // Accepts connections, and answers nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut sink =
        KafkaSink::new(KafkaOptions::new([listener.local_addr().unwrap().to_string()], "audit")).unwrap();
    let batch = batch(1, &vec![vec![b'x'; 1000]; 1000]);
    let before = threads();
    for _ in 0..40 {
        within(Duration::from_millis(100), sink.send(&batch)).unwrap_err();
        within(Duration::from_millis(20), sink.check()).unwrap_err();
    }
    let begun = Instant::now();
    // The last checks end when librdkafka's blocking call does.
    while threads() > before && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(threads(), before, "threads are left behind");
}
