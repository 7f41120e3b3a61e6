//! A file that may not grow (RLIMIT_FSIZE) for a full disk, in a process of its own.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::fs;
use std::process::Command;
use std::time::Duration;

use audit_source_file::FileOptions;
use place::{Place, append_lines, child_argument, copy_and_truncate, spawn_child};

const NAME: &str = "while_the_log_takes_nothing_the_file_waits";

#[test]
fn while_the_log_takes_nothing_the_file_waits() {
    if child_argument().is_none() {
        assert!(spawn_child(NAME, "").wait().unwrap().success());
        return;
    }
    let place = Place::new();
    // What is to be read is there already: the limit is on every file of this process, and the log's is the longest then.
    let rotated = place.beside("app.log-1");
    append_lines(&place.file(), 0..2);
    let running = place.run();
    place.until(&[0, 1]);
    limit_files(&fs::metadata(place.log_path()).unwrap().len().to_string());
    in_another_process(&place.file(), 2..4000);
    while running.intake.status().failing.is_none() || running.intake.status().lag == Some(0) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(place.numbers(), [0, 1]);
    // It is rotated meanwhile, and by the way that leaves nothing in its place.
    let status = Command::new("prlimit")
        .args(["--fsize=unlimited:", "cp"])
        .arg(place.file())
        .arg(&rotated)
        .status()
        .unwrap();
    assert!(status.success());
    fs::OpenOptions::new().write(true).open(place.file()).unwrap().set_len(0).unwrap();
    in_another_process(&place.file(), 4000..6000);
    limit_files("unlimited");
    place.until_that(
        |place| place.numbers().len() == 6000,
        |place| format!("{} lines", place.numbers().len()),
    );
    assert!(place.numbers().is_sorted(), "what was refused comes before what came later");
    running.stop();
    assert_eq!(place.gaps().len(), 0);
    // A source that is stopped while nothing is taken ends all the same, and the next goes on.
    append_lines(&place.file(), 6000..6010);
    let running = place.run_with(FileOptions::new(place.file(), place.state()));
    place.until_that(
        |place| place.numbers().len() == 6010,
        |place| format!("{} lines", place.numbers().len()),
    );
    limit_files(&fs::metadata(place.log_path()).unwrap().len().to_string());
    in_another_process(&place.file(), 6010..6020);
    while running.intake.status().failing.is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = std::thread::spawn(move || running.end());
    std::thread::sleep(Duration::from_secs(6));
    limit_files("unlimited");
    ended.join().unwrap().unwrap();
    copy_and_truncate(&place.file(), &place.beside("app.log-2"));
    let running = place.run();
    place.until_that(
        |place| {
            let mut numbers = sorted(place);
            numbers.dedup();
            numbers == (0..6020).collect::<Vec<_>>()
        },
        |place| format!("{} lines", place.numbers().len()),
    );
    running.stop();
}

fn sorted(place: &Place) -> Vec<u64> {
    let mut numbers = place.numbers();
    numbers.sort_unstable();
    numbers
}

/// This one's files may not grow.
fn in_another_process(path: &std::path::Path, numbers: std::ops::Range<u64>) {
    let program = r#"for n in $(seq "$1" "$2"); do printf '{"event_type":"backup.started","details":{"n":%d}}\n' "$n"; done >>"$0""#;
    let (first, last) = (numbers.start.to_string(), (numbers.end - 1).to_string());
    let mut command = Command::new("prlimit");
    command.args(["--fsize=unlimited:", "bash", "-c", program]).arg(path).args([first, last]);
    assert!(command.status().unwrap().success());
}

fn limit_files(bytes: &str) {
    let process = std::process::id().to_string();
    let limited = Command::new("prlimit").args(["--pid", &process, &format!("--fsize={bytes}:")]).status();
    assert!(limited.expect("util-linux has prlimit").success());
}
