//! Rules, destinations and workers that change while events are emitted.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use audit_delivery::{BatchLimits, Beginning, DeliveryError, Destination, OutageLimits, Retry};
use audit_integrity::{Key, KeyRing, Verdict, Verifier};
use audit_model::{Action, Actor, Event, EventType};
use audit_pipeline::{
    EmitError, OnFailure, Options, Pipeline, Receipt, Reconfiguration, ReconfigureError, Redaction,
    RedactionMethod, Selection,
};
use audit_sink::{Batch, MemorySink, Receipt as Accepted, SendFuture, Sink, SinkError};

/// Notes each record as often as it comes, and on which thread; fails when told to.
#[derive(Clone, Debug, Default)]
struct Place {
    got: Arc<Mutex<Vec<(u64, String)>>>,
    threads: Arc<Mutex<HashSet<ThreadId>>>,
    fails: Arc<AtomicBool>,
    attempts: Arc<AtomicU64>,
}

impl Place {
    fn numbers(&self) -> Vec<u64> {
        self.got.lock().unwrap().iter().map(|(number, _)| *number).collect()
    }

    fn types(&self) -> Vec<String> {
        self.got.lock().unwrap().iter().map(|(_, event_type)| event_type.clone()).collect()
    }

    fn fails(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }
}

impl Sink for Place {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Accepted> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Box::pin(async { Err(SinkError::retryable("out of order")) });
        }
        self.threads.lock().unwrap().insert(std::thread::current().id());
        let records = batch.records.iter().map(|it| (it.sequence_number, it.event_type.clone()));
        self.got.lock().unwrap().extend(records);
        Box::pin(async { Ok(Accepted::default()) })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

fn to(name: &str, sink: impl Sink + 'static) -> Destination {
    let retry =
        Retry { initial: Duration::from_millis(2), maximum: Duration::from_millis(10), attempts: None };
    Destination::new(name, Box::new(sink))
        .limits(BatchLimits { age: Duration::from_millis(2), ..BatchLimits::default() })
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

fn changes() -> Reconfiguration {
    Reconfiguration::default()
}

fn only(pattern: &str) -> Vec<Selection> {
    vec![Selection::default().events([pattern.parse().unwrap()])]
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Four emitters as fast as they can, two of whom wait, and two hundred changes.
#[test]
fn who_is_not_named_gets_every_record_once_in_order_on_the_same_thread() {
    let directory = tempfile::tempdir().unwrap();
    let steady: [Place; 2] = Default::default();
    let (comes, changed) = (MemorySink::default(), Place::default());
    let log = options(directory.path())
        .deliver_to(to("a", steady[0].clone()))
        .deliver_to(to("b", steady[1].clone()).required(true))
        .start()
        .unwrap();
    let (stop, taken) = (AtomicBool::new(false), AtomicU64::new(0));
    let emits = |waits: bool| {
        while !stop.load(Ordering::SeqCst) {
            for event_type in [EventType::AUTH_LOGIN, EventType::BACKUP_STARTED] {
                let event = event(event_type);
                let receipt = if waits { log.emit_blocking(&event) } else { log.enqueue_blocking(&event) };
                if receipt.unwrap() != Receipt::NotSelected {
                    taken.fetch_add(1, Ordering::SeqCst);
                }
            }
            if !waits {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    };
    std::thread::scope(|scope| {
        let emitters = [true, true, false, false].map(|waits| scope.spawn(move || emits(waits)));
        for round in 0..200 {
            let required = round % 8 < 4;
            let change = match round % 5 {
                0 => changes().deliver_to(to("comes", comes.clone())).selections(only("backup.*")),
                1 => changes().deliver_to(to("changed", changed.clone()).required(required)),
                2 => changes().deliver_to(to("changed", changed.clone())).remove_destination("comes"),
                3 => changes().selections(Vec::new()).on_failure(OnFailure::Block),
                _ => changes().remove_destination("changed").redact(Redaction::default()),
            };
            log.reconfigure(change).unwrap();
        }
        stop.store(true, Ordering::SeqCst);
        emitters.into_iter().for_each(|emitter| emitter.join().unwrap());
    });
    let last = changes().deliver_to(to("comes", comes.clone())).deliver_to(to("changed", changed.clone()));
    log.reconfigure(last).unwrap();
    let summary = log.close().unwrap().unwrap();
    assert_eq!((summary.undelivered.as_slice(), summary.lost), (&[][..], 0));
    assert_eq!(summary.recorded, taken.load(Ordering::SeqCst), "each that was taken, and no other");
    let all: Vec<u64> = (1..=summary.head.unwrap().sequence_number).collect();
    for place in &steady {
        assert!(place.numbers() == all, "every record once, in order");
        assert_eq!(place.threads.lock().unwrap().len(), 1, "its follower is the same");
    }
    assert!(changed.threads.lock().unwrap().len() > 50, "each successor has a follower of its own");
    assert!(changed.numbers() == all, "in order, and once, as nothing failed");
    let came: Vec<u64> = comes.records().iter().map(|record| record.sequence_number).collect();
    assert!(came == all, "at least once, in order");
    let log = directory.path().join("audit.log");
    let report = Verifier::new(KeyRing::from_iter([key()])).verify(&[&log]).unwrap();
    assert_eq!(report.chains[0].verdict, Verdict::Intact);
}

/// Others emit meanwhile; what this thread does is in order.
#[test]
fn an_event_is_under_the_rules_that_were_in_force_when_it_was_emitted() {
    let directory = tempfile::tempdir().unwrap();
    let log = options(directory.path()).start().unwrap();
    let stop = AtomicBool::new(false);
    let mask = || Redaction::default().rule("details.password", RedactionMethod::Mask).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                log.try_emit(&event(EventType::CONFIG_VIEWED)).map(drop).unwrap();
            }
        });
        for round in 0..100 {
            let secret = |name: &str| event(EventType::BACKUP_STARTED).detail("password", name);
            log.reconfigure(changes().selections(only("auth.*")).redact(mask())).unwrap();
            let refused = log.enqueue_blocking(&event(EventType::BACKUP_STARTED)).unwrap();
            assert_eq!(refused, Receipt::NotSelected, "{round}");
            log.reconfigure(changes().selections(Vec::new())).unwrap();
            let masked = log.enqueue_blocking(&secret(&format!("masked-{round}"))).unwrap();
            log.reconfigure(changes().redact(Redaction::default())).unwrap();
            let plain = log.enqueue_blocking(&secret(&format!("plain-{round}"))).unwrap();
            assert_eq!((masked, plain), (Receipt::Queued, Receipt::Queued));
        }
        stop.store(true, Ordering::SeqCst);
    });
    log.close().unwrap();
    let text = std::fs::read_to_string(directory.path().join("audit.log")).unwrap();
    assert!(!text.contains("masked-"));
    assert_eq!(text.matches("\"password\":\"plain-").count(), 100);
    assert_eq!(text.matches("\"password\":\"******\"").count(), 100);
}

