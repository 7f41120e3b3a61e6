//! `search --follow`: every record once, whatever becomes of the files.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use workplace::{Workplace, assert_code, event, stderr, stdout, wait_until};

/// A small log that is rotated each mebibyte and compressed.
const ROTATED: &str =
    "destination: {type: file, path: log/audit.log, rotation: {max_size_mb: 1, compress: true}}";

/// An event that is number `number`, and large.
fn large(number: u64) -> String {
    let padding = "x".repeat(3000);
    format!(
        "{{\"event_type\":\"backup.completed\",\"details\":{{\"n\":{number},\"padding\":\"{padding}\"}}}}\n"
    )
}

/// A search that runs, and the lines that it prints.
struct Following {
    child: Child,
    lines: Receiver<String>,
    told: Arc<Mutex<String>>,
}

impl Following {
    fn begin(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                if sender.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        let told = Arc::new(Mutex::new(String::new()));
        let (stderr, hearing) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&told));
        std::thread::spawn(move || {
            for line in stderr.lines() {
                *hearing.lock().unwrap() += &(line.unwrap() + "\n");
            }
        });
        Self { child, lines, told }
    }

    fn wait_until_told(&self, text: &str) {
        wait_until(text, || self.told.lock().unwrap().contains(text));
    }

    fn next(&mut self) -> String {
        self.lines.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|error| {
            let state = self.child.try_wait();
            panic!("no line came: {error}; {state:?}")
        })
    }

    fn next_number(&mut self) -> u64 {
        let line = self.next();
        let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        value["details.n"].as_u64().unwrap_or_else(|| panic!("no number: {line}"))
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Ends it as Ctrl-C does, and returns what it printed since.
    fn end(mut self, signal: &str) -> (Option<i32>, Vec<String>) {
        self.signal(signal);
        let rest = self.lines.iter().collect();
        (self.child.wait().unwrap().code(), rest)
    }
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

const NUMBERS: &str = "search --follow --type backup.completed --fields details.n --format ndjson";

#[test]
fn a_log_is_followed_over_rotations_and_compression_with_nothing_missed_or_doubled() {
    let place = Workplace::new(ROTATED);
    let rotated = |end: &str| {
        let names = fs::read_dir(place.path("log")).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.filter_map(|name| name.into_string().ok());
        names.filter(|name| name.starts_with("audit.log.") && name.ends_with(end)).count()
    };
    let history: String = (0..1500).map(large).collect();
    assert_code(&place.run(&history), 0);
    let before = rotated("");
    assert!(before > 0);
    let mut writer = place.begin_run();
    let mut events = writer.stdin.take().unwrap();
    // The hand-over from what is there to what comes happens while it is being written and rotated.
    let writing = std::thread::spawn(move || {
        (1500..3500).for_each(|number| events.write_all(large(number).as_bytes()).unwrap());
        events
    });
    let mut following = Following::begin(place.command(&format!("{NUMBERS} log/audit.log")));
    let mut late = Following::begin(place.command(&format!("{NUMBERS} log")));
    for number in 0..3500 {
        assert_eq!(following.next_number(), number);
        assert_eq!(late.next_number(), number);
    }
    let mut events = writing.join().unwrap();
    wait_until("more was rotated and compressed", || rotated(".gz") > before);
    events.write_all(event("backup.completed", 3500).as_bytes()).unwrap();
    assert_eq!(following.next_number(), 3500, "one by one as they come");
    assert_eq!(late.next_number(), 3500);
    drop(events);
    assert_code(&writer.wait_with_output().unwrap(), 0);
    let told = Arc::clone(&following.told);
    assert_eq!(following.end("-INT"), (Some(0), vec![]));
    assert_eq!(*told.lock().unwrap(), "");
    assert_eq!(late.end("-TERM").0, Some(0));
}

/// Its records have the numbers of the log, and its files count its own lines.
#[test]
fn a_copy_that_has_only_some_of_the_records_is_followed_as_well() {
    let place = Workplace::new(
        "destinations:
           - {type: file, path: log/audit.log, rotation: {max_size_mb: 1, compress: true}}
           - {type: file, name: copy, path: copy/copy.log, events: [backup.completed], rotation: {max_size_mb: 1, compress: true}}",
    );
    let written = |numbers: std::ops::Range<u64>| {
        numbers.map(|number| event("auth.login", number) + &large(number)).collect::<String>()
    };
    assert_code(&place.run(&written(0..1200)), 0);
    let mut following = Following::begin(place.command(&format!("{NUMBERS} copy/copy.log")));
    let mut of_the_log = Following::begin(place.command(&format!("{NUMBERS} log/audit.log")));
    for number in 0..1200 {
        assert_eq!(following.next_number(), number);
        assert_eq!(of_the_log.next_number(), number);
    }
    // Much is rotated and compressed while they sleep.
    [&following, &of_the_log].iter().for_each(|it| it.signal("-STOP"));
    assert_code(&place.run(&written(1200..2400)), 0);
    [&following, &of_the_log].iter().for_each(|it| it.signal("-CONT"));
    for number in 1200..2400 {
        assert_eq!(following.next_number(), number);
        assert_eq!(of_the_log.next_number(), number);
    }
    assert_eq!(following.end("-INT"), (Some(0), vec![]));
    assert_eq!(of_the_log.end("-INT"), (Some(0), vec![]));
    let count = place.command("search --count copy").output().unwrap();
    assert_eq!(stdout(&count), "2400\n");
}

#[test]
fn a_search_of_a_log_that_is_being_rotated_misses_and_doubles_nothing() {
    let place = Workplace::new(ROTATED);
    assert_code(&place.run(&(0..500).map(large).collect::<String>()), 0);
    let mut writer = place.begin_run();
    let mut events = writer.stdin.take().unwrap();
    let writing = std::thread::spawn(move || {
        (500..4000).for_each(|number| events.write_all(large(number).as_bytes()).unwrap());
    });
    let mut searches = 0;
    while !writing.is_finished() || searches == 0 {
        let output = place
            .command("search --type backup.completed --fields details.n log/audit.log")
            .output()
            .unwrap();
        assert_code(&output, 0);
        assert_eq!(stderr(&output), "");
        for (expected, line) in stdout(&output).lines().enumerate() {
            assert_eq!(line, format!("{{\"details.n\":{expected}}}"));
        }
        searches += 1;
    }
    writing.join().unwrap();
    assert_code(&writer.wait_with_output().unwrap(), 0);
    let count = place.command("search --count --type backup.completed log").output().unwrap();
    assert_eq!(stdout(&count), "4000\n");
}

#[test]
fn any_other_file_is_followed_by_its_name() {
    let place = Workplace::new(ROTATED);
    let path = |name: &str| place.path(name);
    let timed = |number: u64| {
        format!(
            "{{\"event_type\":\"backup.completed\",\"timestamp\":\"2026-03-01T02:00:00Z\",\"details\":{{\"n\":{number}}}}}\n"
        )
    };
    append(&path("one.ndjson"), &timed(0));
    append(&path("one.ndjson"), timed(1).trim_end());
    let mut following = Following::begin(place.command(&format!("{NUMBERS} one.ndjson two.ndjson")));
    assert_eq!(following.next_number(), 0);
    append(&path("one.ndjson"), "\n");
    assert_eq!(following.next_number(), 1, "a line is read when it has its end");
    append(&path("two.ndjson"), &timed(2));
    assert_eq!(following.next_number(), 2, "a file may come later");
    fs::rename(path("one.ndjson"), path("one.ndjson.1")).unwrap();
    append(&path("one.ndjson.1"), &timed(3));
    assert_eq!(following.next_number(), 3, "a writer may be late to notice");
    append(&path("one.ndjson"), &timed(4));
    assert_eq!(following.next_number(), 4);
    fs::write(path("one.ndjson"), "").unwrap();
    append(&path("two.ndjson"), &timed(5));
    assert_eq!(following.next_number(), 5);
    following.wait_until_told("one.ndjson was cut: it is read from its beginning");
    append(&path("one.ndjson"), "no event\n");
    append(&path("one.ndjson"), &timed(6));
    assert_eq!(following.next_number(), 6);
    following.wait_until_told("two.ndjson is not there yet: waiting for it");
    following.wait_until_told("one.ndjson:1: ");
    let told = Arc::clone(&following.told);
    assert_eq!(following.end("-INT"), (Some(0), vec![]));
    wait_until("it sums up", || told.lock().unwrap().ends_with("1 line is no event and was left out\n"));
}

#[test]
fn since_now_shows_only_what_is_new_and_a_limit_ends_it() {
    let place = Workplace::new(ROTATED);
    assert_code(&place.run(&event("backup.completed", 0)), 0);
    let mut following = Following::begin(place.command(&format!("{NUMBERS} --since now --limit 2 log")));
    let mut shown = Vec::new();
    for number in 1.. {
        assert_code(&place.run(&event("backup.completed", number)), 0);
        shown.extend(following.lines.try_iter());
        if following.child.try_wait().unwrap().is_some() {
            break;
        }
    }
    assert_eq!(following.child.wait().unwrap().code(), Some(0));
    shown.extend(following.lines.iter());
    let numbers: Vec<u64> = shown
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["details.n"].as_u64().unwrap())
        .collect();
    assert!(numbers.len() == 2 && numbers[0] > 0 && numbers[1] == numbers[0] + 1, "{numbers:?}");
}

#[test]
fn nothing_found_until_the_end_is_told_by_the_exit_code() {
    let place = Workplace::new(ROTATED);
    let following = Following::begin(place.command("search -f --format json missing.ndjson"));
    following.wait_until_told("missing.ndjson is not there yet: waiting for it");
    assert_eq!(following.end("-TERM"), (Some(1), vec!["[]".to_owned()]));
}

#[test]
fn standard_input_is_shown_as_it_comes_and_ends_with_it() {
    let place = Workplace::new(ROTATED);
    let mut command = place.command(&format!("{NUMBERS} -"));
    command.stdin(Stdio::piped());
    let mut following = Following::begin(command);
    let mut stdin = following.child.stdin.take().unwrap();
    for number in 0..3 {
        let line =
            event("backup.completed", number).replacen('{', "{\"timestamp\":\"2026-03-01T02:00:00Z\",", 1);
        stdin.write_all(line.as_bytes()).unwrap();
        assert_eq!(following.next_number(), number);
    }
    drop(stdin);
    assert_eq!(following.child.wait().unwrap().code(), Some(0));
}
