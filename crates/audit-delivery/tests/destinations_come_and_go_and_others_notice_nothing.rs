//! Destinations that are added, removed and replaced while the others are delivered to.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use audit_delivery::{Beginning, Delivery, DeliveryError, Destination, OutageLimits, State};
use audit_sink::{Batch, MemorySink, Receipt, SendFuture, Sink};
use place::{Answer, Log, Place, numbers, to, until};

const PATIENCE: Duration = Duration::from_secs(10);

/// Notes each record as often as it comes, and on which thread.
#[derive(Clone, Debug, Default)]
struct Threaded {
    threads: Arc<Mutex<HashSet<ThreadId>>>,
    closed: Arc<Mutex<u32>>,
    got: Arc<Mutex<Vec<u64>>>,
}

impl Sink for Threaded {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        self.threads.lock().unwrap().insert(std::thread::current().id());
        self.got.lock().unwrap().extend(numbers(batch));
        Box::pin(async { Ok(Receipt::default()) })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        *self.closed.lock().unwrap() += 1;
        Box::pin(async { Ok(()) })
    }
}

fn none() -> Vec<Destination> {
    Vec::new()
}

#[test]
fn one_that_is_added_gets_what_the_log_holds_and_what_comes() {
    let mut log = Log::new();
    log.write("auth.login", 5);
    let (first, second, third) = (Place::default(), Place::default(), Place::default());
    let (delivery, _) = log.deliver(vec![to("first", &first)]);
    until("delivered", || delivery.acknowledged_by_all() == 5);
    delivery.add(to("second", &second)).unwrap();
    delivery.add(to("third", &third).beginning(Beginning::Now)).unwrap();
    delivery.advance(log.write("auth.login", 4));
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(first.numbers(), (1..=9).collect::<Vec<_>>());
    assert_eq!(second.numbers(), (1..=9).collect::<Vec<_>>());
    assert_eq!(third.numbers(), (6..=9).collect::<Vec<_>>());
}

#[test]
fn one_that_is_removed_drains_and_counts_no_more_and_goes_on_when_it_comes_again() {
    let mut log = Log::new();
    log.write("auth.login", 5);
    let (slow, other) = (Place::default(), Place::default());
    slow.next(Answer::Stall);
    let (delivery, _) = log.deliver(vec![to("slow", &slow), to("other", &other)]);
    until("on its way", || !slow.attempts().is_empty());
    // It fails once by its timeout, and works then.
    assert_eq!(delivery.remove("slow", PATIENCE).unwrap(), None);
    assert_eq!(slow.numbers(), (1..=5).collect::<Vec<_>>(), "what was durable by then");
    delivery.advance(log.write("auth.login", 5));
    until("delivered", || delivery.acknowledged_by_all() == 10);
    assert_eq!(delivery.acknowledged_by("slow"), None);
    assert_eq!(delivery.places().iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["other"]);
    assert_eq!(slow.numbers().len(), 5, "and nothing later");
    assert_eq!(State::load(&log.state(), "slow").unwrap().unwrap().acknowledged, 5);
    delivery.add(to("slow", &slow)).unwrap();
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!(slow.numbers(), (1..=10).collect::<Vec<_>>());
}

/// Who removes a place that is down wants to go on at some time.
#[test]
fn one_that_is_removed_while_it_is_down_lets_go_in_time_and_holds_up_nobody_meanwhile() {
    let mut log = Log::new();
    log.write("auth.login", 5);
    let (dead, alive) = (Place::default(), Place::default());
    dead.always(Answer::Fail("no route to host"));
    let (delivery, _) = log.deliver(vec![to("dead", &dead), to("alive", &alive)]);
    let delivery = Arc::new(delivery);
    until("tried", || !dead.attempts().is_empty());
    let patience = Duration::from_millis(500);
    let removing = std::thread::spawn({
        let delivery = Arc::clone(&delivery);
        move || delivery.remove("dead", patience)
    });
    until("it counts no more", || delivery.acknowledged_by_all() == 5);
    assert!(!removing.is_finished(), "while it still drains");
    delivery.advance(log.write("auth.login", 5));
    until("delivered", || alive.numbers().len() == 10);
    let lacks = removing.join().unwrap().unwrap().unwrap();
    assert_eq!(
        (lacks.destination.as_str(), lacks.records),
        ("dead", 5),
        "of those that were durable by then"
    );
    assert_eq!(lacks.reason.as_deref(), Some("no route to host"));
    let attempts = dead.attempts().len();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(dead.attempts().len(), attempts, "nobody tries it any more");
    assert_eq!(delivery.close(PATIENCE), [], "and nobody asks for it");
}

