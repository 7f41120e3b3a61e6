//! Lost wake-ups, and a writer that dies.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod log;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use audit_pipeline::{Durability, EmitError};
use log::{Log, event, watchdog};

/// Few callers in tight loops: each hangs at once, should its wake-up get lost.
#[test]
fn few_callers_in_tight_loops() {
    for threads in 1..=4 {
        let _watchdog = watchdog(30);
        let log = Log::fast();
        let pipeline = log.options().durability(Durability::Os).start().unwrap();
        let end = Instant::now() + Duration::from_millis(700);
        let emitted = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let (pipeline, emitted, event) = (&pipeline, &emitted, event(format!("{thread}")));
                scope.spawn(move || {
                    while Instant::now() < end {
                        assert!(pipeline.emit_blocking(&event).is_ok());
                        emitted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let emitted = emitted.into_inner();
        assert_eq!(pipeline.close().unwrap().unwrap().recorded, emitted);
        assert_eq!(log.verify().records, emitted + 2);
    }
}

/// All kinds of callers, with so little room that they wait for that as well.
#[test]
fn all_kinds_of_callers_with_little_room() {
    for buffer in [1, 600, 3000] {
        let _watchdog = watchdog(30);
        let log = Log::fast();
        let pipeline = log.options().durability(Durability::Os).buffer_bytes(buffer).start().unwrap();
        let end = Instant::now() + Duration::from_millis(500);
        let emitted = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for thread in 0..6 {
                let (pipeline, emitted, event) = (&pipeline, &emitted, event(format!("{thread}")));
                scope.spawn(move || {
                    while Instant::now() < end {
                        let answer = match thread % 3 {
                            0 => pipeline.emit_blocking(&event),
                            1 => futures_executor::block_on(pipeline.emit(&event)),
                            _ => pipeline.enqueue_blocking(&event),
                        };
                        assert!(answer.is_ok());
                        emitted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let emitted = emitted.into_inner();
        assert_eq!(pipeline.close().unwrap().unwrap().recorded, emitted);
        assert_eq!(log.verify().records, emitted + 2);
    }
}

struct Panics(AtomicBool);

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
        panic!("a waker that panics, in the thread of the one who writes");
    }
}

#[test]
fn a_panic_of_the_writer_closes_the_log_and_hangs_nobody() {
    let _watchdog = watchdog(30);
    let log = Log::new();
    let pipeline = log.options().start().unwrap();
    let panics = Arc::new(Panics(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&panics));
    let mut emit = pipeline.emit(&event("one"));
    // Once in a while it is written before anybody waits for it.
    while Pin::new(&mut emit).poll(&mut Context::from_waker(&waker)).is_ready() {
        emit = pipeline.emit(&event("one"));
    }
    while !panics.0.load(Ordering::Relaxed) {
        std::thread::yield_now();
    }
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Ok(_receipt) = pipeline.emit_blocking(&event("more")) {}
                assert!(matches!(pipeline.emit_blocking(&event("more")), Err(EmitError::Closed)));
                assert!(matches!(
                    futures_executor::block_on(pipeline.emit(&event("more"))),
                    Err(EmitError::Closed)
                ));
            });
        }
    });
    // What was written is written.
    assert!(matches!(Pin::new(&mut emit).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(_))));
    let error = pipeline.close().unwrap_err().to_string();
    assert!(error.contains("not closed in an orderly way"), "{error}");
    assert!(pipeline.close().unwrap().is_none());
    // The lock is free, and the chain goes on.
    log.options().start().unwrap().close().unwrap();
    log.assert_intact();
}

/// A waker that emits: what it is called from must not hold anything that it needs.
#[test]
fn a_waker_may_emit() {
    struct Emits(audit_pipeline::Pipeline, AtomicBool);
    impl Wake for Emits {
        fn wake(self: Arc<Self>) {
            assert!(self.0.try_emit(&event("from the waker")).is_ok());
            self.1.store(true, Ordering::Relaxed);
        }
    }
    let _watchdog = watchdog(30);
    let log = Log::new();
    let pipeline = log.options().durability(Durability::Os).start().unwrap();
    let mut woken = 0;
    for number in 0..200 {
        let emits = Arc::new(Emits(pipeline.clone(), AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&emits));
        let mut emit = pipeline.emit(&event(format!("{number}")));
        if Pin::new(&mut emit).poll(&mut Context::from_waker(&waker)).is_pending() {
            // A caller that commits in its own thread wakes it there.
            assert!(pipeline.emit_blocking(&event("takes it along")).is_ok());
            while !emits.1.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            woken += 1;
        }
    }
    pipeline.close().unwrap();
    assert_eq!(log.names().iter().filter(|name| *name == "from the waker").count(), woken);
    log.assert_intact();
}
