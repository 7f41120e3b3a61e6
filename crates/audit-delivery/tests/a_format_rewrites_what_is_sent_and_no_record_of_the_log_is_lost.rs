//! Destinations that have a format.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::sync::atomic::Ordering;
use std::time::Duration;

use audit_delivery::{BatchLimits, DeadLetters, Delivery, Destination, State};
use audit_sink::{Batch, Record, SinkError};
use place::{Answer, Capitals, Log, Place, numbers, to, until};

const PATIENCE: Duration = Duration::from_secs(10);

fn capitals(place: &Place) -> Destination {
    to("siem", place).format(Box::new(Capitals::default()))
}

/// Types of which some are written as one: 1 4 7 10, 2 5, 3 6 8, 9.
fn mixed() -> Log {
    let mut log = Log::new();
    for event_type in ["a.a", "b.b", "c.c", "a.a", "b.b", "c.c", "a.a", "c.c", "d.d", "a.a"] {
        log.write(event_type, 1);
    }
    log
}

fn lines(log: &Log) -> Vec<String> {
    place::read(&log.path()).lines().map(str::to_owned).collect()
}

fn state(log: &Log) -> State {
    State::load(&log.state(), "siem").unwrap().unwrap()
}

/// The dead letters: numbers, and the records' bytes.
fn dead(log: &Log) -> Vec<(u64, String)> {
    let letters = DeadLetters::of(&log.state(), "siem").list().unwrap();
    let read = |record: &Record| (record.sequence_number, String::from_utf8(record.bytes.clone()).unwrap());
    letters.iter().map(|letter| read(&letter.record)).collect()
}

/// The log's own lines with these numbers.
fn own(log: &Log, numbers: &[u64]) -> Vec<(u64, String)> {
    numbers.iter().map(|number| (*number, lines(log)[*number as usize - 1].clone())).collect()
}

/// Closes, and expects that all is delivered.
fn close(delivery: &Delivery) {
    assert_eq!(delivery.close(PATIENCE), []);
}

#[test]
fn what_the_format_writes_arrives_and_the_log_s_records_are_counted() {
    let log = mixed();
    let place = Place::default();
    let (delivery, heard) = log.deliver(vec![capitals(&place)]);
    close(&delivery);
    let accepted = place.accepted();
    assert_eq!(accepted.iter().map(numbers).collect::<Vec<_>>(), [[1, 2, 3, 9]]);
    assert_eq!(accepted[0].chain_id, "orders");
    let lines = lines(&log);
    for (record, (count, line)) in
        accepted[0].records.iter().zip([(4, &lines[0]), (2, &lines[1]), (3, &lines[2]), (1, &lines[8])])
    {
        assert_eq!(String::from_utf8_lossy(&record.bytes), format!("{count} times {}", line.to_uppercase()));
    }
    let state = state(&log);
    assert_eq!(
        (state.acknowledged, state.in_flight, state.delivered, state.dead_lettered),
        (10, None, 10, 0)
    );
    assert_eq!(*heard.notices.lock().unwrap(), [""; 0]);
}

#[test]
fn a_batch_is_written_once_however_often_it_is_sent() {
    let mut log = mixed();
    log.write("a.a", 5);
    let place = Place::default();
    (0..3).for_each(|_| place.next(Answer::Fail("503")));
    place.next(Answer::Stall);
    let format = Capitals::default();
    let (delivery, _) = log.deliver(vec![to("siem", &place).format(Box::new(format.clone()))]);
    until("all", || delivery.acknowledged_by_all() == 15);
    close(&delivery);
    let attempts = place.attempts();
    assert_eq!(attempts.len(), 6, "four in vain and two batches");
    assert!(attempts[..5].iter().all(|attempt| *attempt == attempts[0]), "byte for byte");
    assert_eq!(format.calls.load(Ordering::SeqCst), 2, "once a batch");
    assert_eq!((state(&log).delivered, state(&log).retried), (15, 4));
}

#[test]
fn all_that_a_refused_record_stands_for_is_dead_as_the_log_holds_it() {
    let log = mixed();
    let place = Place::default();
    place.always(Answer::RefuseThese(vec![3, 9]));
    let (delivery, heard) = log.deliver(vec![capitals(&place).required(true)]);
    close(&delivery);
    assert_eq!(place.numbers(), [1, 2]);
    assert_eq!(dead(&log), own(&log, &[3, 6, 8, 9]));
    let state = state(&log);
    assert_eq!((state.acknowledged, state.delivered, state.dead_lettered), (10, 6, 4));
    let acknowledged = heard.acknowledged.lock().unwrap();
    let refused: Vec<_> = acknowledged.1.iter().map(|it| it.sequence_number).collect();
    assert_eq!((acknowledged.0, refused), (10, vec![3, 6, 8, 9]));
    assert_eq!(
        *heard.notices.lock().unwrap(),
        [format!(
            "destination `siem`: 4 records are refused for good (bad); see {}",
            DeadLetters::of(&log.state(), "siem").path().display()
        )]
    );
}

