//! A file-size limit stands for the full disk: `write` fails with EFBIG after a part was written, as it does with
//! ENOSPC. The test runs itself again under that limit.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::process::Command;

use audit_journal::{Journal, Options, Rotation, segments};
use common::{at, record, text};

/// In bash's unit for `ulimit -f`, and in bytes.
const LIMIT: (u64, u64) = (64, 64 << 10);

fn raise_the_limit() {
    let pid = std::process::id().to_string();
    let status = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
    assert!(status.expect("prlimit of util-linux").success());
}

/// Runs `test` of this file as a child, in `directory`, with the limit.
fn under_the_limit(test: &str) -> bool {
    if std::env::var_os("UNDER_THE_LIMIT").is_some() {
        return true;
    }
    let directory = tempfile::tempdir().unwrap();
    let script = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$0\" \"$@\"", LIMIT.0);
    let output = Command::new("bash")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("UNDER_THE_LIMIT", "1")
        .current_dir(directory.path())
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// Appends batches of two records until one does not fit; tells the first number that is not in the log.
fn fill(journal: &mut Journal) -> u64 {
    loop {
        let next = journal.next_sequence();
        let batch = record(next, 1000) + &record(next + 1, 1000);
        match journal.append(batch.as_bytes(), 2, at(0)) {
            Ok(()) => assert!(next * 1000 < LIMIT.1),
            Err(error) => {
                assert!(error.to_string().contains("cannot write to the log"), "{error}");
                return next;
            }
        }
    }
}

fn expected(last: u64) -> String {
    (1..=last).map(|number| record(number, 1000)).collect()
}

#[test]
fn until_there_is_space_again() {
    if !under_the_limit("until_there_is_space_again") {
        return;
    }
    // A path without a directory, too.
    let log = std::path::Path::new("audit.log");
    let (mut journal, _) = Journal::open(log, Options::default(), at(0)).unwrap();
    let next = fill(&mut journal);
    for _ in 0..3 {
        assert_eq!(fill(&mut journal), next);
        assert_eq!(text(log), expected(next - 1));
    }
    raise_the_limit();
    journal.append((record(next, 1000) + &record(next + 1, 1000)).as_bytes(), 2, at(0)).unwrap();
    assert_eq!(text(log), expected(next + 1));
    assert_eq!(journal.take_incidents(), []);
}

#[test]
fn while_it_is_tampered_with() {
    if !under_the_limit("while_it_is_tampered_with") {
        return;
    }
    let log = std::path::Path::new("audit.log");
    let (mut journal, _) = Journal::open(log, Options::default(), at(0)).unwrap();
    let next = fill(&mut journal);
    // What is missing must not become a hole when the failed batch is cut off.
    common::truncate(log, 0);
    let large = record(next, 100_000);
    assert!(journal.append(large.as_bytes(), 1, at(0)).is_err());
    assert_eq!(text(log), "");
    journal.append(record(next, 1000).as_bytes(), 1, at(0)).unwrap();
    assert_eq!(journal.take_incidents().len(), 1);
    assert_eq!(text(log), record(next, 1000));
    fs::remove_file(log).unwrap();
    assert!(journal.append(record(next + 1, 100_000).as_bytes(), 1, at(0)).is_err());
    raise_the_limit();
    journal.append(record(next + 1, 1000).as_bytes(), 1, at(0)).unwrap();
    let restored = segments(log).unwrap().pop().unwrap();
    assert_eq!(text(&restored.path), record(next, 1000) + &record(next + 1, 1000));
}

#[test]
fn and_a_rotation_makes_room() {
    if !under_the_limit("and_a_rotation_makes_room") {
        return;
    }
    let log = std::path::Path::new("audit.log");
    let options = Options::default().rotation(Rotation::never().max_size(LIMIT.1).compress(true));
    let (mut journal, _) = Journal::open(log, options, at(0)).unwrap();
    let large = record(1, 100_000);
    assert!(journal.append(large.as_bytes(), 1, at(0)).is_err());
    while journal.next_sequence() < 200 {
        journal.append(record(journal.next_sequence(), 1000).as_bytes(), 1, at(0)).unwrap();
    }
    journal.close().unwrap();
    let rotated: String = segments(log).unwrap().iter().map(|segment| text(&segment.path)).collect();
    assert_eq!(rotated + &text(log), expected(199));
}
