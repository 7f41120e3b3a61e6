//! Somebody deletes, replaces, cuts or extends the log while many emit.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod log;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use audit_pipeline::{EmitError, Receipt};
use log::{Log, event, watchdog};

/// Opens the log for writing; for a moment, while it is rotated, there is none.
fn open(path: &Path) -> File {
    loop {
        if let Ok(file) = OpenOptions::new().append(true).open(path) {
            return file;
        }
    }
}

/// What became of the events: their names and numbers from the receipts, `None` where there is an error in its place.
type Answers = HashMap<String, Option<u64>>;

/// Emits from six threads, does that to the log five times, and closes it.
fn disturb(log: &Log, disturbance: impl Fn(&Path)) -> Answers {
    let _watchdog = watchdog(60);
    let pipeline = log.options().start().unwrap();
    let done = AtomicBool::new(false);
    let answers: Answers = std::thread::scope(|scope| {
        let emitters: Vec<_> = (0..6)
            .map(|thread| {
                let (pipeline, done) = (&pipeline, &done);
                scope.spawn(move || {
                    let mut answers = Vec::new();
                    for number in 0.. {
                        if done.load(Ordering::Relaxed) {
                            break;
                        }
                        let name = format!("{thread}-{number}");
                        let receipt = match thread % 2 {
                            0 => pipeline.emit_blocking(&event(&name)),
                            _ => futures_executor::block_on(pipeline.emit(&event(&name))),
                        };
                        match receipt {
                            Ok(Receipt::Recorded { sequence_number }) => {
                                answers.push((name, Some(sequence_number)));
                            }
                            // It may happen while the journal repairs what happened last.
                            Err(EmitError::Journal(_)) => answers.push((name, None)),
                            other => panic!("{other:?}"),
                        }
                    }
                    answers
                })
            })
            .collect();
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(50));
            disturbance(&log.path);
        }
        std::thread::sleep(Duration::from_millis(50));
        done.store(true, Ordering::Relaxed);
        emitters.into_iter().flat_map(|emitter| emitter.join().unwrap()).collect()
    });
    // Something done at the very end is noticed by the close record.
    pipeline.close().unwrap();
    let recorded = answers.values().flatten().count();
    assert!(recorded > 100 && answers.len() - recorded < recorded / 10, "{recorded} of {}", answers.len());
    answers
}

fn assert_each_is_there_once(log: &Log, answers: &Answers) {
    let found = log.found();
    let numbers: HashMap<_, _> =
        found.iter().map(|found| (found.name.clone(), found.sequence_number)).collect();
    assert_eq!(numbers.len(), found.len(), "an event is there twice");
    for (name, number) in answers {
        assert_eq!(numbers.get(name), number.as_ref(), "{name}");
    }
}

fn assert_told(log: &Log, change: &str) {
    let told = log.of_type("audit.log_tampered");
    // One that comes while the last one is being repaired may be told together with it, or as another kind.
    assert!((2..=6).contains(&told.len()), "{}: {told:#?}", told.len());
    let of_kind = told.iter().filter(|event| event["details"]["change"] == change).count();
    assert!(of_kind * 2 > told.len(), "{told:#?}");
}

#[test]
fn deleted() {
    let log = Log::new();
    let answers = disturb(&log, |path| drop(fs::remove_file(path)));
    assert_each_is_there_once(&log, &answers);
    assert_told(&log, "removed");
    log.assert_intact();
}

#[test]
fn replaced() {
    let log = Log::new();
    let answers = disturb(&log, |path| {
        let other = path.with_extension("other");
        fs::write(&other, "{\"event_type\":\"made.up\"}\n").unwrap();
        fs::rename(other, path).unwrap();
    });
    assert_each_is_there_once(&log, &answers);
    assert_told(&log, "replaced");
    log.assert_intact();
}

#[test]
fn appended_to() {
    let log = Log::new();
    let answers = disturb(&log, |path| {
        let mut file = open(path);
        file.write_all(b"{\"event_type\":\"made.up\"}\n").unwrap();
    });
    assert_each_is_there_once(&log, &answers);
    assert_told(&log, "extended");
    log.assert_intact();
}

#[test]
fn cut() {
    let log = Log::new();
    let answers = disturb(&log, |path| {
        let file = open(path);
        let length = file.metadata().unwrap().len();
        file.set_len(length / 2).unwrap();
    });
    assert_told(&log, "shortened");
    let lost = |event: &audit_model::Value| {
        let range = &event["details"]["lost_sequences"];
        Some((range[0].as_u64()?, range[1].as_u64()?))
    };
    let lost: Vec<(u64, u64)> = log.of_type("audit.log_tampered").iter().filter_map(lost).collect();
    let found: HashMap<_, _> =
        log.found().into_iter().map(|found| (found.name, found.sequence_number)).collect();
    for (name, number) in &answers {
        let is_named = |number: &u64| lost.iter().any(|(first, last)| (first..=last).contains(&number));
        let expected = number.filter(|number| !is_named(number));
        assert_eq!(found.get(name), expected.as_ref(), "{name}, record {number:?}, lost: {lost:?}");
    }
    let chain = log.verify();
    assert_eq!(chain.verdict.as_str(), "missing", "{chain:?}");
    let gaps: Vec<_> = chain.findings.iter().filter_map(|finding| finding.records).collect();
    assert_eq!(gaps, lost);
}