#[test]
fn one_that_is_replaced_is_sent_again_what_was_on_its_way_as_it_was() {
    let mut log = Log::new();
    log.write("auth.login", 7);
    let (before, after) = (Place::default(), Place::default());
    before.always(Answer::Fail("401"));
    let (delivery, heard) = log.deliver(vec![to("s3", &before)]);
    until("it fails", || delivery.places()[0].failing.is_some());
    delivery.advance(log.write("auth.login", 7));
    let begun = Instant::now();
    let small = audit_delivery::BatchLimits { records: 3, ..audit_delivery::BatchLimits::default() };
    assert_eq!(delivery.change(&[], vec![to("s3", &after).limits(small)], PATIENCE).unwrap(), []);
    assert!(begun.elapsed() < PATIENCE, "what fails is not waited for");
    assert_eq!(delivery.close(PATIENCE), []);
    let batches: Vec<_> = after.accepted().iter().map(numbers).collect();
    assert_eq!(batches, [vec![1, 2, 3, 4, 5, 6, 7], vec![8, 9, 10], vec![11, 12, 13], vec![14]]);
    assert!(before.numbers().is_empty());
    assert!(heard.notices.lock().unwrap().iter().any(|it| it.contains("takes records again")));
}

#[test]
fn one_that_works_finishes_what_is_on_its_way_before_it_is_replaced() {
    let mut log = Log::new();
    log.write("auth.login", 25);
    let (before, after) = (Place::default(), Place::default());
    // Answered by its timeout, and then for good.
    before.next(Answer::Accept);
    before.next(Answer::Stall);
    let patient = to("s3", &before).timeout(Duration::from_millis(300));
    let (delivery, _) = log.deliver(vec![patient]);
    until("the second is on its way", || before.attempts().len() == 2);
    assert_eq!(delivery.change(&[], vec![to("s3", &after)], PATIENCE).unwrap(), []);
    assert_eq!(delivery.close(PATIENCE), []);
    let all = [before.numbers(), after.numbers()].concat();
    assert_eq!(all, (1..=25).collect::<Vec<_>>(), "each once");
    assert_eq!(before.numbers().len(), 20, "and nothing that was not on its way");
}

#[test]
fn required_ones_release_and_hold_who_waits() {
    let mut log = Log::new();
    log.write("auth.login", 3);
    let (down, fine) = (Place::default(), Place::default());
    down.always(Answer::Fail("down"));
    let (delivery, heard) = log.deliver(vec![to("down", &down).required(true), to("fine", &fine)]);
    let through = || heard.acknowledged.lock().unwrap().0;
    until("told of time", || !down.attempts().is_empty());
    assert_eq!(delivery.acknowledged_by_required(), Some(0));
    // Its successor is waited for with all that it was.
    let also_down = Place::default();
    also_down.always(Answer::Fail("down, too"));
    delivery.change(&[], vec![to("down", &also_down).required(true)], PATIENCE).unwrap();
    assert_eq!(delivery.acknowledged_by_required(), Some(0));
    // One that comes is waited for with what was not durable when it came.
    let late = Place::default();
    late.always(Answer::Fail("down"));
    delivery.change(&["down".to_owned()], vec![to("late", &late).required(true)], Duration::ZERO).unwrap();
    until("who waited for the other goes on", || through() == 3);
    delivery.advance(log.write("auth.login", 2));
    until("tried", || !late.attempts().is_empty());
    assert_eq!((delivery.acknowledged_by_required(), through()), (Some(3), 3));
    delivery.remove("late", Duration::ZERO).unwrap();
    until("none is required", || through() == u64::MAX);
    assert_eq!(delivery.acknowledged_by_required(), None);
    assert_eq!(delivery.close(PATIENCE), []);
}

