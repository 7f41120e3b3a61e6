//! What goes where while nothing fails.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::time::Duration;

use audit_delivery::{BatchLimits, Beginning, Delivery, DeliveryError, State};
use place::{Answer, Heard, Log, Place, numbers, to, until};

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn selected_records_in_batches_within_the_limits() {
    let mut log = Log::new();
    let (all, backups, others) = (Place::default(), Place::default(), Place::default());
    for _ in 0..25 {
        log.write("auth.login", 3);
        log.write("backup.started", 1);
    }
    let (delivery, heard) = log.deliver(vec![
        to("all", &all),
        to("backups", &backups).events(["backup.*".parse().unwrap()]),
        to("others", &others).exclude_events(["backup.*".parse().unwrap()]),
    ]);
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(all.numbers(), (1..=100).collect::<Vec<_>>());
    assert!(all.accepted().iter().all(|batch| batch.records.len() == 10 && batch.chain_id == "orders"));
    assert_eq!(backups.numbers(), (1..=25).map(|n| n * 4).collect::<Vec<_>>());
    assert_eq!(others.numbers(), (1..=100).filter(|n| n % 4 != 0).collect::<Vec<_>>());
    assert_eq!(*heard.notices.lock().unwrap(), [""; 0]);
    for name in ["all", "backups", "others"] {
        let state = State::load(&log.state(), name).unwrap().unwrap();
        assert_eq!((state.acknowledged, state.in_flight, state.failure), (100, None, None), "{name}");
    }
    let record = &all.accepted()[0].records[0];
    assert_eq!((record.event_id.as_str(), record.timestamp_ms), ("evt_1", 1_767_323_045_006));
}

#[test]
fn bytes_limit_a_batch_and_a_record_above_the_limit_goes_alone() {
    let mut log = Log::new();
    log.write("auth.login", 3);
    let line = place::read(&log.path()).lines().next().unwrap().len();
    let place = Place::default();
    let limits = |bytes| BatchLimits { records: 1000, bytes, age: Duration::ZERO };
    let (delivery, _) = log.deliver(vec![to("a", &place).limits(limits(2 * line))]);
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(place.accepted().iter().map(numbers).collect::<Vec<_>>(), [vec![1, 2], vec![3]]);
    let place = Place::default();
    let (delivery, _) = log.deliver(vec![to("b", &place).limits(limits(1))]);
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(place.accepted().iter().map(numbers).collect::<Vec<_>>(), [vec![1], vec![2], vec![3]]);
}

#[test]
fn a_batch_waits_for_its_age_unless_the_log_is_closed() {
    let mut log = Log::new();
    log.write("auth.login", 2);
    let place = Place::default();
    let slow = BatchLimits { age: Duration::from_secs(3600), ..BatchLimits::default() };
    let (delivery, _) = log.deliver(vec![to("s3", &place).limits(slow)]);
    std::thread::sleep(Duration::from_millis(300));
    delivery.advance(log.write("auth.login", 2));
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(place.attempts().len(), 0);
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(place.accepted().iter().map(numbers).collect::<Vec<_>>(), [[1, 2, 3, 4]]);
}

#[test]
fn a_batch_is_sent_when_it_is_old_enough() {
    let mut log = Log::new();
    log.write("auth.login", 1);
    let place = Place::default();
    let limits = BatchLimits { age: Duration::from_millis(100), ..BatchLimits::default() };
    let (_delivery, _) = log.deliver(vec![to("s3", &place).limits(limits)]);
    until("sent", || place.numbers() == [1]);
}

#[test]
fn what_is_not_durable_is_not_delivered() {
    let mut log = Log::new();
    log.write("auth.login", 3);
    let place = Place::default();
    let (delivery, _) = log.deliver(vec![to("a", &place)]);
    until("three records", || place.numbers().len() == 3);
    log.write("auth.login", 3);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(place.numbers(), [1, 2, 3]);
    delivery.advance(5);
    until("two more", || place.numbers() == [1, 2, 3, 4, 5]);
    assert_eq!(delivery.acknowledged_by_all(), 5);
}

#[test]
fn names_are_checked_and_a_directory_has_one_user() {
    let log = Log::new();
    let place = Place::default();
    let start = |names: &[&str]| {
        let destinations = names.iter().map(|name| to(name, &place)).collect();
        Delivery::start(&log.delivered(), &log.state(), destinations, std::sync::Arc::new(Heard::default()))
    };
    for wrong in [&["a", "a"][..], &[""], &["../a"], &[".a"], &["a b"]] {
        assert!(matches!(start(wrong), Err(DeliveryError::Name(_))), "{wrong:?}");
    }
    let first = start(&["a"]).unwrap();
    assert!(matches!(start(&["b"]), Err(DeliveryError::Locked(_))));
    drop(first);
    start(&["b"]).unwrap();
}

#[test]
fn a_record_is_looked_at_where_its_type_does_not_say_enough() {
    let mut log = Log::new();
    log.write("auth.login", 6);
    let place = Place::default();
    let even = to("even", &place).only(|record| record.sequence_number % 2 == 0);
    let (delivery, _) = log.deliver(vec![even]);
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(place.numbers(), [2, 4, 6]);
    let state = State::load(&log.state(), "even").unwrap().unwrap();
    assert_eq!((state.acknowledged, state.delivered), (6, 3));
}

#[test]
fn a_place_may_begin_with_what_comes_and_then_goes_on_where_it_was() {
    let mut log = Log::new();
    log.write("auth.login", 3);
    let place = Place::default();
    let new = || to("pager", &place).beginning(Beginning::Now);
    let (delivery, _) = log.deliver(vec![new()]);
    delivery.advance(log.write("auth.login", 2));
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(place.numbers(), [4, 5]);
    log.write("auth.login", 2);
    let (delivery, _) = log.deliver(vec![new()]);
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(place.numbers(), [4, 5, 6, 7]);
}

/// A crash right behind the start, with records in the log that the place has not been sent yet.
#[test]
fn where_a_place_begins_is_kept_before_anything_is_sent() {
    let mut log = Log::new();
    log.write("auth.login", 3);
    let place = Place::default();
    place.always(Answer::Stall);
    let (_delivery, _) = log.deliver(vec![to("pager", &place).beginning(Beginning::Now)]);
    let state = State::load(&log.state(), "pager").unwrap().expect("there");
    assert_eq!(state.acknowledged, 3);
}

/// Its state is written before what a sink keeps by itself, or after it.
#[test]
fn a_sink_that_knows_what_it_has_gets_what_is_behind_that() {
    let mut log = Log::new();
    log.write("auth.login", 5);
    for (behind, gets) in [(3, vec![4, 5]), (4, vec![5]), (9, vec![]), (1, vec![2, 3, 4, 5])] {
        let place = Place::default();
        let (delivery, _) = log.deliver(vec![to("watch", &place).beginning(Beginning::Behind(behind))]);
        assert_eq!(delivery.close(PATIENCE), []);
        assert_eq!(place.numbers(), gets, "behind {behind}");
    }
}
