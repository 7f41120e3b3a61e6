//! Delivery behind a pipeline: what is recorded arrives, callers wait only for what is required, and nothing is deleted
//! that a destination lacks.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use audit_delivery::{BatchLimits, Destination, Retry};
use audit_integrity::{Key, KeyRing, Verdict, Verifier};
use audit_journal::{Rotation, segments};
use audit_model::{Action, Actor, Event, EventType};
use audit_pipeline::{EmitError, OnFailure, Options, Pipeline, Receipt, Selection};
use audit_sink::{Batch, Receipt as Accepted, Rejection, SendFuture, Sink, SinkError};

type Numbered = (u64, Vec<u8>);

#[derive(Clone, Debug, Default)]
struct Place {
    got: Arc<Mutex<Vec<Numbered>>>,
    mood: Arc<AtomicU8>,
}

const WORKS: u8 = 0;
const FAILS: u8 = 1;
const STALLS: u8 = 2;
const REFUSES_LOGINS: u8 = 3;
const PANICS: u8 = 4;
const IS_CLOSED: u8 = 5;
const BLOCKS: u8 = 6;

impl Place {
    fn mood(&self, mood: u8) {
        self.mood.store(mood, Ordering::SeqCst);
    }

    fn numbers(&self) -> Vec<u64> {
        self.got.lock().unwrap().iter().map(|(number, _)| *number).collect()
    }
}