#[test]
fn the_guilty_record_of_a_batch_is_found_by_halves_of_what_was_written() {
    let log = mixed();
    let place = Place::default();
    place.always(Answer::RefuseWith(vec![2]));
    let (delivery, _) = log.deliver(vec![capitals(&place)]);
    close(&delivery);
    let attempts: Vec<_> = place.attempts().iter().map(numbers).collect();
    assert_eq!(attempts, [vec![1, 2, 3, 9], vec![1, 2], vec![1], vec![2], vec![3, 9]]);
    assert_eq!(place.numbers(), [1, 3, 9]);
    assert_eq!(dead(&log), own(&log, &[2, 5]));
    let state = state(&log);
    assert_eq!((state.acknowledged, state.in_flight, state.delivered), (10, None, 8));
}

#[test]
fn a_crash_between_two_halves_repeats_all_that_is_not_decided() {
    let log = mixed();
    let place = Place::default();
    place.next(Answer::RefuseAll("one of them is bad"));
    // 1 and 2, which stand for 4, 5, 7 and 10, too.
    place.next(Answer::RefuseThese(vec![2]));
    place.always(Answer::Stall);
    let (delivery, heard) = log.deliver(vec![capitals(&place).required(true)]);
    until("the second half is on its way", || place.attempts().len() == 3);
    let stored = state(&log);
    assert_eq!(stored.acknowledged, 2, "3 is still to be sent");
    assert_eq!(
        stored.in_flight.map(|batch| (batch.through, batch.records)),
        Some((10, 8)),
        "of the log's, what is not acknowledged"
    );
    assert_eq!(stored.delivered, 1, "of 1, 4, 7 and 10, the last three are to be sent once more");
    assert_eq!(dead(&log), own(&log, &[2]), "5 may yet be sent once more");
    assert_eq!(heard.acknowledged.lock().unwrap().1.len(), 1);
    drop(delivery);

    // Limits have changed since; the batch stays what it was.
    for answer in [Answer::Stall, Answer::Accept] {
        let before = place.attempts().len();
        place.always(answer.clone());
        let small = BatchLimits { records: 2, ..BatchLimits::default() };
        let (delivery, _) = log.deliver(vec![capitals(&place).limits(small)]);
        until("repeated", || place.attempts().len() > before);
        if matches!(answer, Answer::Accept) {
            close(&delivery);
        }
        drop(delivery);
        assert_eq!(numbers(&place.attempts()[before]), [3, 4, 5, 9]);
    }
    let attempts = place.attempts();
    let repeated: Vec<_> = attempts.iter().filter(|attempt| numbers(attempt) == [3, 4, 5, 9]).collect();
    assert!(repeated.len() >= 2 && repeated.iter().all(|it| *it == repeated[0]), "byte for byte");
    assert_eq!(dead(&log), own(&log, &[2]), "nothing twice");
    let state = state(&log);
    assert_eq!((state.acknowledged, state.in_flight), (10, None));
    assert_eq!((state.delivered, state.dead_lettered), (9, 1), "4, 7 and 10 arrived twice, and count once");
}

#[test]
fn a_batch_that_was_on_its_way_at_a_crash_is_written_again_as_it_was() {
    let mut log = mixed();
    let place = Place::default();
    place.always(Answer::Stall);
    let eight = BatchLimits { records: 8, age: Duration::ZERO, ..BatchLimits::default() };
    let (delivery, _) = log.deliver(vec![capitals(&place).limits(eight)]);
    until("on its way", || !place.attempts().is_empty());
    drop(delivery);
    let before = place.attempts()[0].clone();
    log.write("a.a", 9);
    place.always(Answer::Accept);
    let (delivery, _) = log.deliver(vec![capitals(&place)]);
    close(&delivery);
    assert_eq!(place.accepted()[0], before, "byte for byte");
    assert_eq!(numbers(&before), [1, 2, 3]);
    assert_eq!(
        place.accepted().iter().map(numbers).collect::<Vec<_>>(),
        [vec![1, 2, 3], vec![9, 10], vec![19]]
    );
    assert_eq!(state(&log).delivered, 19);
}

