//! What happens while places fail.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::time::{Duration, Instant};

use audit_delivery::{DeadLetters, Retry, State};
use place::{Answer, Log, Place, numbers, to, until};

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn what_may_heal_is_tried_again_and_told_once() {
    let mut log = Log::new();
    log.write("auth.login", 15);
    let place = Place::default();
    for _ in 0..5 {
        place.next(Answer::Fail("connection refused"));
    }
    place.next(Answer::Stall);
    let (delivery, heard) = log.deliver(vec![to("siem", &place)]);
    until("all", || place.numbers().len() == 15);
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(place.numbers(), (1..=15).collect::<Vec<_>>());
    let attempts: Vec<_> = place.attempts().iter().map(numbers).collect();
    assert_eq!(attempts.len(), 8, "six in vain and two batches");
    assert!(attempts[..7].iter().all(|attempt| *attempt == attempts[0]), "the same batch each time");
    assert_eq!(
        *heard.notices.lock().unwrap(),
        [
            "destination `siem`: connection refused; it is tried again, and records wait in the log",
            "destination `siem`: takes records again"
        ]
    );
    let state = State::load(&log.state(), "siem").unwrap().unwrap();
    assert_eq!((state.delivered, state.retried, state.dead_lettered), (15, 6, 0));
}

#[test]
fn a_place_that_asks_for_a_pause_gets_it() {
    let mut log = Log::new();
    log.write("auth.login", 1);
    let place = Place::default();
    place.next(Answer::FailFor(Duration::from_millis(400)));
    let begun = Instant::now();
    let (_delivery, _) = log.deliver(vec![to("siem", &place)]);
    until("sent", || place.numbers() == [1]);
    assert!(begun.elapsed() >= Duration::from_millis(400));
}

#[test]
fn one_that_never_answers_holds_up_no_other() {
    let mut log = Log::new();
    log.write("auth.login", 30);
    let (dead, alive) = (Place::default(), Place::default());
    dead.always(Answer::Stall);
    let stalled = to("dead", &dead).timeout(Duration::from_secs(3600));
    let (delivery, _) = log.deliver(vec![stalled, to("alive", &alive)]);
    until("the other one has all", || alive.numbers().len() == 30);
    delivery.advance(log.write("auth.login", 10));
    until("and all that comes", || alive.numbers().len() == 40);
    assert_eq!(delivery.acknowledged_by_all(), 0);
    assert_eq!(delivery.slowest().as_deref(), Some("dead"));
    let begun = Instant::now();
    let undelivered = delivery.close(Duration::from_millis(200));
    assert!(begun.elapsed() >= Duration::from_millis(200), "closing was patient");
    assert_eq!(undelivered.len(), 1);
    assert_eq!((undelivered[0].destination.as_str(), undelivered[0].records), ("dead", 40));
}

#[test]
fn closing_is_patient_and_then_gives_up_and_the_next_start_goes_on() {
    let mut log = Log::new();
    log.write("auth.login", 12);
    let place = Place::default();
    place.always(Answer::Fail("no route to host"));
    let (delivery, _) = log.deliver(vec![to("siem", &place)]);
    until("tried", || !place.attempts().is_empty());
    let undelivered = delivery.close(Duration::from_millis(100));
    assert_eq!(undelivered[0].records, 12);
    assert_eq!(undelivered[0].reason.as_deref(), Some("no route to host"));
    let state = State::load(&log.state(), "siem").unwrap().unwrap();
    assert_eq!(
        (state.acknowledged, state.in_flight.map(|batch| (batch.through, batch.records))),
        (0, Some((10, 10)))
    );
    assert_eq!(state.failure.unwrap().message, "no route to host");
    place.always(Answer::Accept);
    let (delivery, _) = log.deliver(vec![to("siem", &place)]);
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(place.numbers(), (1..=12).collect::<Vec<_>>());
}