impl Sink for Place {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Accepted> {
        Box::pin(async move {
            let mood = self.mood.load(Ordering::SeqCst);
            match mood {
                FAILS => return Err(SinkError::retryable("out of order")),
                STALLS => std::future::pending().await,
                PANICS => panic!("a sink with a fault"),
                IS_CLOSED => return Err(SinkError::Closed),
                BLOCKS => std::thread::sleep(Duration::from_secs(5)),
                _ => {}
            }
            let refused = |event_type: &str| mood == REFUSES_LOGINS && event_type == "auth.login";
            let mut receipt = Accepted::default();
            for record in &batch.records {
                if refused(&record.event_type) {
                    let reason = "no logins here".to_owned();
                    receipt.rejected.push(Rejection { sequence_number: record.sequence_number, reason });
                } else {
                    self.got.lock().unwrap().push((record.sequence_number, record.bytes.clone()));
                }
            }
            Ok(receipt)
        })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

fn to(name: &str, place: &Place) -> Destination {
    let retry =
        Retry { initial: Duration::from_millis(2), maximum: Duration::from_millis(10), attempts: None };
    Destination::new(name, Box::new(place.clone()))
        .limits(BatchLimits { age: Duration::from_millis(5), ..BatchLimits::default() })
        .timeout(Duration::from_millis(200))
        .retry(retry)
}

fn key() -> Key {
    Key::from_text(&"0123456789abcdef0123456789abcdef".into()).unwrap()
}

fn options(directory: &Path) -> Options {
    Pipeline::options(directory.join("audit.log")).signing_key(key())
}

fn event(event_type: EventType) -> Event {
    Event::new(event_type, Actor::user("alice"), Action::success("test"))
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not within 20 seconds: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn everything_arrives_and_a_copy_verifies() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (Place::default(), Place::default());
    let log = options(directory.path()).deliver_to(to("first", &first)).deliver_to(to("second", &second));
    let log = log.start().unwrap();
    for _ in 0..500 {
        log.try_emit(&event(EventType::AUTH_LOGIN)).map(drop).unwrap();
    }
    let summary = log.close().unwrap().unwrap();
    assert_eq!(summary.undelivered, []);
    for (name, place) in [("first", first), ("second", second)] {
        assert_eq!(place.numbers(), (1..=502).collect::<Vec<_>>(), "{name}");
        let copy = directory.path().join(name);
        let lines: Vec<u8> = place
            .got
            .lock()
            .unwrap()
            .iter()
            .flat_map(|(_, line)| [line.as_slice(), b"\n"].concat())
            .collect();
        std::fs::write(&copy, lines).unwrap();
        let report = Verifier::new(KeyRing::from_iter([key()])).verify(&[&copy]).unwrap();
        assert_eq!(report.chains[0].verdict, Verdict::Intact, "{name}");
    }
    assert!(directory.path().join(".audit.log.delivery/first.json").exists());
}

#[test]
fn the_first_record_arrives_while_nothing_else_happens() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::default();
    let log = options(directory.path()).deliver_to(to("siem", &place)).start().unwrap();
    until("delivered", || place.numbers() == [1]);
    log.close().unwrap();
}

#[test]
fn a_required_destination_is_waited_for_and_no_other_is() {
    let directory = tempfile::tempdir().unwrap();
    let (required, other) = (Place::default(), Place::default());
    other.mood(STALLS);
    let log = options(directory.path())
        .deliver_to(to("required", &required).required(true))
        .deliver_to(to("other", &other))
        .drain_timeout(Duration::from_secs(2))
        .start()
        .unwrap();
    for _ in 0..20 {
        let receipt = log.emit_blocking(&event(EventType::AUTH_LOGIN)).unwrap();
        let number = receipt.sequence_number().unwrap();
        assert_eq!(required.numbers().last(), Some(&number), "it is there when the caller goes on");
    }
    let receipt = futures_executor::block_on(log.emit(&event(EventType::AUTH_LOGIN))).unwrap();
    assert_eq!(required.numbers().last(), receipt.sequence_number().as_ref());
    assert_eq!(log.try_emit(&event(EventType::AUTH_LOGIN)).unwrap(), Receipt::Queued);
    let summary = log.close().unwrap().unwrap();
    assert_eq!(summary.undelivered.len(), 1);
    assert_eq!(summary.undelivered[0].destination, "other");
}

#[test]
fn while_a_required_destination_is_down_the_policy_decides() {
    for (policy, patience) in [
        (OnFailure::Reject, Duration::from_millis(300)),
        (OnFailure::Permit, Duration::from_millis(300)),
        (OnFailure::Block, Duration::ZERO),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::default();
        place.mood(FAILS);
        let log = options(directory.path())
            .deliver_to(to("required", &place).required(true))
            .on_failure(policy)
            .required_timeout(patience)
            .start()
            .unwrap();
        let waiting = std::thread::spawn({
            let log = log.clone();
            move || log.emit_blocking(&event(EventType::AUTH_LOGIN))
        });
        std::thread::sleep(Duration::from_millis(100));
        assert!(!waiting.is_finished(), "{policy:?}");
        if policy == OnFailure::Block {
            std::thread::sleep(Duration::from_millis(500));
            assert!(!waiting.is_finished(), "it waits for as long as it takes");
            place.mood(WORKS);
        }
        match (policy, waiting.join().unwrap()) {
            (OnFailure::Reject, Err(EmitError::Undelivered { sequence_number: 2, reason })) => {
                assert_eq!(&*reason, "no confirmation from a required destination within 300ms");
            }
            (OnFailure::Permit | OnFailure::Block, Ok(Receipt::Recorded { sequence_number: 2 })) => {}
            (_, other) => panic!("{policy:?}: {other:?}"),
        }
        place.mood(WORKS);
        assert_eq!(log.close().unwrap().unwrap().undelivered, []);
        assert_eq!(place.numbers(), [1, 2, 3], "{policy:?}: delivered in the end");
    }
}

#[test]
fn whom_a_required_destination_refuses_is_told_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::default();
    place.mood(REFUSES_LOGINS);
    let log = options(directory.path()).deliver_to(to("siem", &place).required(true)).start().unwrap();
    let (login, backup) = (event(EventType::AUTH_LOGIN), event(EventType::BACKUP_STARTED));
    let all = [log.emit(&login), log.emit(&backup), log.emit(&login)].map(futures_executor::block_on);
    assert!(
        matches!(&all[0], Err(EmitError::Undelivered { sequence_number: 2, reason })
        if &**reason == "destination `siem` refused it: no logins here"),
        "{all:?}"
    );
    assert!(matches!(&all[1], Ok(Receipt::Recorded { sequence_number: 3 })), "{all:?}");
    assert!(matches!(&all[2], Err(EmitError::Undelivered { sequence_number: 4, .. })), "{all:?}");
    log.close().unwrap();
}

#[test]
fn callers_who_wait_are_answered_when_the_log_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::default();
    place.mood(STALLS);
    let log = options(directory.path())
        .deliver_to(to("siem", &place).required(true))
        .on_failure(OnFailure::Block)
        .drain_timeout(Duration::from_millis(50))
        .start()
        .unwrap();
    let waiting = std::thread::spawn({
        let log = log.clone();
        move || log.emit_blocking(&event(EventType::AUTH_LOGIN))
    });
    std::thread::sleep(Duration::from_millis(100));
    log.close().unwrap();
    assert!(matches!(waiting.join().unwrap(), Err(EmitError::Undelivered { sequence_number: 2, .. })));
}

