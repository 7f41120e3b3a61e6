//! A source that runs on a port of its own, with a log behind it, and a client that says exactly what it is told to.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use audit_access::{Access, Role};
use audit_pipeline::Pipeline;
use audit_source::{CancellationToken, Intake, Source as _, SourceStatus};
use audit_source_http::{HttpOptions, HttpSource};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) log: Pipeline,
    pub(crate) intake: Intake,
    pub(crate) stop: CancellationToken,
    running: Option<JoinHandle<()>>,
    directory: TempDir,
    // Last, so that all that runs on it is gone before.
    runtime: Runtime,
}

pub(crate) fn anonymous() -> Access {
    Access::default().anonymous([Role::Ingest])
}

/// A source as the change makes it, for anybody on this machine if the change says nothing of access.
pub(crate) fn service(change: impl FnOnce(HttpOptions) -> HttpOptions) -> Service {
    service_with_log(change, |options| options)
}

pub(crate) fn service_with_log(
    change: impl FnOnce(HttpOptions) -> HttpOptions,
    log: impl FnOnce(audit_pipeline::Options) -> audit_pipeline::Options,
) -> Service {
    let directory = tempfile::tempdir().unwrap();
    let log = log(Pipeline::options(directory.path().join("audit.log"))).start().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let options = change(HttpOptions::new("127.0.0.1:0").access(anonymous()));
    let source = runtime.block_on(HttpSource::bind(options)).unwrap();
    let (address, intake, stop) =
        (source.local_addr(), Intake::new(log.clone(), "http"), CancellationToken::new());
    let running = Box::new(source).run(intake.clone(), stop.clone());
    let running = Some(runtime.spawn(async move { running.await.unwrap() }));
    Service { address, log, intake, stop, running, directory, runtime }
}

impl Service {
    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    /// One request on a connection of its own.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> Reply {
        let mut stream = self.connect();
        // The peer may have answered, and closed, before it took all.
        let _ = stream.write_all(request.as_ref());
        reply(&mut stream).expect("an answer")
    }

    pub(crate) fn post(&self, content_type: &str, body: impl AsRef<[u8]>) -> Reply {
        self.ask(post(content_type, "", body))
    }

    pub(crate) fn json(&self, body: impl AsRef<[u8]>) -> Reply {
        self.post("application/json", body)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.ask(format!("GET {path} HTTP/1.1\r\nhost: log\r\n\r\n"))
    }

    /// What is in the log's file: what is there has been written by the time it was answered.
    pub(crate) fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.directory.path().join("audit.log")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn status(&self) -> SourceStatus {
        self.intake.status()
    }

    /// Stops the source, and waits until it has ended.
    pub(crate) fn stop(&mut self) {
        self.stop.cancel();
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running).expect("it ended without a panic");
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

pub(crate) fn post(content_type: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: log\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What became of the events, one after the other.
    pub(crate) fn results(&self) -> Vec<Value> {
        self.json()["results"].as_array().unwrap_or_else(|| panic!("{self:?}")).clone()
    }

    pub(crate) fn statuses(&self) -> Vec<String> {
        self.results().iter().map(|result| result["status"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn detail(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// Reads one answer; `None` when the connection was closed without one.
pub(crate) fn reply(stream: &mut impl Read) -> Option<Reply> {
    reply_to(stream, true)
}

pub(crate) fn reply_to(stream: &mut impl Read, has_body: bool) -> Option<Reply> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            _ => return None,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    if status == 100 {
        return Some(Reply { status, head, body: Vec::new() });
    }
    let mut this = Reply { status, head, body: Vec::new() };
    let length: usize = this.header("content-length").map_or(0, |length| length.parse().unwrap());
    if has_body {
        this.body = vec![0; length];
        stream.read_exact(&mut this.body).unwrap();
    }
    Some(this)
}

/// Waits for something that comes about by itself.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it never came about: {what}");
}

/// An event of that type with a detail.
pub(crate) fn event(event_type: &str, detail: impl Into<Value>) -> String {
    serde_json::json!({"event_type": event_type, "actor": {"id": "alice"}, "details": {"n": detail.into()}})
        .to_string()
}
