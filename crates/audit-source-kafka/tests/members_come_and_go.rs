//! Members of the group join and leave under load: partitions wander, and each record is in the log once.
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
use audit_source_kafka::{Brokers, KafkaSourceOptions};
use broker::{Producer, create_topic, fresh, ids_by_number, until, variable};
use member::Member;

const ROUNDS: usize = 3;

fn wander(strategy: &str) {
    let Some(servers) = variable("AUDIT_TEST_KAFKA") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let log = Pipeline::options(&path).start().unwrap();
    let topic = fresh("group");
    create_topic(&servers, &topic, 4, &[]);
    let (produced, enough) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let producing = std::thread::spawn({
        let (servers, topic) = (servers.clone(), topic.clone());
        let (produced, enough) = (Arc::clone(&produced), Arc::clone(&enough));
        move || {
            let producer = Producer::new(&servers);
            while !enough.load(Ordering::Relaxed) {
                for _ in 0..20 {
                    producer.number(&topic, produced.fetch_add(1, Ordering::Relaxed));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            producer.acknowledged().len() as u64
        }
    });
    let options = || {
        let brokers = Brokers::new([servers.clone()])
            .property("partition.assignment.strategy", strategy)
            .property("session.timeout.ms", "6000")
            .property("heartbeat.interval.ms", "200");
        KafkaSourceOptions::new(brokers, [topic.clone()], format!("group-of-{topic}"))
    };
    let stays = Member::start(&log, options());
    let mut of_others = 0;
    for _ in 0..ROUNDS {
        let comes = Member::start(&log, options());
        until("the one who came reads", || comes.status().recorded > 100);
        let before = stays.status().recorded;
        until("the one who stayed reads, too", || stays.status().recorded > before + 100);
        let intake = comes.intake.clone();
        comes.stop();
        of_others += intake.status().recorded;
    }
    enough.store(true, Ordering::Relaxed);
    let count = producing.join().unwrap();
    until("all is there", || ids_by_number(&path).len() as u64 == count);
    let intake = stays.intake.clone();
    stays.stop();
    let _summary = log.close().unwrap();
    let found = ids_by_number(&path);
    assert!(found.keys().copied().eq(0..count));
    let repeated = found.values().filter(|ids| ids.len() > 1).count();
    assert_eq!(repeated, 0, "what is taken away is finished and committed before it goes");
    assert_eq!(of_others + intake.status().recorded, count);
    println!("{strategy}: {count} records, {of_others} of them by those who came and went");
}

#[test]
fn all_partitions_at_once() {
    wander("range");
}

#[test]
fn a_few_partitions_at_a_time() {
    wander("cooperative-sticky");
}