#[test]
fn what_was_emitted_before_goes_to_who_is_removed_and_what_comes_later_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let (place, other) = (Place::default(), Place::default());
    let log = options(directory.path()).deliver_to(to("other", other.clone())).start().unwrap();
    for round in 0..30 {
        let destination = to("place", place.clone()).beginning(Beginning::Now);
        log.reconfigure(changes().deliver_to(destination)).unwrap();
        log.enqueue_blocking(&event(EventType::AUTH_LOGIN)).map(drop).unwrap();
        log.enqueue_blocking(&event(EventType::AUTH_LOGIN)).map(drop).unwrap();
        let left = log.reconfigure(changes().remove_destination("place")).unwrap();
        assert_eq!(left.undelivered, []);
        let logins = place.types().iter().filter(|it| *it == "auth.login").count();
        assert_eq!(logins, 2 * (round + 1), "both, though nobody waited for them");
        // The next time it goes on with it, as it goes on where it was.
        log.enqueue_blocking(&event(EventType::BACKUP_STARTED)).map(drop).unwrap();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(place.types().iter().filter(|it| *it == "backup.started").count(), round);
    }
    log.close().unwrap();
}

#[test]
fn a_log_that_had_no_destination_gets_its_first_one() {
    let directory = tempfile::tempdir().unwrap();
    let log = Pipeline::options(directory.path().join("audit.log")).start().unwrap();
    let unknown = log.reconfigure(changes().remove_destination("siem").selections(only("auth.*")));
    assert!(matches!(unknown, Err(ReconfigureError::Delivery(DeliveryError::Unknown { .. }))));
    assert!(!directory.path().join(".audit.log.delivery").exists());
    let place = Place::default();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                assert!(
                    log.emit_blocking(&event(EventType::BACKUP_STARTED)).unwrap().sequence_number() > Some(1)
                );
            }
        });
        until("some records", || log.recorded() > 10);
        log.reconfigure(changes().deliver_to(to("siem", place.clone()).required(true))).unwrap();
        let number = log.emit_blocking(&event(EventType::AUTH_LOGIN)).unwrap().sequence_number().unwrap();
        assert!(place.numbers().contains(&number), "it is waited for");
        stop.store(true, Ordering::SeqCst);
    });
    // Nothing else happens: what became durable while it was begun was told to it.
    until("all is there", || place.numbers().len() as u64 == log.status().last_sequence);
    assert_eq!(log.close().unwrap().unwrap().undelivered, []);
    let numbers = place.numbers();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "from the log's first record on");
}

