//! Closing: at rest, under load, twice, and by dropping.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod log;

use std::collections::HashMap;
use std::time::Duration;

use audit_pipeline::{Durability, EmitError, Pipeline, Receipt};
use log::{Log, event, watchdog};

#[test]
fn everything_accepted_is_written_and_the_close_record_is_last() {
    let _watchdog = watchdog(60);
    let log = Log::new();
    let pipeline = log.options().start().unwrap();
    for number in 0..1000 {
        assert_eq!(pipeline.try_emit(&event(format!("{number}"))).unwrap(), Receipt::Queued);
    }
    let summary = pipeline.close().unwrap().unwrap();
    assert_eq!((summary.recorded, summary.lost), (1000, 0));
    assert_eq!(summary.head.unwrap(), log.verify().head.unwrap());
    assert_eq!(log.names(), (0..1000).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(log.types().last().unwrap(), "audit.stopped");
    assert_eq!(log.of_type("audit.stopped")[0]["details"]["events_recorded"], 1000);
    log.assert_intact();
}

#[test]
fn a_closed_log_takes_nothing_and_closes_once() {
    let log = Log::new();
    let pipeline = log.options().start().unwrap();
    let clone = pipeline.clone();
    assert!(pipeline.close().unwrap().is_some());
    assert!(pipeline.close().unwrap().is_none());
    assert!(clone.close().unwrap().is_none());
    assert!(matches!(clone.emit_blocking(&event("late")), Err(EmitError::Closed)));
    assert!(matches!(clone.enqueue_blocking(&event("late")), Err(EmitError::Closed)));
    assert!(matches!(clone.try_emit(&event("late")), Err(EmitError::Closed)));
    assert!(matches!(futures_executor::block_on(clone.emit(&event("late"))), Err(EmitError::Closed)));
    assert_eq!(log.types(), ["audit.started", "audit.stopped"]);
}

#[test]
fn the_last_clone_closes_when_it_is_dropped() {
    let log = Log::new();
    let pipeline = log.options().start().unwrap();
    let clone = pipeline.clone();
    drop(pipeline);
    assert_eq!(clone.try_emit(&event("one")).unwrap(), Receipt::Queued);
    let emit = clone.emit(&event("two"));
    drop(clone);
    // A future does not keep the log open, and still learns what became of its event.
    assert_eq!(futures_executor::block_on(emit).unwrap().sequence_number(), Some(3));
    assert_eq!(log.types().last().unwrap(), "audit.stopped");
    log.assert_intact();
}

/// Sixty-four emitters of all kinds, closed in full flight by two at once.
#[test]
fn closing_under_load_hangs_nobody_and_keeps_every_promise() {
    let _watchdog = watchdog(120);
    for round in 0..16 {
        let log = Log::fast();
        // A small buffer has some of them waiting for room.
        let buffer = if round % 2 == 0 { 8 << 20 } else { 3000 };
        let durability = if round % 3 == 0 { Durability::Fsync } else { Durability::Os };
        let pipeline = log.options().buffer_bytes(buffer).durability(durability).start().unwrap();
        let (acknowledged, queued) = std::thread::scope(|scope| {
            let emitters: Vec<_> = (0..64)
                .map(|thread| {
                    let pipeline = &pipeline;
                    scope.spawn(move || emit_until_closed(pipeline, thread))
                })
                .collect();
            std::thread::sleep(Duration::from_millis(round % 8));
            let closers = [0, 1].map(|_| scope.spawn(|| pipeline.close().unwrap()));
            let closed = closers.map(|closer| closer.join().unwrap()).into_iter().flatten().count();
            assert_eq!(closed, 1);
            // Whichever of the two it was, the log is closed when `close` is over.
            assert_eq!(log.types().last().unwrap(), "audit.stopped");
            let mut all = (HashMap::new(), 0);
            for emitter in emitters {
                let (acknowledged, queued) = emitter.join().unwrap();
                all.0.extend(acknowledged);
                all.1 += queued;
            }
            all
        });
        let found: HashMap<_, _> =
            log.found().into_iter().map(|found| (found.name, found.sequence_number)).collect();
        for (name, number) in &acknowledged {
            assert_eq!(found.get(name), Some(number));
        }
        assert_eq!(found.len(), acknowledged.len() + queued);
        log.assert_intact();
    }
}

fn emit_until_closed(pipeline: &Pipeline, thread: usize) -> (Vec<(String, u64)>, usize) {
    let mut acknowledged = Vec::new();
    let mut queued = 0;
    for number in 0.. {
        let name = format!("{thread}-{number}");
        let answer = match thread % 4 {
            0 => pipeline.emit_blocking(&event(&name)),
            1 => futures_executor::block_on(pipeline.emit(&event(&name))),
            2 => pipeline.enqueue_blocking(&event(&name)),
            _ => pipeline.try_emit(&event(&name)),
        };
        match answer {
            Ok(Receipt::Recorded { sequence_number }) => acknowledged.push((name, sequence_number)),
            Ok(_) => queued += 1,
            Err(EmitError::Full { .. }) => std::thread::yield_now(),
            Err(EmitError::Closed) => break,
            Err(error) => panic!("{error}"),
        }
    }
    (acknowledged, queued)
}