#[test]
fn no_segment_is_deleted_that_a_destination_lacks() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::default();
    place.mood(FAILS);
    let rotation = || Rotation::never().max_size(2000).max_files(2);
    let start = || {
        let options = options(directory.path()).rotation(rotation());
        options.deliver_to(to("siem", &place)).drain_timeout(Duration::from_secs(5)).start().unwrap()
    };
    let log = start();
    for _ in 0..100 {
        log.emit_blocking(&event(EventType::AUTH_LOGIN)).map(drop).unwrap();
    }
    let path = directory.path().join("audit.log");
    assert!(segments(&path).unwrap().len() > 20, "all are kept");
    place.mood(WORKS);
    until("delivered", || place.numbers().len() >= 101);
    for _ in 0..10 {
        log.emit_blocking(&event(EventType::AUTH_LOGIN)).map(drop).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(log.close().unwrap().unwrap().undelivered, []);
    assert!(
        segments(&path).unwrap().len() < 6,
        "what is delivered goes: {:?}",
        segments(&path).unwrap().len()
    );
    let numbers = place.numbers();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "nothing is missing at the place");
}

#[test]
fn a_full_spool_is_handled_as_the_policy_says_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::default();
    place.mood(FAILS);
    let log = options(directory.path())
        .deliver_to(to("siem", &place))
        .max_spool_bytes(20_000)
        .drain_timeout(Duration::from_secs(5))
        .start()
        .unwrap();
    let begun = Instant::now();
    let error = loop {
        match log.emit_blocking(&event(EventType::AUTH_LOGIN)) {
            Ok(_) => assert!(begun.elapsed() < Duration::from_secs(20), "20,000 bytes are never too many"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("wait for destination `siem`, and 20000 may"), "{error}");
    place.mood(WORKS);
    until("there is room again", || log.emit_blocking(&event(EventType::AUTH_LOGIN)).is_ok());
    assert_eq!(log.close().unwrap().unwrap().undelivered, []);
    let numbers = place.numbers();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn an_unsealed_log_is_delivered_too() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::default();
    for _ in 0..2 {
        let log = Pipeline::options(directory.path().join("audit.log")).deliver_to(to("siem", &place));
        let log = log.start().unwrap();
        log.emit_blocking(&event(EventType::AUTH_LOGIN)).map(drop).unwrap();
        assert_eq!(log.close().unwrap().unwrap().undelivered, []);
    }
    assert_eq!(place.numbers(), (1..=6).collect::<Vec<_>>());
    // Places tell logs apart by it, on all machines.
    let kept = directory.path().join(".audit.log.delivery/chain_id");
    let name = std::fs::read_to_string(&kept).unwrap();
    assert!(name.starts_with("chain-") && name.len() > 30, "{name}");
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&kept.metadata().unwrap().permissions()) & 0o777,
        0o600,
        "for its owner alone, as what stands beside it"
    );
}

#[test]
fn a_restart_deletes_nothing_that_a_destination_lacks() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::default();
    place.mood(FAILS);
    let start = |patience| {
        let rotation = Rotation::never().max_size(2000).max_files(2);
        let options = options(directory.path()).rotation(rotation).drain_timeout(patience);
        options.deliver_to(to("siem", &place)).start().unwrap()
    };
    let log = start(Duration::from_millis(20));
    for _ in 0..100 {
        log.emit_blocking(&event(EventType::AUTH_LOGIN)).map(drop).unwrap();
    }
    log.close().unwrap();
    for _ in 0..5 {
        start(Duration::from_millis(20)).close().unwrap();
    }
    place.mood(WORKS);
    let log = start(Duration::from_secs(5));
    assert_eq!(log.close().unwrap().unwrap().undelivered, []);
    let numbers = place.numbers();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "from the very first");
}

#[test]
fn callers_are_answered_whatever_becomes_of_the_required_destination() {
    for mood in [PANICS, IS_CLOSED, BLOCKS] {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::default();
        place.mood(mood);
        let log = options(directory.path())
            .deliver_to(to("siem", &place).required(true))
            .required_timeout(Duration::from_millis(200))
            .drain_timeout(Duration::from_millis(50))
            .start()
            .unwrap();
        let answer = log.emit_blocking(&event(EventType::AUTH_LOGIN));
        assert!(
            matches!(answer, Err(EmitError::Undelivered { sequence_number: 2, .. })),
            "{mood}: {answer:?}"
        );
        let undelivered = log.close().unwrap().unwrap().undelivered;
        assert!(undelivered[0].reason.is_some(), "{mood}: {undelivered:?}");
    }
}

