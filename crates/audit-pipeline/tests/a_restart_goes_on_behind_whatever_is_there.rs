//! Opening a log again: after an orderly end, a crash, a key change, and behind every kind of tail.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod log;

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use audit_journal::Rotation;
use audit_model::Value;
use audit_pipeline::{Options, Pipeline, StartError};
use log::{Log, event, key, other_key, watchdog};

/// Opens the log, records one event, closes it.
fn run(options: Options, name: &str) -> u64 {
    let pipeline = options.start().unwrap();
    let receipt = pipeline.emit_blocking(&event(name)).unwrap();
    pipeline.close().unwrap();
    receipt.sequence_number().unwrap()
}

fn append(log: &Log, text: &str) {
    OpenOptions::new().append(true).open(&log.path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn cut(log: &Log, keep_lines: usize) {
    let text = fs::read_to_string(&log.path).unwrap();
    let kept: String = text.split_inclusive('\n').take(keep_lines).collect();
    fs::write(&log.path, kept).unwrap();
}

fn tampered(log: &Log) -> Vec<Value> {
    log.of_type("audit.log_tampered").into_iter().map(|mut event| event["details"].take()).collect()
}

#[test]
fn the_chain_goes_on_and_the_log_says_what_happened_to_it() {
    let log = Log::new();
    assert_eq!(run(log.options(), "one"), 2);
    assert_eq!(run(log.options(), "two"), 5);
    let cycle = ["audit.started", "backup.started", "audit.stopped"];
    assert_eq!(log.types(), [cycle, cycle].concat());
    log.assert_intact();
    let events = log.events();
    for event in &events {
        assert_eq!(event["version"], "1.0");
    }
    let started = &events[0];
    assert_eq!(started["actor"]["id"], "audit-log");
    assert_eq!(started["actor"]["type"], "system");
    assert_eq!(started["action"]["operation"], "open");
    assert_eq!(started["action"]["result"], "success");
    assert_eq!(started["resource"]["type"], "audit_log");
    assert_eq!(started["resource"]["id"], log.path.to_str().unwrap());
    assert_eq!(started["details"]["durability"], "fsync");
    assert_eq!(started["details"]["process_id"], std::process::id());
    assert!(started["details"]["program"].as_str().unwrap().starts_with("audit-log "));
    let stopped = &events[5];
    assert_eq!(stopped["action"]["operation"], "close");
    assert_eq!(stopped["details"]["events_recorded"], 1);
}

#[test]
fn a_torn_tail_is_cut_and_told() {
    let log = Log::new();
    run(log.options(), "one");
    append(&log, "{\"event\":{\"acti");
    assert_eq!(run(log.options(), "two"), 5);
    assert_eq!(log.events()[3]["details"]["torn_bytes_cut"], 15);
    assert_eq!(tampered(&log), [""; 0]);
    log.assert_intact();
}

#[test]
fn lines_of_somebody_else_are_told() {
    let log = Log::new();
    run(log.options(), "one");
    append(&log, "{\"event_type\":\"made.up\"}\nand this\n");
    assert_eq!(run(log.options(), "two"), 6);
    let told = &log
        .files()
        .iter()
        .flat_map(|file| fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect::<Vec<_>>();
    assert!(told.iter().any(|line| line.contains("\"change\":\"extended\"")));
    assert_eq!(log.verify().verdict.as_str(), "inserted");
}

#[test]
fn a_tail_cut_while_nobody_wrote_is_told_and_its_numbers_are_not_given_again() {
    let log = Log::new();
    for name in ["two", "five", "eight"] {
        run(log.options(), name);
    }
    cut(&log, 4);
    assert_eq!(run(log.options(), "twelve"), 12);
    let told = tampered(&log);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["change"], "shortened");
    assert_eq!(told[0]["lost_sequences"], serde_json::json!([5, 9]));
    let chain = log.verify();
    assert_eq!(chain.verdict.as_str(), "missing");
    assert_eq!(chain.findings[0].records, Some((5, 9)));
    // It is told once.
    run(log.options(), "later");
    assert_eq!(tampered(&log).len(), 1);
}

#[test]
fn a_log_deleted_while_nobody_wrote_is_told_if_its_head_is_there() {
    let log = Log::new();
    run(log.options(), "one");
    fs::remove_file(&log.path).unwrap();
    assert_eq!(run(log.options(), "two"), 6);
    assert_eq!(tampered(&log)[0]["lost_sequences"], serde_json::json!([1, 3]));
    let chain = log.verify();
    assert_eq!(chain.verdict.as_str(), "head cut", "{chain:?}");
}

#[test]
fn a_log_deleted_with_its_head_is_begun_anew_under_another_name() {
    let log = Log::new();
    run(log.options(), "one");
    let first = log.verify().chain_id;
    fs::remove_file(&log.path).unwrap();
    fs::remove_file(log.directory.path().join(".audit.log.head")).unwrap();
    assert_eq!(run(log.options(), "two"), 2);
    assert_ne!(log.verify().chain_id, first);
    log.assert_intact();
}

#[test]
fn a_head_that_is_damaged_or_forged_is_not_believed() {
    let log = Log::new();
    run(log.options(), "one");
    let head_path = log.directory.path().join(".audit.log.head");
    let head = fs::read_to_string(&head_path).unwrap();
    let forged = head.replace("\"sequence_number\":3", "\"sequence_number\":9");
    assert_ne!(head, forged);
    for content in ["", "{", &head[..50], &forged] {
        fs::write(&head_path, content).unwrap();
        run(log.options(), "next");
        assert_eq!(tampered(&log), [""; 0]);
        log.assert_intact();
    }
}

#[test]
fn an_edited_last_record_is_told() {
    let log = Log::new();
    run(log.options(), "one");
    let text = fs::read_to_string(&log.path).unwrap();
    fs::write(&log.path, text.replace("\"events_recorded\":1", "\"events_recorded\":0")).unwrap();
    assert_eq!(run(log.options(), "two"), 6);
    assert_eq!(tampered(&log)[0]["change"], "edited");
    let chain = log.verify();
    assert_eq!(chain.verdict.as_str(), "edited");
    assert_eq!(chain.findings[0].records, Some((3, 3)));
}

#[test]
fn a_chain_goes_on_under_a_new_key() {
    let log = Log::new();
    run(log.options(), "old key");
    let rotated = || Pipeline::options(&log.path).signing_key(other_key());
    assert_eq!(run(rotated().previous_key(key()), "new key"), 5);
    // Also when the earlier key is not given.
    run(log.options(), "old key again");
    assert_eq!(run(rotated(), "new key again"), 11);
    assert_eq!(tampered(&log), [""; 0]);
    let report = log.verify_with([key(), other_key()]);
    assert_eq!(report.chains[0].verdict.as_str(), "intact", "{report:?}");
    assert_eq!(report.chains[0].records, 12);

    cut(&log, 11);
    run(log.options().previous_key(other_key()), "a cut shows across a key change");
    assert_eq!(tampered(&log)[0]["lost_sequences"], serde_json::json!([12, 12]));
}

#[test]
fn another_chain_is_refused() {
    let log = Log::new();
    run(log.options().chain_id("mine".parse().unwrap()), "one");
    let error = log.options().chain_id("yours".parse().unwrap()).start().unwrap_err();
    assert!(matches!(error, StartError::OtherChain { .. }), "{error}");
    assert_eq!(run(log.options().chain_id("mine".parse().unwrap()), "two"), 5);
    assert_eq!(run(log.options(), "three"), 8);
    assert_eq!(log.verify().chain_id.as_str(), "mine");
    log.assert_intact();
}

#[test]
fn sealing_cannot_be_turned_off_or_changed_in_the_middle_of_a_log() {
    let log = Log::new();
    run(log.options(), "one");
    let before = fs::read(&log.path).unwrap();
    let error = Pipeline::options(&log.path).start().unwrap_err();
    assert!(matches!(error, StartError::Sealed { .. }), "{error}");
    let error = Pipeline::options(&log.path).chain().start().unwrap_err();
    assert!(matches!(error, StartError::OtherSealing { .. }), "{error}");
    assert_eq!(fs::read(&log.path).unwrap(), before);
    run(log.options(), "two");
    log.assert_intact();

    let log = Log::new();
    run(Pipeline::options(&log.path).chain(), "one");
    let error = log.options().start().unwrap_err();
    assert!(matches!(error, StartError::OtherSealing { .. }), "{error}");
    run(Pipeline::options(&log.path).chain(), "two");
    let report = log.verify_with([]);
    assert_eq!(report.chains[0].verdict.as_str(), "intact", "{report:?}");
}

#[test]
fn sealing_that_is_turned_on_begins_a_chain_beside_the_unsealed_events() {
    let log = Log::new();
    run(Pipeline::options(&log.path), "unsealed");
    assert_eq!(run(log.options(), "sealed"), 2);
    assert_eq!(log.names(), ["sealed"]);
    assert_eq!(log.events()[0]["details"]["lines_set_aside"], 3);
    log.assert_intact();
    let aside = fs::read_dir(log.directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let aside = aside.into_iter().find(|path| path.to_str().unwrap().contains(".before-")).unwrap();
    assert!(fs::read_to_string(aside).unwrap().contains("\"unsealed\""));
}

#[test]
fn unsealed_segments_are_not_taken_for_a_part_of_a_chain() {
    let log = Log::new();
    let rotation = Rotation::never().max_size(200);
    for name in ["one", "two"] {
        run(Pipeline::options(&log.path).rotation(rotation.clone()), name);
    }
    assert!(log.files().len() > 2);
    for _ in 0..2 {
        let error = log.options().start().unwrap_err();
        assert!(matches!(error, StartError::Unsealed { .. }), "{error}");
    }
    for segment in log.files() {
        fs::remove_file(segment).unwrap();
    }
    assert_eq!(run(log.options(), "sealed"), 2);
    log.assert_intact();
}

#[test]
fn the_last_record_is_found_in_a_segment_when_the_file_is_empty() {
    for compress in [false, true] {
        let log = Log::new();
        let options = || log.options().rotation(Rotation::never().max_size(1).compress(compress));
        run(options(), "one");
        // What a crash right behind a rotation leaves.
        let last = audit_journal::segments(&log.path).unwrap().pop().unwrap();
        assert_eq!(last.last_sequence, 2);
        fs::write(&log.path, "").unwrap();
        fs::remove_file(log.directory.path().join(".audit.log.head")).unwrap();
        assert_eq!(run(options(), "two"), 4);
        log.assert_intact();
    }
}

/// Its name says how far it went.
#[test]
fn a_segment_that_was_cut_is_told_though_the_head_is_gone() {
    let log = Log::new();
    let options = || log.options().rotation(Rotation::never().max_size(3000));
    let pipeline = options().start().unwrap();
    for number in 0..20 {
        assert!(pipeline.emit_blocking(&event(format!("{number}"))).is_ok());
    }
    drop(pipeline);
    let last = audit_journal::segments(&log.path).unwrap().pop().unwrap();
    let text = fs::read_to_string(&last.path).unwrap();
    fs::write(&last.path, text.lines().next().unwrap().to_owned() + "\n").unwrap();
    fs::write(&log.path, "").unwrap();
    fs::remove_file(log.directory.path().join(".audit.log.head")).unwrap();
    let lost = (last.first_sequence + 1, last.last_sequence);
    for name in ["new", "and again"] {
        let number = run(options(), name);
        assert_eq!(log.found().last().unwrap().sequence_number, number);
    }
    assert_eq!(tampered(&log).len(), 1);
    assert_eq!(tampered(&log)[0]["lost_sequences"], serde_json::json!([lost.0, lost.1]));
    let chain = log.verify();
    assert_eq!(chain.verdict.as_str(), "missing", "{chain:?}");
    assert_eq!(chain.findings[0].records, Some(lost));
}

#[test]
fn a_crash_leaves_the_log_open_and_the_next_start_goes_on() {
    let _watchdog = watchdog(60);
    let log = Log::new();
    run(log.options(), "one");
    // Without a close record, as a crash leaves it.
    cut(&log, 2);
    fs::remove_file(log.directory.path().join(".audit.log.head")).unwrap();
    run(log.options(), "two");
    assert_eq!(
        log.types(),
        ["audit.started", "backup.started", "audit.started", "backup.started", "audit.stopped"]
    );
    log.assert_intact();
}