/// What a required destination refuses of what nobody waits for it with is nobody's answer.
#[test]
fn nobody_is_told_of_refusals_of_what_was_durable_before() {
    let mut log = Log::new();
    log.write("auth.login", 3);
    let picky = Place::default();
    picky.always(Answer::RefuseThese(vec![2, 5]));
    let (delivery, heard) = log.deliver(none());
    delivery.add(to("picky", &picky).required(true)).unwrap();
    delivery.advance(log.write("auth.login", 3));
    assert_eq!(delivery.close(PATIENCE), []);
    let refused: Vec<_> = heard.acknowledged.lock().unwrap().1.iter().map(|it| it.sequence_number).collect();
    assert_eq!(refused, [5]);
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let mut log = Log::new();
    log.write("auth.login", 3);
    let (first, second) = (Place::default(), Place::default());
    let (delivery, _) = log.deliver(vec![to("first", &first)]);
    let change = |remove: &[&str], add: Vec<Destination>| {
        let remove: Vec<String> = remove.iter().map(|&name| name.to_owned()).collect();
        delivery.change(&remove, add, PATIENCE)
    };
    assert!(matches!(delivery.add(to("first", &second)), Err(DeliveryError::Name(_))));
    assert!(matches!(change(&["first"], vec![to("../b", &second)]), Err(DeliveryError::Name(_))));
    let error = change(&["first", "frist"], vec![to("b", &second)]).unwrap_err().to_string();
    assert!(error.contains("\"frist\"") && error.contains("[\"first\"]"), "{error}");
    std::fs::create_dir_all(log.state().join("bad.json")).unwrap();
    assert!(matches!(change(&["first"], vec![to("bad", &second)]), Err(DeliveryError::Io { .. })));
    assert_eq!(delivery.places().len(), 1);
    delivery.advance(log.write("auth.login", 3));
    assert_eq!(delivery.close(PATIENCE), []);
    assert_eq!((first.numbers(), second.numbers()), ((1..=6).collect(), Vec::new()));
    assert!(matches!(delivery.add(to("late", &second)), Err(DeliveryError::Closed)));
}

/// A sink that blocks its thread.
#[derive(Debug)]
struct Blocks(Arc<Mutex<()>>);

