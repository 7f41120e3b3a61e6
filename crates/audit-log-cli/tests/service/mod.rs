//! `audit-log serve`, as a process of its own, and a client for it.
#![allow(
    dead_code,
    clippy::print_stdout,
    reason = "not every test needs all of it; one that is skipped says so"
)]

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A service, killed when it is dropped.
pub(crate) struct Service {
    child: Child,
    directory: PathBuf,
    log: Arc<Mutex<Vec<Value>>>,
}

/// What a service answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Service {
    /// Starts it in a directory with that `audit.yaml`, and waits until all listeners listen.
    pub(crate) fn start(directory: &Path, config: &str) -> Self {
        std::fs::write(directory.join("audit.yaml"), config).unwrap();
        Self::start_again(directory)
    }

    /// The same with the configuration that is there.
    pub(crate) fn start_again(directory: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_audit-log"))
            .current_dir(directory)
            .args(["serve", "-c", "audit.yaml", "--json", "--log-format", "json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, told) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                told.lock().unwrap().push(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        let mut service = Self { child, directory: directory.to_owned(), log };
        until("it serves", || {
            let ended = service.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}: {:?}", service.log());
            service.log().iter().any(|line| line["message"] == "serves")
        });
        service
    }

    /// What it wrote to its own log.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    /// Where a source, or `operations`, listens.
    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        let log = self.log();
        let listens = |line: &&Value| {
            line["source"] == name || (name == "operations" && line["message"] == "tells health and metrics")
        };
        let line = log.iter().rev().filter(|line| line["address"].is_string()).find(listens);
        let line = line.unwrap_or_else(|| panic!("{name} does not listen: {log:?}"));
        line["address"].as_str().unwrap().parse().unwrap()
    }

    /// Posts events to the source `http`.
    pub(crate) fn post(&self, content_type: &str, headers: &[&str], body: &[u8]) -> Answer {
        request(self.address("http"), "POST", "/v1/events", content_type, headers, body)
    }

    pub(crate) fn get(&self, listener: &str, path: &str) -> Answer {
        request(self.address(listener), "GET", path, "", &[], b"")
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Ends it by SIGTERM: what it says of how it went.
    pub(crate) fn end(mut self) -> (ExitStatus, Value) {
        self.signal("-TERM");
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let status = self.child.wait().unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text} {:?}", self.log())),
        )
    }

    /// How much memory it had at most, in MiB.
    pub(crate) fn peak_megabytes(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }

    /// Ends it by SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// All events of the log `log/audit.log` and its rotated files.
    pub(crate) fn events(&self) -> Vec<Value> {
        events(&self.directory)
    }

    /// Waits for an event of that type.
    pub(crate) fn event(&self, event_type: &str, meets: impl Fn(&Value) -> bool) -> Value {
        let mut found = None;
        until(event_type, || {
            found =
                self.events().into_iter().rfind(|event| event["event_type"] == event_type && meets(event));
            found.is_some()
        });
        found.unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn events(directory: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(directory.join("log/audit.log")).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| {
            let mut record: Value = serde_json::from_str(line).unwrap();
            if record["event"].is_object() { record["event"].take() } else { record }
        })
        .collect()
}

pub(crate) fn verify(directory: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit-log"));
    let output = command.current_dir(directory).args(["verify", "--json", "log/audit.log"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs another command there, and returns what it printed.
pub(crate) fn audit_log(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit-log"));
    let output = command.current_dir(directory).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A variable of the environment; a test without it is skipped, and says so.
pub(crate) fn setting(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{name} is not set");
        println!("skipped: {name} is not set (cargo xtask test sets it)");
    }
    value
}

pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    content_type: &str,
    headers: &[&str],
    body: &[u8],
) -> Answer {
    try_request(address, method, path, content_type, headers, body).unwrap()
}

pub(crate) fn try_request(
    address: SocketAddr,
    method: &str,
    path: &str,
    content_type: &str,
    headers: &[&str],
    body: &[u8],
) -> std::io::Result<Answer> {
    let connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(Duration::from_secs(60)))?;
    exchange(connection, method, path, content_type, headers, body)
}

/// A request through a connection that is there, and its answer.
pub(crate) fn exchange(
    mut connection: impl Read + Write,
    method: &str,
    path: &str,
    content_type: &str,
    headers: &[&str],
    body: &[u8],
) -> std::io::Result<Answer> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    if !content_type.is_empty() {
        head += &format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n", body.len());
    }
    headers.iter().for_each(|header| head += &format!("{header}\r\n"));
    connection.write_all(format!("{head}\r\n").as_bytes())?;
    connection.write_all(body)?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Answer {
        status: status.ok_or(std::io::ErrorKind::InvalidData)?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
