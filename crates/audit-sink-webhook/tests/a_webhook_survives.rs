//! What the sink does while the receiver is killed, slow or silent: one test at a time, as they harm the receiver.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod receiver;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use audit_sink::Sink;
use audit_sink::testkit::{Breakable, Place, batch, survives};
use audit_sink_webhook::{Body, WebhookOptions, WebhookSink};
use audit_tls::TlsOptions;
use receiver::{Path, run_on, runtime, variable};
use serde_json::{Value, json};

static ALONE: Mutex<()> = Mutex::new(());

/// The receiver behind a toxiproxy of the test's own.
struct Proxied {
    path: Path,
    toxiproxy: String,
    name: String,
    xtask: String,
}

impl Proxied {
    /// `None` where there are no servers. `upstream` is the receiver's URL.
    fn new(
        upstream: &str,
        name: &str,
        change: impl FnOnce(WebhookOptions) -> WebhookOptions,
    ) -> Option<Self> {
        let toxiproxy = variable("AUDIT_TEST_TOXIPROXY")?;
        let xtask = variable("AUDIT_TEST_XTASK")?;
        let (scheme, address) = upstream.split_once("://").unwrap();
        let name = format!("webhook-{name}-{}", std::process::id());
        let proxy = json!({"name": name, "listen": "127.0.0.1:0", "upstream": address, "enabled": true});
        let made = http(&toxiproxy, "POST", "/proxies", &proxy.to_string());
        let made: Value = serde_json::from_str(&made).unwrap();
        let base = format!("{scheme}://{}", made["listen"].as_str().unwrap());
        let path = Path::new(&base, "/token/survives", Body::Ndjson).with(|options| {
            change(options).connect_timeout(Duration::from_secs(2)).request_timeout(Duration::from_secs(2))
        });
        Some(Self { path, toxiproxy, name, xtask })
    }

    fn toxic(&self, toxic: &Value) {
        http(&self.toxiproxy, "POST", &format!("/proxies/{}/toxics", self.name), &toxic.to_string());
    }

    fn services(&self, verb: &str) {
        let output = Command::new(&self.xtask).args(["services", verb, "webhook"]).output().unwrap();
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn with_token(options: WebhookOptions, token: &str) -> WebhookOptions {
        options.header("Authorization", format!("Bearer {token}").into())
    }
}

impl Drop for Proxied {
    fn drop(&mut self) {
        http(&self.toxiproxy, "DELETE", &format!("/proxies/{}", self.name), "");
    }
}

impl Place for Proxied {
    fn open(&mut self) -> Box<dyn Sink> {
        let options = self.path.options.clone();
        Box::new(WebhookSink::new(Self::with_token(options, "right-token")).unwrap())
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        self.path.read_back()
    }

    fn largest_record(&self) -> usize {
        self.path.largest_record()
    }

    fn rejects_larger(&self) -> bool {
        true
    }
}

impl Breakable for Proxied {
    fn kill(&mut self) {
        self.services("kill");
    }

    fn start(&mut self) {
        self.services("up");
    }

    fn slow_down(&mut self, delay: Duration) {
        self.toxic(&json!({"type": "latency", "attributes": {"latency": delay.as_millis()}}));
    }

    fn stall(&mut self) {
        self.toxic(&json!({"type": "timeout", "attributes": {"timeout": 0}}));
    }

    fn restore(&mut self) {
        let toxics = http(&self.toxiproxy, "GET", &format!("/proxies/{}/toxics", self.name), "");
        for toxic in serde_json::from_str::<Vec<Value>>(&toxics).unwrap() {
            let name = toxic["name"].as_str().unwrap();
            http(&self.toxiproxy, "DELETE", &format!("/proxies/{}/toxics/{name}", self.name), "");
        }
    }

    fn open_with_wrong_credentials(&mut self) -> Option<Box<dyn Sink>> {
        let options = self.path.options.clone();
        Some(Box::new(WebhookSink::new(Self::with_token(options, "wrong-token")).unwrap()))
    }
}

#[test]
fn the_receiver_fails_and_comes_back() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    let Some(mut place) = Proxied::new(&base, "plain", |options| options) else { return };
    survives(&mut place, &run_on(&runtime()));
}

/// Here a receiver that drops repeated keys ends with exactly what was sent, which the suite then asks for as well.
#[test]
fn the_receiver_behind_tls_fails_and_comes_back() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(base), Some(ca)) = (variable("AUDIT_TEST_WEBHOOK_TLS"), variable("AUDIT_TEST_CA")) else {
        return;
    };
    let tls = TlsOptions::default().ca_file(ca);
    let Some(mut place) = Proxied::new(&base, "tls", |options| options.tls(tls).gzip(true)) else { return };
    place.path.drops_repeated = true;
    survives(&mut place, &run_on(&runtime()));
    let lines = place.read_back();
    let distinct: std::collections::HashSet<&Vec<u8>> = lines.iter().collect();
    assert_eq!(distinct.len(), lines.len(), "no record twice where repeated keys are dropped");
}

#[test]
fn nobody_listens() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(base) = variable("AUDIT_TEST_WEBHOOK") else { return };
    let Some(mut place) = Proxied::new(&base, "direct", |options| options) else { return };
    let direct = Path::new(&base, "/direct", Body::Ndjson);
    place.kill();
    let error = runtime().block_on(direct.sink().send(&batch(1, &[b"{}".to_vec()]))).unwrap_err();
    place.start();
    let error = error.to_string();
    assert!(error.contains("cannot connect to http://127.0.0.1:") && error.contains("refused"), "{error}");
}

/// One exchange with toxiproxy's own interface.
fn http(base: &str, method: &str, path: &str, body: &str) -> String {
    let address = base.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
    body.to_owned()
}
