//! While the log can take nothing, memory is bounded, it is told why, and the group stays as it is; then all arrives, each once.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that fails may panic, and says what it found"
)]

mod broker;
mod member;

use std::time::Duration;

use audit_pipeline::Pipeline;
use audit_source::SourceError;
use broker::{Producer, committed, create_topic, fresh, ids_by_number, options, until, variable};
use member::{Member, Process};

const RECORDS: u64 = 150_000;

#[test]
fn in_a_process_of_its_own() {
    member::run_if_asked();
}

#[test]
fn a_full_disk() {
    let Some(servers) = variable("AUDIT_TEST_KAFKA") else { return };
    let directory = tempfile::tempdir().unwrap();
    let topic = fresh("stuck");
    create_topic(&servers, &topic, 2, &[]);
    let producer = Producer::new(&servers);
    let filler = "x".repeat(1000);
    for number in 0..RECORDS {
        let text = format!(r#"{{"event_type":"a.b","details":{{"number":{number},"text":"{filler}"}}}}"#);
        producer.send(&topic, None, Some(&number.to_string()), Some(text.as_bytes()));
    }
    producer.acknowledged();

    let process = Process::start_limited(directory.path(), &servers, &topic, 4096);
    until("it is told", || {
        process.told("failing: ").iter().any(|why| why.contains("cannot write to the log"))
    });
    // Long enough for everything to be fetched, were there no bound.
    let mut peak = 0;
    for _ in 0..30 {
        peak = peak.max(process.memory());
        std::thread::sleep(Duration::from_millis(100));
    }
    let there = ids_by_number(&process.log).len() as u64;
    assert!(there < RECORDS / 10, "{there}");
    let passed: i64 =
        committed(&servers, &format!("group-of-{topic}"), &topic, 2).into_iter().flatten().sum();
    assert!(u64::try_from(passed).unwrap() <= there, "{passed} are committed, and {there} are in the log");
    assert!(peak < 100 << 10, "{peak} KiB");
    process.lift_limit();
    until("all is there", || ids_by_number(&process.log).len() as u64 == RECORDS);
    assert_eq!(process.told("failing: ").last().unwrap(), "None");
    let log = process.log.clone();
    process.stop();
    assert!(ids_by_number(&log).values().all(|ids| ids.len() == 1));
    println!("peak {} MiB with {} MiB in the topic", peak >> 10, (RECORDS * 1050) >> 20);
}

#[test]
fn a_log_that_is_closed_ends_the_source() {
    let Some(servers) = variable("AUDIT_TEST_KAFKA") else { return };
    let directory = tempfile::tempdir().unwrap();
    let log = Pipeline::options(directory.path().join("audit.log")).start().unwrap();
    let topic = fresh("closed");
    create_topic(&servers, &topic, 1, &[]);
    let _summary = log.close().unwrap();
    let producer = Producer::new(&servers);
    producer.number(&topic, 1);
    producer.acknowledged();
    let member = Member::start(&log, options(&servers, &topic));
    assert!(matches!(member.end(), Err(SourceError::Closed)));
    let offsets = committed(&servers, &format!("group-of-{topic}"), &topic, 1);
    assert!(offsets[0].is_none_or(|offset| offset == 0), "{offsets:?}");
}
