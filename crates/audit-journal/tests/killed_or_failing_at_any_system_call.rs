//! strace kills a writer, or makes a call fail, at the first, second, … call of each kind. What was acknowledged is
//! in the log once and in order, and of the rest at most the batch that was under way when the writer was killed.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may")]
#![cfg(target_os = "linux")]

mod common;

use std::path::Path;
use std::process::{Command, Output};

use audit_journal::{Journal, Options, Rotation};
use common::{Place, at, number_of, records};

const CALLS: [&str; 9] =
    ["write", "fdatasync", "fsync", "rename", "openat", "unlink", "ftruncate", "statx", "copy_file_range"];
const LAST: u64 = 7;

fn options() -> Options {
    let rotation = Rotation::never().max_size(records(1..=2).len() as u64).compress(true);
    Options::default().rotation(rotation).numbered_by(number_of)
}

/// The child: appends, goes on after errors, and says what was acknowledged.
fn append_all(log: &Path, delete_at: Option<u64>) {
    let mut journal = loop {
        match Journal::open(log, options(), at(0)) {
            Ok((journal, _)) => break journal,
            Err(error) => eprintln!("{error}"),
        }
    };
    while journal.next_sequence() <= LAST {
        let next = journal.next_sequence();
        if delete_at == Some(next) {
            let _ = std::fs::remove_file(log);
        }
        match journal.append(records([next]).as_bytes(), 1, at(0)) {
            Ok(()) => println!("acknowledged {next}"),
            Err(error) => eprintln!("{error}"),
        }
    }
    let _ = journal.close();
}

fn run(test: &str, place: &Place, injection: &str) -> Output {
    Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("inject={injection}")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("WRITER_OF", place.log())
        .output()
        .unwrap()
}

/// Runs `test` again as a child, once for each call that can be hit. Tells whether this is the parent.
fn at_each_call(test: &str, delete_at: Option<u64>, injected: &str, check: fn(&Place, u64, bool)) {
    if let Some(log) = std::env::var_os("WRITER_OF") {
        return append_all(Path::new(&log), delete_at);
    }
    if !Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status().is_ok_and(|s| s.success()) {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "there is no strace here, or it may not trace"
        );
        println!("skipped: there is no strace here, or it may not trace");
        return;
    }
    for call in CALLS {
        let mut last_hit = 0;
        for when in 1..=100 {
            let place = Place::new();
            let output = run(test, &place, &format!("{call}:{injected}:when={when}"));
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let acknowledged =
                said.lines().filter_map(|line| line.split_once("acknowledged ")?.1.parse().ok()).max();
            println!("{call} {when}: {acknowledged:?}, {}", output.status);
            check(&place, acknowledged.unwrap_or(0), output.status.success());
            let was_hit =
                !output.status.success() || String::from_utf8_lossy(&output.stderr).contains("os error 5");
            if was_hit {
                last_hit = when;
            } else if when > last_hit + 8 {
                // Calls of the other threads are fewer.
                break;
            }
        }
    }
}

fn last_of(content: &str) -> u64 {
    content.lines().count() as u64
}

#[test]
fn killed() {
    at_each_call("killed", None, "signal=KILL", |place, acknowledged, _| {
        let (journal, recovery) = place.open(options());
        journal.close().unwrap();
        let content = place.content();
        assert_eq!(content, records(1..=last_of(&content)));
        assert!((acknowledged..=acknowledged + 1).contains(&last_of(&content)));
        assert_eq!(recovery.last_sequence, last_of(&content));
    });
}

#[test]
fn failing() {
    at_each_call("failing", Some(4), "error=EIO", |place, acknowledged, finished| {
        // The injected error may hit the test's own output, too; then the child ends early.
        if finished {
            assert_eq!(acknowledged, LAST);
            assert_eq!(place.content(), records(1..=LAST));
            let (journal, recovery) = place.open(options());
            journal.close().unwrap();
            assert_eq!((recovery.last_sequence, place.content()), (LAST, records(1..=LAST)));
        }
    });
}
