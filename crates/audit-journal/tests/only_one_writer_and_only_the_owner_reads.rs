//! The lock, and permissions.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;
use std::process::Command;

use audit_journal::{Journal, JournalError, Options, Rotation};
use common::{Place, at, records};

fn holder(log: &Path) -> Option<u32> {
    match Journal::open(log, Options::default(), at(0)) {
        Err(JournalError::Locked { holder, .. }) => holder,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_second_writer_in_the_same_process_is_refused() {
    let place = Place::new();
    let (mut journal, _) = place.open(Options::default());
    assert_eq!(holder(&place.log()), Some(std::process::id()));
    journal.append(records([1]).as_bytes(), 1, at(0)).unwrap();
    drop(journal);
    assert_eq!(place.open(Options::default()).1.last_sequence, 1);
}

#[test]
fn a_second_writer_in_another_process_is_refused() {
    let place = Place::new();
    if let Ok(log) = std::env::var("LOCKED_LOG") {
        println!("holder {:?}", holder(Path::new(&log)));
        return;
    }
    let (_journal, _) = place.open(Options::default());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_second_writer_in_another_process_is_refused", "--nocapture"])
        .env("LOCKED_LOG", place.log())
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(output.contains(&format!("holder Some({})", std::process::id())), "{output}");
}

#[cfg(unix)]
#[test]
fn deleting_the_lock_file_does_not_let_a_second_writer_in() {
    let place = Place::new();
    let (_journal, _) = place.open(Options::default());
    std::fs::remove_file(place.directory().join(".audit.log.lock")).unwrap();
    holder(&place.log());
}

#[cfg(unix)]
#[test]
fn files_are_0600_and_directories_0700() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let directory = place.directory().join("a/b");
    let log = directory.join("audit.log");
    let rotation = Rotation::never().max_size(1).compress(true);
    let (mut journal, _) = Journal::open(&log, Options::default().rotation(rotation), at(0)).unwrap();
    for number in 1..=3 {
        journal.append(records([number]).as_bytes(), 1, at(0)).unwrap();
    }
    std::fs::remove_file(&log).unwrap();
    journal.append(records([4]).as_bytes(), 1, at(0)).unwrap();
    common::write_into(&log, "foreign\n");
    journal.append(records([5]).as_bytes(), 1, at(0)).unwrap();
    journal.close().unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(&place.directory().join("a"))), (0o700, 0o700));
    let files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 6);
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}
