//! The receiver that `cargo xtask services up webhook` starts, and what it wrote down.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::collections::HashSet;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use audit_sink::testkit::Place;
use audit_sink::{Receipt, SendFuture, Sink, SinkError};
use audit_sink_webhook::{Body, WebhookOptions, WebhookSink};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::runtime::{Builder, Runtime};

/// A variable of the environment; `None`, with a word about it, where the tests run without servers.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "{name} is not set (cargo xtask test sets it)"
        );
        println!("skipped: {name} is not set (cargo xtask test sets it)");
    }
    value
}

/// What drives the sinks, as who delivers does.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn run_on(
    runtime: &Runtime,
) -> impl Fn(SendFuture<'_, Receipt>) -> Result<Receipt, SinkError> + Sync {
    |send| runtime.block_on(within(Duration::from_secs(10), send))
}

pub(crate) async fn within<T>(
    limit: Duration,
    send: impl Future<Output = Result<T, SinkError>>,
) -> Result<T, SinkError> {
    tokio::time::timeout(limit, send)
        .await
        .unwrap_or_else(|_| Err(SinkError::retryable("the test waited long enough")))
}

/// One path of the receiver, that nobody else sends to.
pub(crate) struct Path {
    pub(crate) options: WebhookOptions,
    pub(crate) body: Body,
    /// Body bytes of the largest request that the place takes.
    pub(crate) limit: usize,
    /// The receiver drops a request with a key that it has seen: done here, as it keeps everything.
    pub(crate) drops_repeated: bool,
    path: String,
}

impl Path {
    /// `base` is the receiver's URL, `begin` what the path begins with.
    pub(crate) fn new(base: &str, begin: &str, body: Body) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let path = format!("{begin}/{now}-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let options = WebhookOptions::new(format!("{base}{path}")).body(body);
        Self { options, body, limit: 1 << 20, drops_repeated: false, path }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(WebhookOptions) -> WebhookOptions) -> Self {
        self.options = change(self.options);
        self
    }

    pub(crate) fn sink(&self) -> WebhookSink {
        WebhookSink::new(self.options.clone()).unwrap()
    }

    /// What the receiver wrote down for this path: one object a request.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let output = std::env::var("AUDIT_TEST_WEBHOOK_OUTPUT").unwrap();
        let text = std::fs::read_to_string(output).unwrap();
        // The line of another test may be unfinished.
        let requests = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        requests.filter(|request| request["path"] == self.path.as_str()).collect()
    }
}

impl Place for Path {
    fn open(&mut self) -> Box<dyn Sink> {
        Box::new(self.sink())
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        let mut keys = HashSet::new();
        let requests = self.requests().into_iter().filter(|request| {
            let key = request["headers"]["idempotency-key"].as_str().unwrap().to_owned();
            keys.insert(key) || !self.drops_repeated
        });
        requests.flat_map(|request| records(self.body, request["body"].as_str().unwrap())).collect()
    }

    fn largest_record(&self) -> usize {
        // The conformance suite sends it as record 1003, as of now.
        let around = match self.body {
            Body::SplunkHec => {
                r#"{"time":1700000000.000,"fields":{"chain_id":"conformance","sequence_number":"1003"},"event":}_"#
                    .len()
            }
            Body::JsonArray => 2,
            Body::Json => 0,
            _ => 1,
        };
        self.limit - around
    }

    fn rejects_larger(&self) -> bool {
        true
    }
}

/// The records in a body, as an independent reader of it takes them out, byte for byte.
fn records(body: Body, text: &str) -> Vec<Vec<u8>> {
    let bytes = |raw: &RawValue| raw.get().as_bytes().to_vec();
    match body {
        Body::JsonArray => {
            serde_json::from_str::<Vec<&RawValue>>(text).unwrap().into_iter().map(bytes).collect()
        }
        Body::SplunkHec => {
            let events = serde_json::Deserializer::from_str(text);
            let events = events.into_iter::<std::collections::HashMap<String, &RawValue>>();
            events.map(|event| bytes(event.unwrap()["event"])).collect()
        }
        Body::Json => vec![bytes(serde_json::from_str(text).unwrap())],
        _ => text.lines().map(|line| line.as_bytes().to_vec()).collect(),
    }
}
