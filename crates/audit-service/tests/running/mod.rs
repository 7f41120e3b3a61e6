//! A service with its log, in this process and on ports of its own, and a client for it.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit_config::{Change, Config, parse};
use audit_pipeline::Pipeline;
use audit_service::{ReloadError, Service, ServiceOptions};
use audit_source::Rejects;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A hook that is called whenever the configuration is read.
pub(crate) type OnRead = Box<dyn Fn() + Send + Sync>;

pub(crate) struct Running {
    pub(crate) service: Service,
    pub(crate) log: Pipeline,
    text: Arc<Mutex<String>>,
    pub(crate) directory: TempDir,
    // Last, so that all that runs on it is gone before.
    _runtime: Runtime,
}

pub(crate) fn start(text: impl FnOnce(&Path) -> String) -> Running {
    start_with(text, Box::new(|| {}))
}

/// The configuration is in memory, so that only [`Running::change`] reloads it.
pub(crate) fn start_with(text: impl FnOnce(&Path) -> String, on_read: OnRead) -> Running {
    start_that_retries(text, on_read, Duration::from_secs(30))
}

/// One that tries again so long after a reload stopped half-way.
pub(crate) fn start_that_retries(
    text: impl FnOnce(&Path) -> String,
    on_read: OnRead,
    after: Duration,
) -> Running {
    let directory = tempfile::tempdir().unwrap();
    let text = text(directory.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = read(&text).unwrap();
    let journal = config.journal(&|_| None).unwrap();
    let log = config.pipeline(&|_| None).unwrap().start().unwrap();
    let rejects = Arc::new(Rejects::new(directory.path().join("rejects.ndjson")).unwrap());
    let text = Arc::new(Mutex::new(text));
    let mut options = ServiceOptions::new(config, "audit.yaml", rejects);
    let now = Arc::clone(&text);
    options.read = Box::new(move || {
        on_read();
        let text = now.lock().unwrap().clone();
        read(&text)
    });
    options.retry_reload_after = after;
    let service = Service::start(options, log.clone(), journal, runtime.handle()).unwrap();
    Running { service, log, text, directory, _runtime: runtime }
}

fn read(text: &str) -> Result<Config, String> {
    parse("audit.yaml", text, &|_| None).map(|parsed| parsed.config).map_err(|errors| errors.to_string())
}

impl Running {
    pub(crate) fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// Reloads with that text.
    pub(crate) fn change(&self, text: impl Into<String>) -> Result<Vec<Change>, ReloadError> {
        *self.text.lock().unwrap() = text.into();
        self.service.reload()
    }

    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        self.service.addresses().into_iter().find(|(known, _)| known == name).unwrap().1
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Events in the log, of that type.
    pub(crate) fn events(&self, event_type: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path("audit.log")).unwrap();
        let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|event| event["event_type"] == event_type).collect()
    }

    /// The records of changes, when there are so many: they are written a moment later.
    pub(crate) fn changes(&self, count: usize) -> Vec<Value> {
        until("it is on record", || self.events("config.changed").len() >= count);
        let all = self.events("config.changed");
        assert_eq!(all.len(), count, "{all:?}");
        all
    }

    /// What became of an event.
    pub(crate) fn post(&self, event_type: &str) -> String {
        let body = format!(r#"{{"event_type":"{event_type}","actor":{{"id":"alice"}}}}"#);
        let mut stream = TcpStream::connect(self.address("http")).unwrap();
        stream.write_all(&post(&body)).unwrap();
        let (status, answer) = answer(&mut stream).expect("an answer");
        assert_eq!(status, 200, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["results"][0]["status"].as_str().unwrap().to_owned()
    }

    pub(crate) fn end(self) {
        self.service.stop();
        self.log.close().unwrap();
    }
}

pub(crate) fn post(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST /v1/events HTTP/1.1\r\nhost: log\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: log\r\n\r\n").ok()?;
    answer(&mut stream)
}

/// The status and the body; `None` when the connection ends without an answer.
pub(crate) fn answer(stream: &mut impl Read) -> Option<(u16, String)> {
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
    let status = head.split(' ').nth(1)?.parse().unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some((status, String::from_utf8(body).unwrap()))
}

/// A port that nobody had a moment ago.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits for something that comes about by itself.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came about: {what}");
}
