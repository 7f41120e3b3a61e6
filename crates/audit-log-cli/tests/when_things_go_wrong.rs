//! A full disk, a log that somebody touched, odd names: what the person who runs it is told, and what is in the log.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_audit-log");

fn workplace(more: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config = format!(
        "destination: {{type: file, path: log/audit.log}}\nintegrity: {{chain: {{enabled: true}}}}\n{more}"
    );
    fs::write(directory.path().join("audit.yaml"), config).unwrap();
    directory
}

fn audit_log(directory: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.env_remove("AUDIT_SIGNING_KEY").current_dir(directory).args(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn events(count: usize) -> Vec<u8> {
    let line = |n| {
        format!("{{\"event_type\":\"auth.login\",\"actor\":{{\"id\":\"a\"}},\"details\":{{\"n\":{n}}}}}\n")
    };
    (0..count).map(line).collect::<String>().into_bytes()
}

fn verified(directory: &Path) -> serde_json::Value {
    let output = audit_log(directory, &["verify", "--json", "log/audit.log"], b"");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
}

/// Runs with files of at most 300 kB, so that writing fails as on a full disk.
fn with_little_room(directory: &Path, input: &[u8], arguments: &str) -> Output {
    fs::write(directory.join("events.ndjson"), input).unwrap();
    let command = format!("ulimit -f 300; exec {PROGRAM} run -c audit.yaml -i events.ndjson {arguments}");
    Command::new("bash").current_dir(directory).args(["-c", &command]).output().unwrap()
}

/// The disk may be full at the very end only by chance: then closing fails, which is told instead of the sums.
#[test]
fn permit_goes_on_and_says_how_many_were_dropped() {
    for _ in 0..20 {
        let directory = workplace("on_failure: permit\n");
        let run = with_little_room(directory.path(), &events(3000), "--json");
        assert_eq!(run.status.code(), Some(1), "{}", text(&run));
        assert!(text(&run).contains("warning: log/audit.log: the log cannot be written"), "{}", text(&run));
        assert_eq!(verified(directory.path())["chains"][0]["findings"], serde_json::json!([]));
        if run.stdout.is_empty() {
            assert!(
                text(&run).contains("error: ") && text(&run).contains("File too large"),
                "{}",
                text(&run)
            );
            continue;
        }
        let summary: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        let number = |key: &str| summary[key].as_u64().unwrap();
        assert_eq!(number("recorded") + number("dropped") + number("lost"), 3000, "{summary}");
        assert!(number("dropped") + number("lost") > 0, "{summary}");
        return;
    }
    panic!("no run ended with its sums");
}

#[test]
fn a_full_disk_is_told_when_it_begins_and_what_was_lost_at_the_end() {
    let directory = workplace("");
    fs::write(directory.path().join("events.ndjson"), events(3000)).unwrap();
    let command = format!("ulimit -f 300; exec {PROGRAM} run -c audit.yaml -i events.ndjson");
    let mut command_line = Command::new("bash");
    let command_line = command_line.current_dir(directory.path()).args(["-c", &command]);
    let child = command_line.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    // It may have ended by itself: three thousand events fit into memory.
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("the log cannot be written"), "{}", text(&output));
    assert_eq!(verified(directory.path())["chains"][0]["findings"], serde_json::json!([]));
}

#[test]
fn a_log_cut_while_nobody_wrote_it_is_told_and_on_record() {
    let directory = workplace("");
    assert!(audit_log(directory.path(), &["run", "-c", "audit.yaml"], &events(20)).status.success());
    let path = directory.path().join("log/audit.log");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.split_inclusive('\n').take(12).collect::<String>()).unwrap();
    let run = audit_log(directory.path(), &["run", "-c", "audit.yaml"], &events(1));
    assert!(text(&run).contains("(records 13 to 22)"), "{}", text(&run));
    let report = verified(directory.path());
    assert_eq!(report["chains"][0]["verdict"], "missing");
    assert!(fs::read_to_string(&path).unwrap().contains("audit.log_tampered"));
    // Gone altogether, with the head still there.
    for file in fs::read_dir(directory.path().join("log")).unwrap() {
        let file = file.unwrap().path();
        if !file.file_name().unwrap().to_string_lossy().starts_with('.') {
            fs::remove_file(file).unwrap();
        }
    }
    for place in ["log", "log/audit.log"] {
        let gone = audit_log(directory.path(), &["verify", place], b"");
        assert_eq!(gone.status.code(), Some(1), "{}", text(&gone));
        assert!(text(&gone).starts_with("tail cut: "), "{}", text(&gone));
    }
}

