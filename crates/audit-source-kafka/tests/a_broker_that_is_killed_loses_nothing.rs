//! The broker is killed and comes back while records are produced: what it acknowledged is in the log, each once.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that fails may panic, and says what it found"
)]

mod broker;
mod member;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use audit_pipeline::Pipeline;
use broker::{OwnBroker, Producer, create_topic, ids_by_number, options, until};
use member::Member;

const KILLS: usize = 4;

#[test]
fn exactly_what_was_acknowledged_is_in_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mut broker) = OwnBroker::start(directory.path()) else { return };
    let servers = broker.address();
    create_topic(&servers, "audit", 3, &[]);
    let path = directory.path().join("audit.log");
    let log = Pipeline::options(&path).chain().start().unwrap();
    let member = Member::start(&log, options(&servers, "audit"));

    let (produced, enough) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let producing = std::thread::spawn({
        let (produced, enough) = (Arc::clone(&produced), Arc::clone(&enough));
        move || {
            let producer = Producer::new(&servers);
            while !enough.load(Ordering::Relaxed) {
                for _ in 0..50 {
                    producer.number("audit", produced.fetch_add(1, Ordering::Relaxed));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            producer.acknowledged()
        }
    });
    for round in 0..KILLS {
        let before = member.status().recorded;
        until("records arrive", || member.status().recorded > before + 1000);
        broker.kill();
        until("it is told that the broker is away", || member.status().failing.is_some());
        let failing = member.status().failing.unwrap();
        assert!(failing.contains("are the brokers up"), "{failing}");
        std::thread::sleep(Duration::from_millis(300 * round as u64));
        broker.start_again();
        until("it is told that it is back", || member.status().failing.is_none());
    }
    enough.store(true, Ordering::Relaxed);
    let acknowledged = producing.join().unwrap();
    let count = produced.load(Ordering::Relaxed);
    assert_eq!(acknowledged.len() as u64, count);
    until("all is there", || member.status().recorded >= count);
    until("nothing is left to read", || member.status().lag == Some(0));
    let ends: Vec<Option<i64>> = (0..3)
        .map(|partition| acknowledged.iter().filter(|(p, _)| *p == partition).map(|(_, o)| o + 1).max())
        .collect();
    member.stop();
    let _summary = log.close().unwrap();

    let found = ids_by_number(&path);
    assert!(found.keys().copied().eq(0..count), "{} of {count}", found.len());
    let repeated = found.values().filter(|ids| ids.len() > 1).count();
    assert_eq!(repeated, 0, "each once");
    assert_eq!(broker::committed(&broker.address(), "group-of-audit", "audit", 3), ends, "all is committed");
    println!("{count} records, the broker killed {KILLS} times");
}
