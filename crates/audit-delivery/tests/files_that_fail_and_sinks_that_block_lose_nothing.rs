//! Unreadable files, states that no longer fit, sinks that do not give way.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::fs;
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use audit_delivery::{BatchLimits, Destination};
use audit_sink::{Batch, Receipt, SendFuture, Sink, SinkError};
use flate2::write::GzEncoder;
use place::{Answer, Log, Place, to, until};

const PATIENCE: Duration = Duration::from_secs(10);

fn lines(numbers: RangeInclusive<u64>) -> Vec<u8> {
    let line = |number| {
        format!(
            "{{\"event_id\":\"evt_{number}\",\"event_type\":\"auth.login\",\"timestamp\":\"2026-01-02T03:04:05.006Z\"}}\n"
        )
    };
    numbers.map(line).collect::<String>().into_bytes()
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn large() -> BatchLimits {
    BatchLimits { records: 1000, age: Duration::ZERO, ..BatchLimits::default() }
}

fn set_state(log: &Log, text: &str) {
    fs::create_dir_all(log.state()).unwrap();
    fs::write(log.state().join("siem.json"), text).unwrap();
}

#[test]
fn a_file_that_cannot_be_read_is_read_when_it_can() {
    let good = packed(&lines(6..=10));
    let mut damaged = packed(&lines(6..=10));
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x5a;
    for bad in [b"not gzip at all".to_vec(), damaged] {
        let mut log = Log::new();
        let at = |name: &str| log.directory.path().join(format!("audit.log.{name}"));
        fs::write(at("000000000001-000000000005.20260101T000000Z"), lines(1..=5)).unwrap();
        let second = at("000000000006-000000000010.20260101T000001Z.gz");
        fs::write(&second, bad).unwrap();
        fs::write(log.path(), lines(11..=15)).unwrap();
        log.written = 15;
        let place = Place::default();
        let (delivery, heard) = log.deliver(vec![to("siem", &place).limits(large())]);
        std::thread::sleep(Duration::from_millis(1500));
        // As a whole: nobody sees half of it.
        fs::write(second.with_extension("new"), &good).unwrap();
        fs::rename(second.with_extension("new"), &second).unwrap();
        until("all of it", || place.numbers() == (1..=15).collect::<Vec<_>>());
        assert_eq!(delivery.close(PATIENCE), []);
        assert_eq!(heard.notices.lock().unwrap().len(), 1, "told once: {:?}", heard.notices.lock().unwrap());
    }
}

#[test]
fn a_batch_of_which_the_log_has_nothing_any_more_keeps_no_other_back() {
    let mut log = Log::new();
    let name = "audit.log.000000000101-000000000110.20260101T000000Z.gz";
    fs::write(log.directory.path().join(name), packed(&lines(101..=110))).unwrap();
    fs::write(log.path(), lines(111..=115)).unwrap();
    log.written = 115;
    set_state(&log, r#"{"chain_id":"orders","acknowledged":4,"in_flight":{"through":9,"records":5}}"#);
    let place = Place::default();
    let (delivery, heard) = log.deliver(vec![to("siem", &place)]);
    until("all that is left", || place.numbers() == (101..=115).collect::<Vec<_>>());
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(
        *heard.notices.lock().unwrap(),
        ["destination `siem`: records 5 to 100 are gone from the log before they were delivered"]
    );
}

#[test]
fn a_batch_of_which_nothing_is_selected_any_more_keeps_no_other_back() {
    let mut log = Log::new();
    log.write("auth.login", 7);
    log.write("backup.started", 7);
    set_state(&log, r#"{"chain_id":"orders","acknowledged":0,"in_flight":{"through":7,"records":7}}"#);
    let place = Place::default();
    let (_delivery, _) = log.deliver(vec![to("siem", &place).events(["backup.*".parse().unwrap()])]);
    until("what is selected", || place.numbers() == (8..=14).collect::<Vec<_>>());
}

#[test]
fn a_repeated_batch_has_as_many_records_as_it_had() {
    let mut log = Log::new();
    log.write("auth.login", 10_000);
    set_state(&log, r#"{"chain_id":"orders","acknowledged":0,"in_flight":{"through":10000,"records":3}}"#);
    let place = Place::default();
    let (delivery, _) = log.deliver(vec![to("siem", &place)]);
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(place.accepted()[0].records.len(), 3);
    assert_eq!(place.numbers().len(), 10_000);
}

/// Blocks its thread.
#[derive(Debug)]
struct Blocking(Duration);

impl Sink for Blocking {
    fn send<'a>(&'a mut self, _batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async {
            std::thread::sleep(self.0);
            Ok(Receipt::default())
        })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn closing_waits_for_no_sink_that_blocks_nor_for_a_long_backlog() {
    for pause in [Duration::from_secs(20), Duration::from_millis(5)] {
        let mut log = Log::new();
        log.write("auth.login", 20_000);
        let destination = Destination::new("file", Box::new(Blocking(pause))).limits(BatchLimits {
            records: 1,
            age: Duration::ZERO,
            ..BatchLimits::default()
        });
        let (delivery, _) = log.deliver(vec![destination]);
        std::thread::sleep(Duration::from_millis(100));
        let begun = Instant::now();
        let undelivered = delivery.close(Duration::from_millis(100));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        assert_eq!(undelivered.len(), 1);
        assert!(undelivered[0].records > 15_000 && undelivered[0].reason.is_some(), "{undelivered:?}");
    }
}

#[derive(Debug)]
struct PanicsInTheEnd;

impl Drop for PanicsInTheEnd {
    fn drop(&mut self) {
        panic!("a sink with a fault")
    }
}

impl Sink for PanicsInTheEnd {
    fn send<'a>(&'a mut self, _batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async { Err(SinkError::retryable("down")) })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn a_follower_that_says_nothing_in_the_end_has_not_delivered() {
    let mut log = Log::new();
    log.write("auth.login", 10);
    let (delivery, _) = log.deliver(vec![Destination::new("x", Box::new(PanicsInTheEnd))]);
    std::thread::sleep(Duration::from_millis(50));
    let undelivered = delivery.close(Duration::from_millis(50));
    assert_eq!((undelivered.len(), undelivered[0].records), (1, 10));
}

#[test]
fn what_a_place_says_of_many_records_is_told_once() {
    let mut log = Log::new();
    log.write("auth.login", 2000);
    let place = Place::default();
    place.always(Answer::RefuseAll("400 bad\n\u{1b}[2Jpage"));
    let (delivery, heard) = log.deliver(vec![to("siem", &place).limits(large())]);
    assert_eq!(delivery.close(PATIENCE), []);
    let notices = heard.notices.lock().unwrap();
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(notices[0].contains("1000 records are refused for good (400 bad  [2Jpage)"), "{}", notices[0]);
}

#[test]
fn an_idle_log_has_its_state_noted() {
    let mut log = Log::new();
    log.write("auth.login", 3);
    let place = Place::default();
    let (_delivery, _) = log.deliver(vec![to("siem", &place).events(["backup.*".parse().unwrap()])]);
    let noted = || audit_delivery::State::load(&log.state(), "siem").unwrap().map(|state| state.acknowledged);
    until("noted", || noted() == Some(3));
}