#[test]
fn a_half_written_line_is_cut_and_told() {
    let directory = workplace("");
    assert!(audit_log(directory.path(), &["run", "-c", "audit.yaml"], &events(3)).status.success());
    let path = directory.path().join("log/audit.log");
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"event\":{\"half").unwrap();
    let run = audit_log(directory.path(), &["run", "-c", "audit.yaml"], &events(1));
    assert!(text(&run).contains("a half-written line of 15 bytes was cut off"), "{}", text(&run));
    assert_eq!(verified(directory.path())["chains"][0]["verdict"], "intact");
}

#[test]
fn runs_of_a_moment_prune_too() {
    let directory = workplace("");
    let config = "destination: {type: file, path: log/audit.log, rotation: {max_size_mb: 1, max_files: 2, compress: true}}\n\
                  integrity: {chain: {enabled: true}}\n";
    fs::write(directory.path().join("audit.yaml"), config).unwrap();
    for _ in 0..5 {
        let run = audit_log(directory.path(), &["run", "-c", "audit.yaml"], &events(3000));
        assert!(run.status.success(), "{}", text(&run));
    }
    let names = fs::read_dir(directory.path().join("log")).unwrap().map(|file| file.unwrap().file_name());
    let rotated = names.filter(|name| name.to_string_lossy().starts_with("audit.log.")).count();
    assert!(
        rotated <= 3,
        "two are kept, and one more may have been rotated while the log was closed: {rotated}"
    );
    let report = verified(directory.path());
    assert_eq!(report["chains"][0]["verdict"], "intact", "{report}");
    assert!(report["chains"][0]["pruned_to"].as_u64().unwrap() > 3000);
}

#[test]
fn everything_is_opened_before_anything_is_recorded() {
    let directory = workplace("");
    fs::write(directory.path().join("events.ndjson"), events(3)).unwrap();
    let cases: &[&[&str]] = &[
        &["-i", "events.ndjson", "-i", "no-such-file"],
        &["-i", "events.ndjson", "--rejects", "log/audit.log"],
        &["-i", "events.ndjson", "--socket", "audit.yaml"],
    ];
    for case in cases {
        let run = audit_log(directory.path(), &[&["run", "-c", "audit.yaml"], *case].concat(), b"");
        assert_eq!(run.status.code(), Some(2), "{}", text(&run));
        assert!(!directory.path().join("log/audit.log").exists(), "{case:?}: {}", text(&run));
    }
}

#[test]
fn names_that_are_not_utf_8_are_names() {
    let directory = workplace("");
    let odd = directory.path().join(OsStr::from_bytes(b"odd \xff name.log"));
    assert!(audit_log(directory.path(), &["run", "-c", "audit.yaml"], &events(3)).status.success());
    let log = fs::read_to_string(directory.path().join("log/audit.log")).unwrap();
    fs::write(&odd, log.replacen("\"a\"", "\"b\"", 1)).unwrap();
    let mut verify = Command::new(PROGRAM);
    let verify = verify.args(["verify", "--json"]).arg(&odd).output().unwrap();
    assert_eq!(verify.status.code(), Some(1), "{}", text(&verify));
    let mut run = Command::new(PROGRAM);
    let run = run.current_dir(directory.path()).args([
        "run",
        "-c",
        "audit.yaml",
        "--json",
        "-i",
        "/dev/null",
        "--rejects",
    ]);
    let run = run.arg(&odd).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", text(&run));
}

#[test]
fn a_directory_of_a_log_is_its_log_and_no_file_beside_it() {
    let directory = workplace("");
    assert!(
        audit_log(directory.path(), &["run", "-c", "audit.yaml"], b"{\"event_type\":\"a\"}\nrubbish\n")
            .status
            .success()
    );
    fs::write(directory.path().join("log/README"), "about this log\n").unwrap();
    let verify =
        audit_log(directory.path(), &["verify", "log", "log/audit.log", "./log/../log/audit.log"], b"");
    assert_eq!(verify.status.code(), Some(0), "{}", text(&verify));
    assert!(!text(&verify).contains("more than once"), "{}", text(&verify));
}

#[test]
fn a_head_that_is_not_authentic_is_no_head() {
    let directory = workplace("");
    assert!(audit_log(directory.path(), &["run", "-c", "audit.yaml"], &events(3)).status.success());
    let head = directory.path().join("log/.audit.log.head");
    fs::write(
        &head,
        fs::read_to_string(&head).unwrap().replace("\"sequence_number\":5", "\"sequence_number\":4"),
    )
    .unwrap();
    let verify = audit_log(directory.path(), &["verify", "log"], b"");
    assert_eq!(verify.status.code(), Some(2), "{}", text(&verify));
    assert!(text(&verify).contains("no way to tell whether the end was cut"), "{}", text(&verify));
}
