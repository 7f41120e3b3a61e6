//! The source is killed under load, again and again: no record is missing, and one that is there twice has the same id.
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

use broker::{Producer, create_topic, fresh, ids_by_number, until, variable};
use member::Process;

const KILLS: u64 = 10;

#[test]
fn in_a_process_of_its_own() {
    member::run_if_asked();
}

#[test]
fn ten_kills() {
    let Some(servers) = variable("AUDIT_TEST_KAFKA") else { return };
    let directory = tempfile::tempdir().unwrap();
    let topic = fresh("killed");
    create_topic(&servers, &topic, 3, &[]);
    let (produced, enough) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let producing = std::thread::spawn({
        let (servers, topic) = (servers.clone(), topic.clone());
        let (produced, enough) = (Arc::clone(&produced), Arc::clone(&enough));
        move || {
            let producer = Producer::new(&servers);
            while !enough.load(Ordering::Relaxed) {
                for _ in 0..50 {
                    producer.number(&topic, produced.fetch_add(1, Ordering::Relaxed));
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            producer.acknowledged().len() as u64
        }
    });
    let recorded = |process: &Process| process.told("recorded: ").last().map_or(0, |n| n.parse().unwrap());
    for round in 0..KILLS {
        let process = Process::start(directory.path(), &servers, &topic);
        until("it records", || recorded(&process) > 500_u64);
        // Not always at the same distance from a commit.
        std::thread::sleep(Duration::from_millis(round * 137 % 1100));
        process.kill();
    }
    enough.store(true, Ordering::Relaxed);
    let count = producing.join().unwrap();
    let process = Process::start(directory.path(), &servers, &topic);
    until("all is there", || ids_by_number(&process.log).len() as u64 == count);
    let log = process.log.clone();
    process.stop();

    let found = ids_by_number(&log);
    assert!(found.keys().copied().eq(0..count), "{} of {count}", found.len());
    let repeated = found.values().filter(|ids| ids.len() > 1).count();
    for (number, ids) in &found {
        assert!(ids.iter().all(|id| *id == ids[0]), "{number} has {ids:?}");
    }
    println!("{count} records, the source killed {KILLS} times, {repeated} repeated");
}
