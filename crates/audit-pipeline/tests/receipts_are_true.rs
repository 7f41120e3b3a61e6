//! What a receipt says is so.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod log;

use std::collections::BTreeMap;

use audit_pipeline::{Durability, EmitError, Pipeline, Receipt};
use log::{Found, Log, event, watchdog};

fn number(answer: Result<Receipt, EmitError>) -> u64 {
    answer.unwrap().sequence_number().unwrap()
}

/// The receipts are those of the records in the log, and these are numbered without a gap.
fn assert_true(log: &Log, receipts: impl IntoIterator<Item = (String, u64)>) {
    let receipts: BTreeMap<u64, String> = receipts.into_iter().map(|(name, number)| (number, name)).collect();
    let found: BTreeMap<u64, String> =
        log.found().into_iter().map(|Found { name, sequence_number }| (sequence_number, name)).collect();
    assert_eq!(receipts, found);
    assert!(
        found.keys().copied().eq(2..2 + found.len() as u64),
        "behind `audit.started`, one after the other"
    );
    log.assert_intact();
}

#[test]
fn of_512_futures_on_a_runtime_of_many_threads() {
    let _watchdog = watchdog(60);
    let log = Log::new();
    let pipeline = log.options().start().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let receipts = runtime.block_on(async {
        let emitters: Vec<_> = (0..512)
            .map(|task| {
                let pipeline = pipeline.clone();
                tokio::spawn(async move {
                    let mut receipts = Vec::new();
                    for number in 0..5 {
                        let name = format!("{task}-{number}");
                        let answer = pipeline.emit(&event(&name)).await;
                        receipts.push((name, answer.unwrap().sequence_number().unwrap()));
                    }
                    receipts
                })
            })
            .collect();
        let mut receipts = Vec::new();
        for emitter in emitters {
            receipts.extend(emitter.await.unwrap());
        }
        receipts
    });
    drop(runtime);
    assert_eq!(receipts.len(), 5 * 512);
    drop(pipeline);
    assert_true(&log, receipts);
}

#[test]
fn of_512_futures_without_a_runtime_and_with_little_room() {
    let _watchdog = watchdog(60);
    let log = Log::new();
    let pipeline = log.options().buffer_bytes(5000).start().unwrap();
    let mut emits: Vec<_> = (0..512).map(|number| Some(pipeline.emit(&event(format!("{number}"))))).collect();
    // All in one task: it is woken when any of them goes on.
    let mut receipts = Vec::new();
    futures_executor::block_on(std::future::poll_fn(|context| {
        for (name, slot) in emits.iter_mut().enumerate() {
            let Some(emit) = slot else { continue };
            if let std::task::Poll::Ready(answer) = std::pin::Pin::new(emit).poll(context) {
                receipts.push((name.to_string(), number(answer)));
                *slot = None;
            }
        }
        if receipts.len() == 512 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    }));
    drop(pipeline);
    assert_true(&log, receipts);
}

#[test]
fn of_callers_that_block_and_futures_that_are_dropped() {
    let _watchdog = watchdog(60);
    let log = Log::new();
    let pipeline = log.options().durability(Durability::Os).start().unwrap();
    let receipts: Vec<_> = std::thread::scope(|scope| {
        let emit = |thread: usize| {
            let pipeline = &pipeline;
            scope.spawn(move || {
                let numbered = |number| {
                    let name = format!("{thread}-{number}");
                    drop(pipeline.emit(&event(format!("forgotten {name}"))));
                    (name.clone(), pipeline.emit_blocking(&event(&name)).unwrap().sequence_number().unwrap())
                };
                (0..200).map(numbered).collect::<Vec<_>>()
            })
        };
        let emitters: Vec<_> = (0..8).map(emit).collect();
        emitters.into_iter().flat_map(|emitter| emitter.join().unwrap()).collect()
    });
    drop(pipeline);
    // A dropped future loses the answer, not the event.
    let found = log.found();
    assert_eq!(found.len(), 2 * receipts.len());
    for (name, sequence_number) in receipts {
        assert!(found.contains(&Found { name, sequence_number }));
    }
    log.assert_intact();
}