#[test]
fn a_batch_that_was_on_its_way_at_a_crash_is_sent_again_as_it_was() {
    let mut log = Log::new();
    log.write("auth.login", 7);
    let place = Place::default();
    place.always(Answer::Stall);
    let (delivery, _) = log.deliver(vec![to("s3", &place)]);
    until("on its way", || !place.attempts().is_empty());
    drop(delivery);
    // More has come since, and limits have changed; the batch stays what it was.
    log.write("auth.login", 7);
    place.always(Answer::Accept);
    let small = audit_delivery::BatchLimits { records: 3, ..audit_delivery::BatchLimits::default() };
    let (delivery, _) = log.deliver(vec![to("s3", &place).limits(small)]);
    assert_eq!(delivery.close(PATIENCE), []);
    let batches: Vec<_> = place.accepted().iter().map(numbers).collect();
    assert_eq!(batches, [vec![1, 2, 3, 4, 5, 6, 7], vec![8, 9, 10], vec![11, 12, 13], vec![14]]);
}

#[test]
fn refused_records_go_to_the_dead_letters_and_no_other() {
    let mut log = Log::new();
    log.write("auth.login", 20);
    let (named, whole) = (Place::default(), Place::default());
    named.always(Answer::RefuseThese(vec![3, 14]));
    whole.always(Answer::RefuseWith(vec![3, 14]));
    let (delivery, heard) = log.deliver(vec![to("named", &named), to("whole", &whole).required(true)]);
    assert_eq!(delivery.close(PATIENCE), []);
    let others: Vec<u64> = (1..=20).filter(|n| ![3, 14].contains(n)).collect();
    for (name, place) in [("named", named), ("whole", whole)] {
        assert_eq!(place.numbers(), others, "{name}");
        let dead = DeadLetters::of(&log.state(), name).list().unwrap();
        let dead: Vec<_> = dead.iter().map(|letter| letter.record.sequence_number).collect();
        assert_eq!(dead, [3, 14], "{name}");
        assert_eq!(State::load(&log.state(), name).unwrap().unwrap().dead_lettered, 2);
    }
    let acknowledged = heard.acknowledged.lock().unwrap();
    let refused: Vec<_> =
        acknowledged.1.iter().map(|it| (it.sequence_number, it.destination.as_str())).collect();
    assert_eq!((acknowledged.0, refused), (20, vec![(3, "whole"), (14, "whole")]));
}

#[test]
fn attempts_that_are_used_up_end_in_the_dead_letters() {
    let mut log = Log::new();
    log.write("auth.login", 12);
    let place = Place::default();
    for _ in 0..3 {
        place.next(Answer::Fail("503"));
    }
    let retry =
        Retry { initial: Duration::from_millis(1), maximum: Duration::from_millis(1), attempts: Some(3) };
    let (delivery, _) = log.deliver(vec![to("hook", &place).retry(retry)]);
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(place.numbers(), [11, 12], "the first batch used its attempts up, the second did not");
    let dead = DeadLetters::of(&log.state(), "hook").list().unwrap();
    assert_eq!(dead.len(), 10);
    assert_eq!(dead[0].reason, "given up after 3 attempts: 503");
    let line = place::read(&log.path()).lines().next().unwrap().to_owned();
    assert_eq!(String::from_utf8_lossy(&dead[0].record.bytes), line, "byte for byte");
}

#[test]
fn a_sink_that_panics_ends_alone() {
    let mut log = Log::new();
    log.write("auth.login", 5);
    let (faulty, good) = (Place::default(), Place::default());
    faulty.always(Answer::Panic);
    let (delivery, heard) = log.deliver(vec![to("faulty", &faulty), to("good", &good)]);
    until("the other goes on", || good.numbers().len() == 5);
    let undelivered = delivery.close(PATIENCE);
    assert_eq!((undelivered.len(), undelivered[0].records), (1, 5));
    assert!(heard.notices.lock().unwrap()[0].contains("panic"));
}

#[test]
fn a_state_that_cannot_be_read_or_is_of_another_log_delivers_all_again() {
    let mut log = Log::new();
    log.write("auth.login", 3);
    let place = Place::default();
    for damage in [
        "{\"acknow",
        r#"{"chain_id":"another","acknowledged":2}"#,
        r#"{"chain_id":"orders","acknowledged":9}"#,
    ] {
        std::fs::create_dir_all(log.state()).unwrap();
        std::fs::write(log.state().join("siem.json"), damage).unwrap();
        let before = place.numbers().len();
        let (delivery, heard) = log.deliver(vec![to("siem", &place)]);
        assert_eq!(delivery.close(PATIENCE), []);
        assert_eq!(place.numbers()[before..], [1, 2, 3], "{damage}");
        assert_eq!(heard.notices.lock().unwrap().len(), 1, "{damage}");
    }
}
