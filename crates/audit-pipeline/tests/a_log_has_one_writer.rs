//! The lock, in one process and between two.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod log;

use std::io::{BufRead as _, BufReader};

use audit_journal::JournalError;
use audit_pipeline::{Pipeline, StartError};
use log::{Log, child_argument, event, spawn_child, watchdog};

fn assert_refused(log: &Log, writer: u32) {
    match log.options().start() {
        Err(StartError::Journal(JournalError::Locked { holder, .. })) => assert_eq!(holder, Some(writer)),
        other => panic!("a second writer: {other:?}"),
    }
}

#[test]
fn a_second_writer_in_the_same_process_is_refused_until_the_first_has_closed() {
    let _watchdog = watchdog(60);
    let log = Log::new();
    let first = log.options().start().unwrap();
    assert_refused(&log, std::process::id());
    assert!(first.emit_blocking(&event("one")).is_ok());
    first.close().unwrap();
    let second = log.options().start().unwrap();
    // A closed pipeline that is still there does not disturb the next one.
    drop(first);
    assert_eq!(second.emit_blocking(&event("two")).unwrap().sequence_number(), Some(5));
    drop(second);
    assert_eq!(log.names(), ["one", "two"]);
    log.assert_intact();
}

#[test]
fn a_second_process_gets_the_log_when_the_first_is_killed() {
    if let Some(path) = child_argument() {
        let pipeline = Pipeline::options(path).signing_key(log::key()).start().unwrap();
        assert!(pipeline.emit_blocking(&event("theirs")).is_ok());
        println!("ready");
        std::thread::sleep(std::time::Duration::from_secs(60));
        return;
    }
    let _watchdog = watchdog(60);
    let log = Log::new();
    let mut child =
        spawn_child("a_second_process_gets_the_log_when_the_first_is_killed", log.path.to_str().unwrap());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "ready"));
    assert_refused(&log, child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    let pipeline = log.options().start().unwrap();
    assert!(pipeline.emit_blocking(&event("ours")).is_ok());
    drop(pipeline);
    assert_eq!(log.names(), ["theirs", "ours"]);
    log.assert_intact();
}