#[test]
fn what_was_accepted_is_recorded_though_the_spool_is_full_when_the_log_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::default();
    place.mood(FAILS);
    let log = options(directory.path())
        .deliver_to(to("siem", &place))
        .max_spool_bytes(20_000)
        .on_failure(OnFailure::Block)
        .drain_timeout(Duration::from_millis(50))
        .start()
        .unwrap();
    let mut emitted = 0;
    until("the spool is full, and it is told", || {
        log.try_emit(&event(EventType::AUTH_LOGIN)).map(drop).unwrap();
        emitted += 1;
        log.take_notices().iter().any(|notice| notice.contains("wait for destination `siem`"))
    });
    for _ in 0..500 {
        log.try_emit(&event(EventType::AUTH_LOGIN)).map(drop).unwrap();
    }
    let summary = log.close().unwrap().unwrap();
    assert_eq!((summary.recorded, summary.lost), (emitted + 500, 0));
}

#[test]
fn an_optional_destination_is_kept_records_for_while_there_is_room_and_holds_up_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let (place, pager) = (Place::default(), Place::default());
    pager.mood(FAILS);
    let start = |max_spool| {
        options(directory.path())
            .rotation(Rotation::never().max_size(2000).max_files(1))
            .deliver_to(to("siem", &place))
            .deliver_to(to("pager", &pager).optional(true))
            .max_spool_bytes(max_spool)
            .drain_timeout(Duration::from_millis(100))
            .start()
            .unwrap()
    };
    let path = directory.path().join("audit.log");
    let record = |log: &Pipeline, count: usize| {
        for _ in 0..count {
            until("there is room", || log.emit_blocking(&event(EventType::AUTH_LOGIN)).is_ok());
        }
    };
    let log = start(1_000_000);
    record(&log, 100);
    assert!(segments(&path).unwrap().len() > 20, "all are kept for the pager");
    drop(log);
    let log = start(20_000);
    until("delivered", || place.numbers().len() >= 101);
    record(&log, 100);
    until("what the pager lacks goes when there is no room for it", || {
        record(&log, 1);
        segments(&path).unwrap().len() < 10
    });
    drop(log);
    let numbers = place.numbers();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "nothing is missing at the other");
}

#[test]
fn a_part_of_the_log_records_what_nobody_else_may_until_it_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::default();
    let selection = Selection::default().events(["backup.*".parse().unwrap()]);
    let closing = options(directory.path()).select(selection).deliver_to(to("siem", &place));
    let recorder = closing.recorder();
    assert!(matches!(recorder.record(&event(EventType::ALERT_FIRED)), Err(EmitError::Closed)));
    let last = recorder.clone();
    let log = closing
        .before_close(move || {
            drop(futures_executor::block_on(last.record(&event(EventType::ALERT_RESOLVED)).unwrap()));
        })
        .start()
        .unwrap();
    assert!(matches!(log.emit_blocking(&event(EventType::ALERT_FIRED)), Err(EmitError::Reserved(_))));
    let receipt =
        futures_executor::block_on(recorder.record(&event(EventType::ALERT_FIRED)).unwrap()).unwrap();
    assert_eq!(receipt, Receipt::Recorded { sequence_number: 2 });
    until("whoever wrote it has let go of the log", || recorder.flushed() == Some(2));
    until("those who follow may read it", || recorder.durable() == 2);
    assert_eq!(log.close().unwrap().unwrap().recorded, 0, "nobody else recorded anything");
    let lines = std::fs::read_to_string(directory.path().join("audit.log")).unwrap();
    let types: Vec<_> = lines
        .lines()
        .map(|line| line.split("\"event_type\":\"").nth(1).unwrap().split('"').next().unwrap())
        .collect();
    assert_eq!(types, ["audit.started", "alert.fired", "alert.resolved", "audit.stopped"]);
    assert!(matches!(recorder.record(&event(EventType::ALERT_FIRED)), Err(EmitError::Closed)));
    assert_eq!((recorder.flushed(), recorder.durable()), (None, 0));
}
