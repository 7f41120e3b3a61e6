//! `run` as it stands beside another program: signals, the Unix socket, a second writer.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const CONFIG: &str = "
destination: {type: file, path: log/audit.log}
integrity: {chain: {enabled: true}}
";

fn workplace() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("audit.yaml"), CONFIG).unwrap();
    directory
}

fn start(directory: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_audit-log"))
        .current_dir(directory)
        .args(["run", "-c", "audit.yaml", "--json"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn log_has(directory: &Path, text: &str) -> bool {
    std::fs::read_to_string(directory.join("log/audit.log")).is_ok_and(|log| log.contains(text))
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn verify(directory: &Path) -> serde_json::Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit-log"));
    let output = command.current_dir(directory).args(["verify", "--json", "log"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn end(child: Child) -> (ExitStatus, serde_json::Value) {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status, serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}")))
}

#[test]
fn a_signal_writes_what_was_read_and_closes_the_log() {
    for name in ["-TERM", "-INT"] {
        let directory = workplace();
        let mut child = start(directory.path(), &[]);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"{\"event_type\":\"auth.login\"}\n{\"event_type\":\"auth.logout\"}\n").unwrap();
        wait_until("the events are in the log", || log_has(directory.path(), "auth.logout"));
        signal(&child, name);
        let (status, summary) = end(child);
        assert!(status.success());
        assert_eq!(summary["recorded"], 2);
        assert_eq!(verify(directory.path())["chains"][0]["verdict"], "intact");
        drop(stdin);
    }
}

#[test]
fn a_killed_run_leaves_an_open_log_and_the_next_one_goes_on() {
    let directory = workplace();
    let mut child = start(directory.path(), &[]);
    child.stdin.as_mut().unwrap().write_all(b"{\"event_type\":\"auth.login\"}\n").unwrap();
    wait_until("the event is in the log", || log_has(directory.path(), "auth.login"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(verify(directory.path())["chains"][0]["verdict"], "intact, open");
    let mut child = start(directory.path(), &[]);
    drop(child.stdin.take());
    assert!(end(child).0.success());
    let report = verify(directory.path());
    assert_eq!(report["chains"][0]["verdict"], "intact");
    assert_eq!(report["chains"][0]["records"], 4);
}

#[test]
fn local_programs_send_events_to_a_socket() {
    let directory = workplace();
    let child = start(directory.path(), &["--socket", "events.sock"]);
    let path = directory.path().join("events.sock");
    wait_until("the socket is there", || UnixStream::connect(&path).is_ok());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut clients: Vec<UnixStream> = (0..4).map(|_| UnixStream::connect(&path).unwrap()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        writeln!(client, "{{\"event_type\":\"auth.login\",\"details\":{{\"client\":{number}}}}}\nrubbish")
            .unwrap();
    }
    for number in 0..4 {
        wait_until("each client's event is in the log", || {
            log_has(directory.path(), &format!("\"client\":{number}"))
        });
    }
    signal(&child, "-TERM");
    let (status, summary) = end(child);
    assert!(status.success());
    assert_eq!((&summary["recorded"], &summary["rejected"]), (&4.into(), &4.into()));
    assert!(!path.exists(), "the socket's name goes with the program");
}

#[test]
fn a_second_writer_is_refused_and_told_who_has_the_log() {
    let directory = workplace();
    let first = start(directory.path(), &[]);
    wait_until("the first has begun", || log_has(directory.path(), "audit.started"));
    let second = start(directory.path(), &[]).wait_with_output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let message = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(message.contains(&format!("process {}", first.id())), "{message}");
    signal(&first, "-TERM");
    assert!(end(first).0.success());
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_audit-log")).args(["completions", shell]).output().unwrap();
        assert!(output.status.success() && output.stdout.len() > 500, "{shell}");
    }
}
