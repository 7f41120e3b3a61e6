//! A file that may not grow (RLIMIT_FSIZE) for a full disk; each test runs in a process of its own, which is limited.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod log;

use std::process::Command;
use std::time::Duration;

use audit_pipeline::{EmitError, OnFailure, Pipeline, Receipt};
use log::{Log, child_argument, event, spawn_child, watchdog};

/// Runs a scenario in a process of its own. `test` is the name of the test that calls.
fn alone(test: &str, scenario: impl FnOnce()) {
    if child_argument().is_some() {
        let _watchdog = watchdog(60);
        return scenario();
    }
    let output = spawn_child(test, "alone").wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn limit_files(bytes: &str) {
    let process = std::process::id().to_string();
    let limited = Command::new("prlimit").args(["--pid", &process, &format!("--fsize={bytes}:")]).status();
    assert!(limited.expect("util-linux has prlimit").success());
}

impl Log {
    /// Nothing more fits, but for `room` bytes.
    fn fill_up(&self, room: u64) {
        let length = std::fs::metadata(&self.path).unwrap().len();
        limit_files(&(length + room).to_string());
    }
}

fn make_room() {
    limit_files("unlimited");
}

fn recorded(answer: Result<Receipt, EmitError>) -> u64 {
    answer.unwrap().sequence_number().unwrap()
}

/// Waits until these are the names in the log.
fn wait_for(log: &Log, names: &[&str]) {
    while log.names() != names {
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn emit(pipeline: &Pipeline, name: &str) -> Result<Receipt, EmitError> {
    futures_executor::block_on(pipeline.emit(&event(name)))
}

#[test]
fn reject_tells_the_caller_and_leaves_no_trace() {
    alone("reject_tells_the_caller_and_leaves_no_trace", || {
        let log = Log::new();
        let pipeline = log.options().on_failure(OnFailure::Reject).start().unwrap();
        assert_eq!(recorded(pipeline.emit_blocking(&event("before"))), 2);
        for room in [0, 1, 100, 300] {
            log.fill_up(room);
            for _ in 0..5 {
                let error = pipeline.emit_blocking(&event("refused")).unwrap_err();
                assert!(matches!(error, EmitError::Journal(_)), "{error}");
                assert!(error.to_string().contains("File too large"), "{error}");
                assert!(matches!(emit(&pipeline, "refused"), Err(EmitError::Journal(_))));
            }
            log.assert_open();
        }
        make_room();
        assert_eq!(recorded(pipeline.emit_blocking(&event("after"))), 3);
        assert_eq!(recorded(emit(&pipeline, "and after")), 4);
        assert_eq!(pipeline.recorded(), 3);
        let summary = pipeline.close().unwrap().unwrap();
        assert_eq!((summary.recorded, summary.lost), (3, 0));
        assert_eq!(log.names(), ["before", "after", "and after"]);
        log.assert_intact();
    });
}

#[test]
fn what_nobody_waits_for_is_held_until_there_is_room() {
    alone("what_nobody_waits_for_is_held_until_there_is_room", || {
        let log = Log::new();
        let pipeline = log.options().start().unwrap();
        log.fill_up(0);
        for name in ["one", "two", "three"] {
            assert_eq!(pipeline.try_emit(&event(name)).unwrap(), Receipt::Queued);
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(emit(&pipeline, "refused").is_err());
        make_room();
        wait_for(&log, &["one", "two", "three"]);
        assert_eq!(recorded(pipeline.emit_blocking(&event("four"))), 5);
        assert_eq!(pipeline.close().unwrap().unwrap().recorded, 4);
        log.assert_intact();
    });
}

/// The writer sleeps when a lone caller commits in its own thread, takes along what is on its way, and fails.
#[test]
fn what_another_caller_failed_to_write_is_tried_again_though_nobody_comes() {
    alone("what_another_caller_failed_to_write_is_tried_again_though_nobody_comes", || {
        let mut names: Vec<String> = Vec::new();
        let log = Log::new();
        let pipeline = log.options().start().unwrap();
        for round in 0..20 {
            log.fill_up(0);
            // The writer lingers for the second, so the caller behind it takes it along.
            for part in ["a", "b"] {
                names.push(format!("{round}{part}"));
                assert_eq!(pipeline.try_emit(&event(&names[names.len() - 1])).unwrap(), Receipt::Queued);
                std::thread::sleep(Duration::from_micros(200));
            }
            assert!(pipeline.emit_blocking(&event("refused")).is_err());
            make_room();
            wait_for(&log, &names.iter().map(String::as_str).collect::<Vec<_>>());
        }
        drop(pipeline);
        log.assert_intact();
    });
}

/// Events that are held fill the buffer: who waits is told about the disk, and is not kept waiting for room.
#[test]
fn a_full_buffer_does_not_keep_callers_from_being_told() {
    alone("a_full_buffer_does_not_keep_callers_from_being_told", || {
        let log = Log::new();
        let pipeline = log.options().buffer_bytes(2000).start().unwrap();
        log.fill_up(0);
        let mut queued = 0;
        loop {
            match pipeline.try_emit(&event("held")) {
                Ok(_) => queued += 1,
                Err(EmitError::Full { waiting_bytes }) => {
                    assert!(waiting_bytes <= 4000);
                    std::thread::sleep(Duration::from_millis(300));
                    if pipeline.try_emit(&event("held")).is_err() {
                        break;
                    }
                    queued += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert!(queued > 5);
        assert!(matches!(pipeline.emit_blocking(&event("refused")), Err(EmitError::Journal(_))));
        assert!(matches!(emit(&pipeline, "refused"), Err(EmitError::Journal(_))));
        // One that would not fit waits for the disk.
        let waits = std::thread::spawn({
            let pipeline = pipeline.clone();
            move || pipeline.enqueue_blocking(&event("last"))
        });
        std::thread::sleep(Duration::from_millis(400));
        assert!(!waits.is_finished());
        make_room();
        assert_eq!(waits.join().unwrap().unwrap(), Receipt::Queued);
        assert_eq!(pipeline.close().unwrap().unwrap().recorded, queued + 1);
        assert_eq!(log.names().len() as u64, queued + 1);
        log.assert_intact();
    });
}

#[test]
fn permit_drops_counts_and_records_how_many() {
    alone("permit_drops_counts_and_records_how_many", || {
        let log = Log::new();
        let pipeline = log.options().on_failure(OnFailure::Permit).start().unwrap();
        assert_eq!(recorded(pipeline.emit_blocking(&event("before"))), 2);
        log.fill_up(0);
        for _ in 0..7 {
            assert_eq!(pipeline.emit_blocking(&event("dropped")).unwrap(), Receipt::Dropped);
            assert_eq!(emit(&pipeline, "dropped").unwrap(), Receipt::Dropped);
            assert_eq!(pipeline.try_emit(&event("dropped")).unwrap(), Receipt::Queued);
        }
        // The last one is tried within milliseconds.
        std::thread::sleep(Duration::from_millis(100));
        log.assert_open();
        make_room();
        // The receipt's number is right behind the record of the loss, whoever writes that.
        let number = recorded(pipeline.emit_blocking(&event("after")));
        pipeline.close().unwrap();
        assert_eq!(log.names(), ["before", "after"]);
        assert_eq!(log.found()[1].sequence_number, number);
        let lost = log.of_type("audit.events_lost");
        assert_eq!(lost.iter().map(|event| event["details"]["count"].as_u64().unwrap()).sum::<u64>(), 21);
        let details = &lost[0]["details"];
        assert!(details["first_time"].as_str().unwrap() <= details["last_time"].as_str().unwrap());
        assert!(details["reason"].as_str().unwrap().contains("File too large"), "{details}");
        log.assert_intact();
    });
}

#[test]
fn a_loss_is_on_record_as_soon_as_there_is_room_though_nobody_emits() {
    alone("a_loss_is_on_record_as_soon_as_there_is_room_though_nobody_emits", || {
        let log = Log::new();
        let pipeline = log.options().on_failure(OnFailure::Permit).start().unwrap();
        log.fill_up(0);
        assert_eq!(pipeline.emit_blocking(&event("dropped")).unwrap(), Receipt::Dropped);
        make_room();
        while log.of_type("audit.events_lost").is_empty() {
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(pipeline);
        log.assert_intact();
    });
}

#[test]
fn block_waits_and_records() {
    alone("block_waits_and_records", || {
        let log = Log::new();
        let pipeline = log.options().on_failure(OnFailure::Block).start().unwrap();
        log.fill_up(0);
        std::thread::scope(|scope| {
            let blocking = (0..4).map(|n| {
                scope.spawn({
                    let p = &pipeline;
                    move || p.emit_blocking(&event(format!("{n}")))
                })
            });
            let asynchronous = (4..8).map(|n| {
                scope.spawn({
                    let p = &pipeline;
                    move || emit(p, &format!("{n}"))
                })
            });
            let callers: Vec<_> = blocking.chain(asynchronous).collect();
            assert_eq!(pipeline.try_emit(&event("8")).unwrap(), Receipt::Queued);
            std::thread::sleep(Duration::from_millis(200));
            assert!(callers.iter().all(|caller| !caller.is_finished()));
            log.assert_open();
            make_room();
            for (n, caller) in callers.into_iter().enumerate() {
                let number = recorded(caller.join().unwrap());
                let found = log.found();
                let at = found.iter().find(|found| found.name == n.to_string()).unwrap();
                assert_eq!(at.sequence_number, number);
            }
        });
        assert_eq!(pipeline.close().unwrap().unwrap().recorded, 9);
        assert_eq!(log.names().len(), 9);
        log.assert_intact();
    });
}

#[test]
fn closing_ends_the_wait_on_a_full_disk_and_says_what_is_lost() {
    alone("closing_ends_the_wait_on_a_full_disk_and_says_what_is_lost", || {
        let log = Log::new();
        for policy in [OnFailure::Block, OnFailure::Reject, OnFailure::Permit] {
            make_room();
            let pipeline = log.options().on_failure(policy).start().unwrap();
            log.fill_up(0);
            for _ in 0..3 {
                assert!(pipeline.try_emit(&event("lost")).is_ok());
            }
            let caller = std::thread::spawn({
                let pipeline = pipeline.clone();
                move || pipeline.emit_blocking(&event("refused"))
            });
            std::thread::sleep(Duration::from_millis(50));
            let error = pipeline.close().unwrap_err().to_string();
            let lost = if policy == OnFailure::Permit { 4 } else { 3 };
            assert!(
                error.contains(&format!("; {lost} events that were accepted are lost")),
                "{policy:?}: {error}"
            );
            match caller.join().unwrap() {
                Ok(Receipt::Dropped) => assert_eq!(policy, OnFailure::Permit),
                other => assert!(matches!(other, Err(EmitError::Journal(_))), "{other:?}"),
            }
            assert!(matches!(pipeline.emit_blocking(&event("refused")), Err(EmitError::Closed)));
            assert_eq!(log.names(), [""; 0]);
            log.assert_open();
        }
    });
}

/// Whoever is sent only what can be recorded would never be sent anything again.
#[test]
fn a_status_tells_of_a_full_disk_and_of_room_though_nobody_tries() {
    alone("a_status_tells_of_a_full_disk_and_of_room_though_nobody_tries", || {
        let log = Log::new();
        let pipeline = log.options().on_failure(OnFailure::Reject).start().unwrap();
        assert_eq!(pipeline.status().can_record, Ok(()));
        log.fill_up(0);
        assert!(emit(&pipeline, "refused").is_err());
        let why = pipeline.status().can_record.unwrap_err();
        assert!(why.contains("File too large"), "{why}");
        std::thread::sleep(Duration::from_millis(1500));
        assert!(pipeline.status().can_record.is_err(), "there is still no room");
        make_room();
        while pipeline.status().can_record.is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let beside = std::fs::read_dir(log.path.parent().unwrap()).unwrap();
        assert!(beside.flatten().all(|it| !it.file_name().to_string_lossy().contains("probe")));
        assert!(recorded(pipeline.emit_blocking(&event("after"))) > 1);
        assert_eq!(pipeline.take_notices().len(), 2, "it cannot be written, and can again");
        let changes = audit_pipeline::Reconfiguration::default().on_failure(OnFailure::Permit);
        pipeline.reconfigure(changes).unwrap();
        log.fill_up(0);
        assert_eq!(emit(&pipeline, "dropped").unwrap(), Receipt::Dropped);
        assert_eq!(pipeline.status().dropped, 1);
        make_room();
        pipeline.close().unwrap();
    });
}

#[test]
fn who_waits_for_the_disk_is_let_go_when_the_policy_changes() {
    alone("who_waits_for_the_disk_is_let_go_when_the_policy_changes", || {
        let log = Log::new();
        let pipeline = log.options().on_failure(OnFailure::Block).start().unwrap();
        log.fill_up(0);
        let waiting = std::thread::spawn({
            let pipeline = pipeline.clone();
            move || pipeline.emit_blocking(&event("refused"))
        });
        std::thread::sleep(Duration::from_millis(300));
        assert!(!waiting.is_finished());
        assert!(pipeline.status().can_record.is_err(), "it is not waited for to be told");
        let changes = audit_pipeline::Reconfiguration::default().on_failure(OnFailure::Reject);
        pipeline.reconfigure(changes).unwrap();
        assert!(matches!(waiting.join().unwrap(), Err(EmitError::Journal(_))));
        make_room();
        assert_eq!(recorded(pipeline.emit_blocking(&event("after"))), 2);
        pipeline.close().unwrap();
    });
}
