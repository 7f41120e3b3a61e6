//! Clients of all kinds, against a source with a real log behind it.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use audit_pipeline::{OnFailure, Pipeline};
use audit_source::{CancellationToken, Intake, MAX_EVENT, Rejects, Source as _, SourceError};
use audit_source_socket::{SocketOptions, SocketSource};
use serde_json::{Value, json};

struct Place {
    directory: tempfile::TempDir,
}

struct Running {
    stop: CancellationToken,
    intake: Intake,
    thread: JoinHandle<Result<(), SourceError>>,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn options(&self) -> SocketOptions {
        SocketOptions::new(self.path("audit.sock"))
    }

    fn run(&self) -> Running {
        self.run_source(SocketSource::bind(self.options()).unwrap())
    }

    fn run_source(&self, source: SocketSource) -> Running {
        let stop = CancellationToken::new();
        let pipeline =
            Pipeline::options(self.path("audit.log")).on_failure(OnFailure::Reject).start().unwrap();
        let rejects = Arc::new(Rejects::new(self.path("rejects.ndjson")).unwrap());
        let intake = Intake::new(pipeline.clone(), "local").rejects(rejects);
        let (status, stopped) = (intake.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let ended = runtime.block_on(Box::new(source).run(intake, stopped));
            pipeline.close().unwrap();
            ended
        });
        Running { stop, intake: status, thread }
    }

    fn connect(&self) -> UnixStream {
        UnixStream::connect(self.path("audit.sock")).unwrap()
    }

    fn with_receipts(&self) -> (UnixStream, BufReader<UnixStream>) {
        let mut client = self.connect();
        client.write_all(b"{\"receipts\": true}\n").unwrap();
        let mut answers = BufReader::new(client.try_clone().unwrap());
        assert_eq!(read(&mut answers), json!({"receipts": true}));
        (client, answers)
    }

    fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("audit.log")).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| !event["event_type"].as_str().unwrap().starts_with("audit.")).collect()
    }

    fn names(&self) -> Vec<String> {
        self.events().iter().map(|event| event["details"]["name"].as_str().unwrap().to_owned()).collect()
    }

    fn rejects(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("rejects.ndjson")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Running {
    fn stop(self) {
        self.stop.cancel();
        self.thread.join().unwrap().unwrap();
    }

    fn until_recorded(&self, events: u64) {
        while self.intake.status().recorded < events {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn line(name: &str) -> String {
    format!("{}\n", json!({"event_type": "backup.started", "event_id": name, "details": {"name": name}}))
}

fn read(answers: &mut BufReader<UnixStream>) -> Value {
    let mut answer = String::new();
    answers.read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn a_receipt_says_that_the_event_is_in_the_log() {
    let place = Place::new();
    let running = place.run();
    let (mut client, mut answers) = place.with_receipts();
    for number in 0..50_u64 {
        client.write_all(line(&number.to_string()).as_bytes()).unwrap();
        let answer = read(&mut answers);
        let expected =
            json!({"status": "recorded", "event_id": number.to_string(), "sequence_number": number + 2});
        assert_eq!(answer, expected);
        assert_eq!(place.names().len() as u64, number + 1);
    }
    // In their order, and none for an empty line.
    let no_id = "{\"event_type\":\"backup.started\",\"details\":{\"name\":\"x\"}}\n";
    client
        .write_all(
            format!("no event\n\n{}{no_id}{}", line("y"), r#"{"event_type":"audit.stopped"}"#).as_bytes(),
        )
        .unwrap();
    // Half-closed, and the last line without its newline.
    client.shutdown(Shutdown::Write).unwrap();
    let mut rest = String::new();
    answers.read_to_string(&mut rest).unwrap();
    let rest: Vec<Value> = rest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let statuses: Vec<&str> = rest.iter().map(|answer| answer["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["refused", "recorded", "recorded", "refused"]);
    assert!(rest[0]["error"].as_str().unwrap().contains("expected"), "{}", rest[0]);
    assert_eq!(rest[1]["event_id"], "y");
    assert_eq!(rest[2]["event_id"], place.events()[51]["event_id"], "the one that it was given");
    assert!(rest[3]["error"].as_str().unwrap().contains("use another event type"), "{}", rest[3]);
    assert_eq!((running.intake.status().recorded, running.intake.status().refused), (52, 2));
    assert_eq!(place.rejects().len(), 0, "the sender knows");
    running.stop();
}

#[test]
fn who_sent_it_is_what_the_system_says() {
    let place = Place::new();
    let running = place.run();
    let mut client = place.connect();
    client
        .write_all(
            b"{\"event_type\":\"auth.login\",\"received\":{\"by\":\"root\"},\"details\":{\"name\":\"a\"}}\n",
        )
        .unwrap();
    running.until_recorded(1);
    let owner = fs::metadata(place.directory.path()).unwrap();
    let received = place.events()[0]["received"].clone();
    let expected = json!({
        "source": "local", "by": format!("uid:{}", owner.uid()), "gid": owner.gid(), "pid": std::process::id(),
    });
    assert_eq!(received, expected);
    running.stop();
}

#[test]
fn without_receipts_what_is_no_event_is_set_aside() {
    let place = Place::new();
    let running = place.run();
    let mut client = place.connect();
    client.write_all(format!("no event\n{}\r\n", line("a").trim_end()).as_bytes()).unwrap();
    client.write_all(line("long").trim_end().as_bytes()).unwrap();
    client.write_all(&vec![b' '; MAX_EVENT]).unwrap();
    client.write_all(format!("x\n{}", line("b")).as_bytes()).unwrap();
    drop(client);
    running.until_recorded(2);
    running.stop();
    assert_eq!(place.names(), ["a", "b"]);
    let rejects = place.rejects();
    assert_eq!(rejects.len(), 2, "{rejects:?}");
    assert_eq!((&rejects[0]["input"], &rejects[0]["line"]), (&"no event".into(), &1.into()));
    let error = rejects[1]["error"].as_str().unwrap();
    assert!(error.starts_with("the line has ") && error.contains("an event has at most"), "{error}");
    assert_eq!(rejects[1]["input"].as_str().unwrap().len(), 65536);
}

#[test]
fn an_empty_line_is_no_first_line() {
    let place = Place::new();
    let running = place.run();
    let mut client = place.connect();
    client.write_all(b"\n \r\n{\"receipts\": true}\n").unwrap();
    let mut answers = BufReader::new(client);
    assert_eq!(read(&mut answers), json!({"receipts": true}));
    running.stop();
    assert_eq!(place.rejects(), Vec::<Value>::new());
}

#[test]
fn a_socket_that_cannot_be_made_is_told_by_the_path_that_was_configured() {
    let place = Place::new();
    let options = SocketOptions::new(place.path("there/is/none.sock"));
    let error = SocketSource::bind(options).unwrap_err().to_string();
    assert!(error.contains("there/is/none.sock: cannot write in "), "{error}");
    assert!(error.ends_with("there/is: no such directory") && !error.contains("/.s"), "{error}");
}

#[test]
fn a_line_that_is_too_long_is_refused_and_the_next_is_taken() {
    let place = Place::new();
    let running = place.run();
    let (mut client, mut answers) = place.with_receipts();
    client.write_all(&vec![b' '; MAX_EVENT + 1]).unwrap();
    client.write_all(format!("\n{}", line("next")).as_bytes()).unwrap();
    let answer = read(&mut answers);
    assert_eq!(
        answer["error"],
        format!("the line has {} bytes, and an event has at most {MAX_EVENT}", MAX_EVENT + 1)
    );
    assert_eq!(read(&mut answers)["event_id"], "next");
    running.stop();
}

#[test]
fn what_was_written_before_the_end_is_recorded() {
    let place = Place::new();
    for round in 0..20 {
        let running = place.run();
        // One is served already; the other has only just come.
        let mut early = place.connect();
        early.write_all(line(&format!("{round}-first")).as_bytes()).unwrap();
        running.until_recorded(1);
        let mut late = place.connect();
        let text: String = (0..100).map(|number| line(&format!("{round}-{number}"))).collect();
        late.write_all(text.as_bytes()).unwrap();
        early.write_all(line(&format!("{round}-last")).as_bytes()).unwrap();
        running.stop();
        assert_eq!(place.names().len(), (round + 1) * 102, "in round {round}");
    }
}

#[test]
fn slow_clients_and_those_that_never_read_hold_up_nobody() {
    let place = Place::new();
    let running = place.run();
    let mut slow = place.connect();
    let (mut deaf, _answers) = place.with_receipts();
    deaf.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let text: String = (0..1000).map(|number| line(&format!("deaf-{number}"))).collect();
    // It writes until nothing is taken any more, as its answers are not.
    while deaf.write_all(text.as_bytes()).is_ok() {}
    let before = running.intake.status().recorded;
    for byte in line("slow").bytes() {
        slow.write_all(&[byte]).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    let (mut client, mut answers) = place.with_receipts();
    client.write_all(line("quick").as_bytes()).unwrap();
    assert_eq!(read(&mut answers)["status"], "recorded");
    running.until_recorded(before + 2);
    let names = place.names();
    assert!(names.contains(&"slow".to_owned()) && names.contains(&"quick".to_owned()));
    running.stop();
}

#[test]
fn more_clients_than_are_served_at_once_wait() {
    let place = Place::new();
    let running = place.run_source(SocketSource::bind(place.options().max_connections(2)).unwrap());
    let (first, _answers) = place.with_receipts();
    let _second = place.with_receipts();
    let mut third = place.connect();
    third.write_all(line("third").as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(place.names(), Vec::<String>::new());
    first.shutdown(Shutdown::Both).unwrap();
    running.until_recorded(1);
    running.stop();
}

#[test]
fn many_clients_at_once_get_a_receipt_for_each_event() {
    let place = Place::new();
    let running = place.run();
    std::thread::scope(|scope| {
        for client in 0..20 {
            let place = &place;
            scope.spawn(move || {
                let (mut writer, mut answers) = place.with_receipts();
                let text: String = (0..200).map(|number| line(&format!("{client}-{number}"))).collect();
                let sender = std::thread::spawn(move || {
                    writer.write_all(text.as_bytes()).unwrap();
                    writer.shutdown(Shutdown::Write).unwrap();
                });
                for number in 0..200 {
                    assert_eq!(read(&mut answers)["event_id"], format!("{client}-{number}"));
                }
                sender.join().unwrap();
                assert_eq!(answers.read_line(&mut String::new()).unwrap(), 0, "and then the end");
            });
        }
    });
    running.stop();
    let mut names = place.names();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 4000);
}

#[test]
fn the_socket_is_as_private_as_was_said_and_gone_in_the_end() {
    let place = Place::new();
    let path = place.path("audit.sock");
    for mode in [0o600, 0o660, 0o666] {
        // What a program that was killed leaves behind.
        drop(UnixListener::bind(&path).unwrap());
        let running = place.run_source(SocketSource::bind(place.options().mode(mode)).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        let error = SocketSource::bind(place.options()).unwrap_err().to_string();
        assert!(error.contains("another program listens on this socket"), "{error}");
        running.stop();
        assert!(!path.exists());
    }
    let left: Vec<_> =
        fs::read_dir(place.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().starts_with(".s")), "{left:?}");
    // A name that another has taken over is not removed.
    let source = SocketSource::bind(place.options()).unwrap();
    fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    drop(source);
    assert!(path.exists());
    drop(other);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "precious").unwrap();
    let error = SocketSource::bind(place.options()).unwrap_err().to_string();
    assert!(error.contains("is no socket; choose another path"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn a_socket_that_listens_already_is_taken_over() {
    let place = Place::new();
    let path = place.path("audit.sock");
    let listener = UnixListener::bind(&path).unwrap();
    // It came before anybody served it.
    let mut client = place.connect();
    client.write_all(line("early").as_bytes()).unwrap();
    let running = place.run_source(SocketSource::from_listener(listener, place.options()).unwrap());
    running.until_recorded(1);
    running.stop();
    assert!(path.exists(), "its name is not ours");
}

const CHILD: &str = "AUDIT_SOURCE_SOCKET_TEST_CHILD";

/// A file that may not grow (RLIMIT_FSIZE) for a full disk, in a process of its own.
#[test]
fn while_the_disk_is_full_nothing_is_lost_and_whoever_asks_is_told() {
    if std::env::var(CHILD).is_err() {
        let output = Command::new("bash")
            .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "while_the_disk_is_full_nothing_is_lost_and_whoever_asks_is_told",
                "--nocapture",
            ])
            .env(CHILD, "")
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let place = Place::new();
    let running = place.run();
    let (mut asking, mut answers) = place.with_receipts();
    asking.write_all(line("before").as_bytes()).unwrap();
    assert_eq!(read(&mut answers)["status"], "recorded");
    limit_files(&fs::metadata(place.path("audit.log")).unwrap().len().to_string());
    let mut silent = place.connect();
    let text: String = (0..2000).map(|number| line(&format!("silent-{number}"))).collect();
    let writer = std::thread::spawn(move || silent.write_all(text.as_bytes()).unwrap());
    asking.write_all(line("now").as_bytes()).unwrap();
    let answer = read(&mut answers);
    assert_eq!((&answer["status"], &answer["event_id"]), (&"unavailable".into(), &"now".into()), "{answer}");
    while running.intake.status().failing.is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(place.names(), ["before"]);
    limit_files("unlimited");
    writer.join().unwrap();
    running.until_recorded(2001);
    asking.write_all(line("now").as_bytes()).unwrap();
    while read(&mut answers)["status"] != "recorded" {
        asking.write_all(line("now").as_bytes()).unwrap();
    }
    running.stop();
    let mut names = place.names();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 2002);
}

fn limit_files(bytes: &str) {
    let process = std::process::id().to_string();
    let limited = Command::new("prlimit").args(["--pid", &process, &format!("--fsize={bytes}:")]).status();
    assert!(limited.expect("util-linux has prlimit").success());
}