#[test]
fn what_cannot_be_written_is_dead_and_a_batch_of_nothing_else_is_not_sent() {
    let mut log = Log::new();
    log.write("secret.told", 10);
    log.write("a.a", 3);
    log.write("secret.told", 2);
    let place = Place::default();
    let (delivery, _) = log.deliver(vec![capitals(&place)]);
    close(&delivery);
    assert_eq!(place.attempts().iter().map(numbers).collect::<Vec<_>>(), [[11]]);
    let all: Vec<u64> = (1..=10).chain([14, 15]).collect();
    assert_eq!(dead(&log), own(&log, &all));
    let letters = DeadLetters::of(&log.state(), "siem").list().unwrap();
    assert!(letters.iter().all(|letter| letter.reason == "nobody else's business"));
    let state = state(&log);
    assert_eq!(
        (state.acknowledged, state.in_flight, state.delivered, state.dead_lettered),
        (15, None, 3, 12)
    );
}

#[test]
fn what_cannot_be_written_is_dead_once_however_often_its_batch_is_repeated() {
    let mut log = Log::new();
    log.write("secret.told", 2);
    log.write("a.a", 1);
    log.write("secret.told", 2);
    let place = Place::default();
    place.always(Answer::Fail("down"));
    for _ in 0..3 {
        let tried = place.attempts().len();
        let (delivery, _) = log.deliver(vec![capitals(&place)]);
        until("tried", || place.attempts().len() > tried);
        drop(delivery);
    }
    place.always(Answer::Accept);
    let (delivery, _) = log.deliver(vec![capitals(&place)]);
    close(&delivery);
    assert_eq!(dead(&log), own(&log, &[1, 2, 4, 5]));
    assert!(place.attempts().iter().all(|attempt| *attempt == place.attempts()[0]));
}

#[test]
fn dead_letters_can_be_sent_again_in_the_format() {
    let mut log = mixed();
    log.write("secret.told", 1);
    let place = Place::default();
    place.always(Answer::RefuseAll("not today"));
    let (delivery, _) = log.deliver(vec![capitals(&place)]);
    close(&delivery);
    assert_eq!(dead(&log).len(), 11);
    place.always(Answer::Accept);
    let mut destination = capitals(&place);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut send = |records: &[Record]| {
        let batch = Batch { chain_id: "orders".into(), records: records.to_vec() };
        let receipt = runtime.block_on(destination.send(&batch))?;
        Ok::<_, SinkError>(receipt.rejected.into_iter().map(|it| it.sequence_number).collect::<Vec<_>>())
    };
    let letters = DeadLetters::of(&log.state(), "siem").list().unwrap();
    let records: Vec<Record> = letters.into_iter().map(|letter| letter.record).collect();
    let attempts = place.attempts().len();
    assert_eq!(send(&records[10..]).unwrap(), [11], "the format refuses it, and nothing is sent");
    assert_eq!(place.attempts().len(), attempts);
    assert_eq!(send(&records[3..4]).unwrap(), [0; 0]);
    let sent = place.accepted().pop().unwrap();
    assert_eq!(sent.records[0].bytes, format!("1 times {}", lines(&log)[3].to_uppercase()).into_bytes());
    place.next(Answer::RefuseThese(vec![2]));
    assert_eq!(send(&records).unwrap(), [2, 5, 11], "the log's records, not those that stand for them");
    place.next(Answer::Fail("down"));
    assert!(matches!(send(&records), Err(SinkError::Retryable { .. })));
}

#[test]
fn every_record_that_the_format_refuses_is_named_in_whatever_order_they_are_sent() {
    let record = |sequence_number, event_type: &str| Record {
        sequence_number,
        event_type: event_type.to_owned(),
        ..Record::default()
    };
    let place = Place::default();
    place.next(Answer::RefuseThese(vec![4]));
    let records = vec![
        record(9, "secret.told"),
        record(7, "a.a"),
        record(4, "a.a"),
        record(5, "secret.told"),
        record(3, "b.b"),
    ];
    let batch = Batch { chain_id: "orders".into(), records };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let receipt = runtime.block_on(capitals(&place).send(&batch)).unwrap();
    let rejected: Vec<u64> = receipt.rejected.iter().map(|it| it.sequence_number).collect();
    assert_eq!(rejected, [4, 5, 7, 9]);
    assert_eq!(place.numbers(), [3]);
}