impl Sink for Blocks {
    fn send<'a>(&'a mut self, _batch: &'a Batch) -> SendFuture<'a, Receipt> {
        drop(self.0.lock().unwrap());
        Box::pin(async { Ok(Receipt::default()) })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn two_never_write_the_same_state() {
    let mut log = Log::new();
    log.write("auth.login", 3);
    let (gate, after) = (Arc::new(Mutex::new(())), Place::default());
    let (delivery, _) = log.deliver(none());
    for name in ["removed", "replaced"] {
        let held = gate.lock().unwrap();
        delivery.add(Destination::new(name, Box::new(Blocks(Arc::clone(&gate))))).unwrap();
        std::thread::sleep(Duration::from_millis(400));
        let is_removed = name == "removed";
        let busy = if is_removed {
            let lacks = delivery.remove(name, Duration::ZERO).unwrap().unwrap();
            assert!(lacks.reason.unwrap().contains("does not give way"));
            delivery.add(to(name, &after))
        } else {
            delivery.change(&[], vec![to(name, &after)], Duration::ZERO).map(drop)
        };
        let busy = match busy.unwrap_err() {
            DeliveryError::Partly(busy) => {
                assert!(!is_removed, "nothing has changed");
                *busy
            }
            nothing_changed => {
                assert!(is_removed, "who was to be replaced has ended: {nothing_changed}");
                nothing_changed
            }
        };
        assert!(matches!(busy, DeliveryError::Busy(busy) if busy == name));
        drop(held);
        // It lets go in its own time.
        until("it has ended", || {
            let again = delivery.change(&[], vec![to(name, &after)], Duration::ZERO);
            again.is_ok()
        });
        delivery.advance(log.write("auth.login", 3));
        until("the successor delivers", || after.numbers().last() == Some(&log.written));
    }
    assert_eq!(delivery.close(PATIENCE), []);
}

#[test]
fn a_long_failure_is_told_once_and_its_end() {
    let mut log = Log::new();
    log.write("auth.login", 3);
    let (place, other) = (Place::default(), Place::default());
    place.always(Answer::Fail("503"));
    let limits = OutageLimits { after: Duration::from_millis(200), apart: Duration::from_secs(3600) };
    let (delivery, heard) = log.deliver(vec![to("siem", &place).outages(limits), to("other", &other)]);
    let outages = || heard.outages.lock().unwrap().clone();
    until("told", || outages().len() == 1);
    let told = outages().remove(0);
    assert_eq!((told.destination.as_str(), told.reason.as_str(), told.lag), ("siem", "503", 3));
    assert!(!told.is_over);
    until("and on record", || {
        let state = State::load(&log.state(), "siem").unwrap().unwrap();
        state.failure.is_some_and(|failure| failure.on_record && failure.since == told.since)
    });
    assert_eq!(delivery.places()[0].failing.as_ref().unwrap().since, told.since);
    // A successor, and a restart, go on with what was told.
    let fails = Place::default();
    fails.always(Answer::Fail("504"));
    delivery.change(&[], vec![to("siem", &fails).outages(limits)], PATIENCE).unwrap();
    until("tried", || !fails.attempts().is_empty());
    drop(delivery);
    assert_eq!(outages().len(), 1, "it is the same outage");
    let (delivery, heard) = log.deliver(vec![to("siem", &place).outages(limits)]);
    std::thread::sleep(Duration::from_millis(1500));
    let outages = || heard.outages.lock().unwrap().clone();
    assert_eq!(outages(), []);
    place.always(Answer::Accept);
    until("over", || outages().len() == 1);
    assert!(outages()[0].is_over && outages()[0].since == told.since);
    assert_eq!(delivery.places()[0].failing, None);
    // The next one is too soon to be news.
    place.always(Answer::Fail("505"));
    delivery.advance(log.write("auth.login", 1));
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(outages().len(), 1);
}

/// Two hundred changes beside destinations that do not change, while the log grows as fast as they take it.
#[test]
fn the_others_get_every_record_once_in_order_on_the_same_thread() {
    let mut log = Log::new();
    let steady: [Threaded; 3] = Default::default();
    let (comes, changes) = (MemorySink::default(), Place::default());
    let named = |name: &str, sink: &Threaded| Destination::new(name, Box::new(sink.clone()));
    let quick = |it: Destination| {
        it.limits(audit_delivery::BatchLimits {
            age: Duration::ZERO,
            ..audit_delivery::BatchLimits::default()
        })
    };
    let steady_ones = ["a", "b", "c"].into_iter().zip(&steady).map(|(name, it)| quick(named(name, it)));
    let (delivery, heard) = log.deliver(steady_ones.collect());
    let churn = |round: u32, delivery: &Delivery| {
        let comes = || quick(Destination::new("comes", Box::new(comes.clone())));
        match round % 4 {
            0 => delivery.change(&[], vec![comes(), to("changes", &changes)], PATIENCE),
            1 => delivery.change(&[], vec![to("changes", &changes).required(true)], PATIENCE),
            2 => delivery.change(&["comes".to_owned()], vec![to("changes", &changes)], PATIENCE),
            _ => delivery.change(&["changes".to_owned()], Vec::new(), PATIENCE),
        }
        .unwrap();
    };
    std::thread::scope(|scope| {
        let churning = scope.spawn(|| (0..200).for_each(|round| churn(round, &delivery)));
        while !churning.is_finished() {
            delivery.advance(log.write("auth.login", 5));
            // Or else those that drain would drain for ever.
            while log.written > delivery.acknowledged_by_all().saturating_add(50) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    delivery
        .change(
            &[],
            vec![quick(Destination::new("comes", Box::new(comes.clone()))), to("changes", &changes)],
            PATIENCE,
        )
        .unwrap();
    assert_eq!(delivery.close(PATIENCE), []);
    let all: Vec<u64> = (1..=log.written).collect();
    for sink in &steady {
        assert!(*sink.got.lock().unwrap() == all, "every record once, in order");
        assert_eq!(sink.threads.lock().unwrap().len(), 1, "its follower is the same");
        assert_eq!(*sink.closed.lock().unwrap(), 1, "its sink was closed with the log, and not before");
    }
    let came: Vec<_> = comes.records().iter().map(|it| it.sequence_number).collect();
    assert!(came == all, "at least once, in order");
    let changed = changes.numbers();
    assert!(changed == all, "at least once, in order; and once, as nothing failed");
    assert_eq!(*heard.notices.lock().unwrap(), Vec::<String>::new());
}
