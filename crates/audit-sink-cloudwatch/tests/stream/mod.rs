//! A log stream of its own at the server of the tests.
#![allow(dead_code, reason = "each test uses its part")]

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use audit_sink::testkit::Place;
use audit_sink::{Receipt, SendFuture, Sink, SinkError};
use audit_sink_cloudwatch::{CloudwatchOptions, CloudwatchSink};

pub(crate) struct Stream {
    /// The server.
    pub(crate) server: String,
    /// Where the sink is told that the server is.
    pub(crate) endpoint: String,
    /// The access key id and its secret.
    pub(crate) credentials: (String, String),
    pub(crate) group: String,
    pub(crate) python: String,
}

/// A setting of the tests; without it they are skipped.
pub(crate) fn setting(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{name} is not set, and this is CI");
        println!("skipped: {name} is not set (cargo xtask test sets it)");
    }
    value
}

pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// Who delivers gives up after some seconds.
pub(crate) fn run(
    runtime: &tokio::runtime::Runtime,
    send: SendFuture<'_, Receipt>,
) -> Result<Receipt, SinkError> {
    runtime.block_on(async {
        let timeout = tokio::time::timeout(Duration::from_secs(5), send);
        timeout.await.unwrap_or_else(|_| Err(SinkError::retryable("no answer in five seconds")))
    })
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

impl Stream {
    pub(crate) fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = setting("AUDIT_TEST_CLOUDWATCH")?.trim_end_matches('/').to_owned();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Some(Self {
            endpoint: server.clone(),
            server,
            credentials: ("any".to_owned(), "any".to_owned()),
            group: format!("/audit/test-{}-{}-{number}", now_ms(), std::process::id()),
            python: setting("AUDIT_TEST_PYTHON")?,
        })
    }

    pub(crate) fn sink(&self, credentials: &(String, String)) -> CloudwatchSink {
        let (id, secret) = credentials.clone();
        let options = CloudwatchOptions::new(&self.group, "host-7")
            .region("us-east-1")
            .endpoint(&self.endpoint)
            .credentials(id, secret.into());
        CloudwatchSink::new(options).unwrap()
    }

    /// What one of the Python programs beside the tests prints.
    pub(crate) fn python(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        let program = format!("{}/tests/{program}", env!("CARGO_MANIFEST_DIR"));
        let output =
            Command::new(&self.python).arg(&program).arg(&self.server).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} failed; has this Python boto3? {errors}");
        output.stdout
    }

    /// What is at the server now.
    pub(crate) fn lines(&self) -> Vec<Vec<u8>> {
        let (id, secret) = &self.credentials;
        let text = self.python("read_back.py", &[id, secret, &self.group, "host-7"]);
        text.split_inclusive(|byte| *byte == b'\n').map(|line| line[..line.len() - 1].to_vec()).collect()
    }
}

impl Place for Stream {
    fn open(&mut self) -> Box<dyn Sink> {
        Box::new(self.sink(&self.credentials))
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        self.lines()
    }

    fn largest_record(&self) -> usize {
        1_048_550
    }

    fn rejects_larger(&self) -> bool {
        true
    }
}