#[test]
fn of_an_unsealed_log() {
    let log = Log::new();
    for start in [2, 6] {
        let pipeline = Pipeline::options(&log.path).start().unwrap();
        assert_eq!(number(pipeline.emit_blocking(&event("one"))), start);
        assert_eq!(number(futures_executor::block_on(pipeline.emit(&event("two")))), start + 1);
        assert_eq!(pipeline.close().unwrap().unwrap().head, None);
    }
    let line = 2 - 1;
    assert_eq!(log.events()[line]["details"]["name"], "one");
    assert_eq!(log.events().len(), 8);
}

#[test]
fn as_weak_as_was_asked_for() {
    let log = Log::new();
    let pipeline = log.options().durability(Durability::None).start().unwrap();
    assert_eq!(pipeline.emit_blocking(&event("one")).unwrap(), Receipt::Queued);
    assert_eq!(futures_executor::block_on(pipeline.emit(&event("two"))).unwrap(), Receipt::Queued);
    assert_eq!(pipeline.try_emit(&event("three")).unwrap(), Receipt::Queued);
    pipeline.close().unwrap();
    assert_eq!(log.names(), ["one", "two", "three"]);

    let log = Log::new();
    let pipeline = log.options().durability(Durability::Os).start().unwrap();
    assert_eq!(number(pipeline.emit_blocking(&event("one"))), 2);
    assert_eq!(log.names(), ["one"]);
    assert_eq!(log.events()[0]["details"]["durability"], "os");
}

#[test]
fn a_small_buffer_is_full_for_those_who_do_not_wait() {
    let _watchdog = watchdog(60);
    let log = Log::new();
    let pipeline = log.options().buffer_bytes(1500).start().unwrap();
    let (mut queued, mut full) = (0, 0);
    while full == 0 || queued < 20 {
        match pipeline.try_emit(&event("small")) {
            Ok(receipt) => queued += u64::from(receipt == Receipt::Queued),
            Err(EmitError::Full { waiting_bytes }) => {
                assert!((1..=1500).contains(&waiting_bytes));
                full += 1;
                std::thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(pipeline.close().unwrap().unwrap().recorded, queued);
    assert_eq!(log.names().len() as u64, queued);
}

#[test]
fn under_permit_a_full_buffer_drops_and_counts() {
    let _watchdog = watchdog(60);
    let log = Log::new();
    let pipeline =
        log.options().buffer_bytes(1500).on_failure(audit_pipeline::OnFailure::Permit).start().unwrap();
    let (mut queued, mut dropped) = (0, 0);
    while dropped < 10 {
        match pipeline.try_emit(&event("small")).unwrap() {
            Receipt::Queued => queued += 1,
            Receipt::Dropped => dropped += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pipeline.close().unwrap().unwrap().recorded, queued);
    let lost = log.of_type("audit.events_lost");
    assert_eq!(lost.iter().map(|event| event["details"]["count"].as_u64().unwrap()).sum::<u64>(), dropped);
    log.assert_intact();
}

#[test]
fn an_event_larger_than_the_buffer_is_recorded() {
    let _watchdog = watchdog(60);
    let log = Log::new();
    let pipeline = log.options().buffer_bytes(1000).start().unwrap();
    let large = || event("large").detail("payload", "x".repeat(100_000));
    assert_eq!(number(pipeline.emit_blocking(&large())), 2);
    assert_eq!(number(futures_executor::block_on(pipeline.emit(&large()))), 3);
    assert_eq!(pipeline.enqueue_blocking(&large()).unwrap(), Receipt::Queued);
    assert_eq!(pipeline.enqueue_blocking(&large()).unwrap(), Receipt::Queued);
    drop(pipeline);
    assert_eq!(log.names(), ["large"; 4]);
    log.assert_intact();
}

#[test]
fn an_event_that_has_no_canonical_form_is_refused_by_all() {
    let log = Log::new();
    let pipeline = log.options().start().unwrap();
    let wrong = event("wrong").detail("number", u64::MAX);
    assert!(matches!(pipeline.emit_blocking(&wrong), Err(EmitError::Event(_))));
    assert!(matches!(pipeline.try_emit(&wrong), Err(EmitError::Event(_))));
    assert!(matches!(futures_executor::block_on(pipeline.emit(&wrong)), Err(EmitError::Event(_))));
    assert_eq!(number(pipeline.emit_blocking(&event("right"))), 2);
    drop(pipeline);
    log.assert_intact();
}

#[test]
fn pipelines_and_futures_go_between_threads() {
    fn goes<T: Send + Sync + 'static>() {}
    goes::<Pipeline>();
    goes::<audit_pipeline::Emit>();
}