#[test]
fn a_required_destination_that_is_removed_releases_who_waits_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let (down, other) = (Place::default(), Place::default());
    down.fails(true);
    let log = options(directory.path())
        .deliver_to(to("down", down.clone()).required(true))
        .deliver_to(to("other", other.clone()))
        .on_failure(OnFailure::Block)
        .start()
        .unwrap();
    let emit = || {
        let log = log.clone();
        std::thread::spawn(move || log.emit_blocking(&event(EventType::AUTH_LOGIN)))
    };
    let waiting = emit();
    until("it is recorded", || log.recorded() == 1);
    // A successor that is down as well is waited for as before.
    log.reconfigure(changes().deliver_to(to("down", down.clone()).required(true))).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(!waiting.is_finished());
    // Meanwhile others are not held up, though the removed one is given its time.
    let removing = std::thread::spawn({
        let log = log.clone();
        move || log.reconfigure(changes().remove_destination("down").drain_timeout(Duration::from_secs(3)))
    });
    assert!(waiting.join().unwrap().unwrap().sequence_number().is_some());
    assert!(emit().join().unwrap().is_ok());
    until("the other has it", || other.types().iter().filter(|it| *it == "auth.login").count() == 2);
    assert!(!removing.is_finished(), "all that while it drains");
    let left = removing.join().unwrap().unwrap().undelivered;
    assert_eq!((left[0].destination.as_str(), left[0].reason.as_deref()), ("down", Some("out of order")));
    log.close().unwrap();
}

#[test]
fn the_timeout_for_required_ones_changes_for_who_waits() {
    let directory = tempfile::tempdir().unwrap();
    let down = Place::default();
    down.fails(true);
    let log = options(directory.path())
        .deliver_to(to("down", down).required(true))
        .required_timeout(Duration::from_secs(3600))
        .drain_timeout(Duration::ZERO)
        .start()
        .unwrap();
    let waiting = std::thread::spawn({
        let log = log.clone();
        move || log.emit_blocking(&event(EventType::AUTH_LOGIN))
    });
    until("it is recorded", || log.recorded() == 1);
    log.reconfigure(changes().required_timeout(Duration::from_millis(50))).unwrap();
    assert!(matches!(waiting.join().unwrap(), Err(EmitError::Undelivered { .. })));
    log.close().unwrap();
}

#[test]
fn a_spool_that_is_full_is_told_and_is_not_when_more_may_wait() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::default();
    place.fails(true);
    let log = options(directory.path())
        .deliver_to(to("siem", place.clone()))
        .max_spool_bytes(10_000)
        .drain_timeout(Duration::from_secs(10))
        .start()
        .unwrap();
    assert_eq!(log.status().can_record, Ok(()));
    until("it is full", || log.emit_blocking(&event(EventType::AUTH_LOGIN)).is_err());
    let why = log.status().can_record.unwrap_err();
    assert!(why.contains("wait for destination `siem`"), "{why}");
    log.reconfigure(changes().max_spool_bytes(Some(1 << 30))).unwrap();
    assert!(log.emit_blocking(&event(EventType::AUTH_LOGIN)).is_ok(), "at once, whatever was found before");
    assert_eq!(log.status().can_record, Ok(()));
    log.reconfigure(changes().max_spool_bytes(Some(10_000))).unwrap();
    assert!(log.emit_blocking(&event(EventType::AUTH_LOGIN)).is_err());
    assert!(log.status().can_record.is_err());
    // Who is told so may not come again before it is known that it is over.
    place.fails(false);
    until("nobody tries", || log.status().can_record.is_ok());
    log.close().unwrap();
    assert!(log.status().can_record.is_err(), "it is closed");
}

#[test]
fn a_worker_is_replaced_when_it_has_ended_and_others_are_not_told() {
    let directory = tempfile::tempdir().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let works = |name: &'static str| {
        let told = Arc::clone(&told);
        move |worker: &audit_pipeline::Worker| {
            told.lock().unwrap().push(format!("{name} begins"));
            while worker.pause(Duration::from_secs(3600)) {}
            assert!(worker.is_closing());
            std::thread::sleep(Duration::from_millis(50));
            told.lock().unwrap().push(format!("{name} ends"));
        }
    };
    let log = options(directory.path()).worker("keeper", works("first")).start().unwrap();
    until("it works", || told.lock().unwrap().len() == 1);
    log.reconfigure(changes().worker("other", works("other"))).unwrap();
    until("it works", || told.lock().unwrap().len() == 2);
    log.reconfigure(changes().worker("keeper", works("second"))).unwrap();
    until("it works", || told.lock().unwrap().len() == 4);
    log.reconfigure(changes().stop_worker("keeper").stop_worker("nobody")).unwrap();
    let so_far = ["first begins", "other begins", "first ends", "second begins", "second ends"];
    assert_eq!(*told.lock().unwrap(), so_far);
    log.close().unwrap();
    assert_eq!(told.lock().unwrap()[5..], ["other ends"]);
    let closed = log.reconfigure(changes().worker("late", |_| ()));
    assert!(matches!(closed, Err(ReconfigureError::Closed)));
}

#[test]
fn what_is_called_before_closing_is_what_was_said_last() {
    let directory = tempfile::tempdir().unwrap();
    let called = Arc::new(Mutex::new(Vec::new()));
    let calls = |name: &'static str| {
        let called = Arc::clone(&called);
        move || called.lock().unwrap().push(name)
    };
    let log = options(directory.path()).before_close(calls("first")).start().unwrap();
    log.reconfigure(changes().before_close(calls("second")).before_close(calls("third"))).unwrap();
    log.reconfigure(changes().on_failure(OnFailure::Permit)).unwrap();
    log.close().unwrap();
    assert_eq!(*called.lock().unwrap(), ["second", "third"]);
}

#[test]
fn a_status_says_how_it_goes() {
    let directory = tempfile::tempdir().unwrap();
    let (works, fails) = (Place::default(), Place::default());
    fails.fails(true);
    let log = options(directory.path())
        .deliver_to(to("works", works))
        .deliver_to(to("fails", fails).required(true).optional(true))
        .required_timeout(Duration::ZERO)
        .drain_timeout(Duration::ZERO)
        .buffer_bytes(12_345)
        .start()
        .unwrap();
    let _ = log.emit_blocking(&event(EventType::AUTH_LOGIN));
    until("delivered", || log.status().destinations[0].acknowledged == 2);
    until("tried", || log.status().destinations[1].failing.is_some());
    let status = log.status();
    assert_eq!((status.last_sequence, status.durable, status.recorded, status.dropped), (2, 2, 1, 0));
    assert_eq!((status.buffer_used, status.buffer_bytes, status.tampered), (0, 12_345, 0));
    let [works, fails] = &status.destinations[..] else { panic!("{status:?}") };
    assert_eq!((works.name.as_str(), works.lag, works.delivered, &works.failing), ("works", 0, 2, &None));
    assert!(works.last_success.is_some() && works.oldest.is_none());
    assert_eq!((fails.name.as_str(), fails.lag, fails.required, fails.optional), ("fails", 2, true, true));
    assert_eq!(fails.failing.as_ref().unwrap().message, "out of order");
    assert!(fails.oldest.is_some() && fails.last_success.is_none());
    let recorder = log.recorder();
    assert_eq!(recorder.durable(), 2);
    log.close().unwrap();
}

#[test]
fn a_failure_that_lasts_is_on_record_and_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::default();
    place.fails(true);
    let limits = OutageLimits { after: Duration::from_millis(100), apart: Duration::from_secs(3600) };
    let log = options(directory.path())
        .deliver_to(to("siem", place.clone()).outages(limits))
        // It is the log's own, and nobody's selection.
        .select(Selection::default().events(["auth.*".parse().unwrap()]))
        .start()
        .unwrap();
    let path = directory.path().join("audit.log");
    let of_type = |event_type: &str| -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.map(|line| line["event"].clone()).filter(|it| it["event_type"] == event_type).collect()
    };
    until("on record", || of_type("audit.destination_failing").len() == 1);
    place.fails(false);
    until("on record, too", || of_type("audit.destination_recovered").len() == 1);
    until("delivered, to itself, too", || place.types().contains(&"audit.destination_recovered".to_owned()));
    let failing = of_type("audit.destination_failing").remove(0);
    assert_eq!(failing["resource"]["id"], "siem");
    assert_eq!(failing["action"]["result"], "failure");
    assert_eq!(failing["details"]["reason"], "out of order");
    assert_eq!(failing["details"]["lag_records"], 1);
    let recovered = of_type("audit.destination_recovered").remove(0);
    assert_eq!(recovered["details"]["since"], failing["details"]["since"]);
    assert_eq!(recovered["action"]["result"], "success");
    // It fails again, and with it what tells of it: no record makes another one.
    place.fails(true);
    log.emit_blocking(&event(EventType::AUTH_LOGIN)).map(drop).unwrap();
    let attempts = place.attempts.load(Ordering::SeqCst);
    until("tried", || place.attempts.load(Ordering::SeqCst) > attempts + 20);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(log.status().last_sequence, 4, "started, failing, recovered, and the login");
    place.fails(false);
    assert_eq!(log.close().unwrap().unwrap().undelivered, []);
    assert_eq!(place.numbers(), (1..=5).collect::<Vec<_>>());
}
