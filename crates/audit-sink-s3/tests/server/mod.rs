//! The server that the tests talk to, and the ways around the sink to see and disturb it.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

use std::env;
use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, SystemTime};

use audit_sink::SinkError;
use audit_sink_s3::S3Options;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

pub(crate) struct Server {
    pub(crate) endpoint: String,
    pub(crate) bucket: String,
    pub(crate) locked_bucket: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    python: String,
}

/// The variable, or a word on what is skipped; in CI nothing is.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = env::var(name).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        assert_ne!(env::var("CI").as_deref(), Ok("true"), "{name} is not set, and in CI nothing is skipped");
        println!("skipped: {name} is not set (cargo xtask test sets it)");
    }
    value
}

impl Server {
    pub(crate) fn find() -> Option<Self> {
        Some(Self {
            endpoint: variable("AUDIT_TEST_S3")?,
            bucket: variable("AUDIT_TEST_S3_BUCKET")?,
            locked_bucket: variable("AUDIT_TEST_S3_LOCKED_BUCKET")?,
            access_key: variable("AUDIT_TEST_S3_ACCESS_KEY")?,
            secret_key: variable("AUDIT_TEST_S3_SECRET_KEY")?,
            python: variable("AUDIT_TEST_PYTHON")?,
        })
    }

    /// moto, which knows the storage classes that MinIO does not.
    pub(crate) fn moto() -> Option<Self> {
        let any = || "any".to_owned();
        Some(Self {
            endpoint: variable("AUDIT_TEST_CLOUDWATCH")?,
            bucket: String::new(),
            locked_bucket: String::new(),
            access_key: any(),
            secret_key: any(),
            python: variable("AUDIT_TEST_PYTHON")?,
        })
    }

    pub(crate) fn options(&self, bucket: &str, prefix: &str) -> S3Options {
        S3Options::new(bucket)
            .prefix(prefix)
            .endpoint(&self.endpoint)
            .credentials(&self.access_key, self.secret_key.as_str().into())
    }

    /// What boto3 says, one JSON value a line.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Vec<Value> {
        let output = Command::new(&self.python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/s3.py"))
            .args(arguments)
            .env("S3_ENDPOINT", &self.endpoint)
            .env("S3_ACCESS_KEY", &self.access_key)
            .env("S3_SECRET_KEY", &self.secret_key)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines of all objects, in the order of their keys.
    pub(crate) fn lines(&self, bucket: &str, prefix: &str) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for object in self.ask(&["read", bucket, prefix]) {
            let mut body = STANDARD.decode(object[1].as_str().unwrap()).unwrap();
            if object[0].as_str().unwrap().ends_with(".zst") {
                body = zstd::decode_all(&*body).unwrap();
            }
            assert_eq!(body.pop(), Some(b'\n'), "the last line ends as well");
            lines.extend(body.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
        }
        lines
    }
}

/// A prefix that no other test and no other run uses.
pub(crate) fn unique(name: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    format!("test-{name}-{}-{}", std::process::id(), now.as_nanos())
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// As who delivers does: a sink that takes too long is left, and may be asked again.
pub(crate) async fn in_time<T>(work: impl Future<Output = Result<T, SinkError>>) -> Result<T, SinkError> {
    tokio::time::timeout(Duration::from_secs(20), work)
        .await
        .unwrap_or_else(|_| Err(SinkError::retryable("took more than 20 s")))
}

/// The message of an error that may heal.
pub(crate) fn retryable<T: std::fmt::Debug>(result: Result<T, SinkError>) -> String {
    match result {
        Err(SinkError::Retryable { source, .. }) => source.to_string(),
        other => panic!("expected an error that may heal, found {other:?}"),
    }
}

/// Runs `services` of xtask.
pub(crate) fn services(action: &str) {
    let xtask = env::var("AUDIT_TEST_XTASK").unwrap();
    let status = Command::new(xtask).args(["services", action, "s3"]).status().unwrap();
    assert!(status.success(), "services {action} s3");
}

/// A proxy of toxiproxy's that only this test uses.
pub(crate) struct Proxy {
    api: String,
    name: String,
    pub(crate) listen: String,
}

impl Proxy {
    pub(crate) fn new(api: &str, upstream: &str) -> Self {
        let name = unique("s3");
        let upstream = upstream.trim_start_matches("http://");
        let body =
            format!(r#"{{"name":"{name}","listen":"127.0.0.1:0","upstream":"{upstream}","enabled":true}}"#);
        let api = api.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let answer = request(&api, "POST", "/proxies", &body);
        let made: Value = serde_json::from_str(&answer).unwrap();
        Self { api, name, listen: made["listen"].as_str().unwrap().to_owned() }
    }

    pub(crate) fn add(&self, toxic: &str) {
        request(&self.api, "POST", &format!("/proxies/{}/toxics", self.name), toxic);
    }

    pub(crate) fn remove(&self, toxic: &str) {
        request(&self.api, "DELETE", &format!("/proxies/{}/toxics/{toxic}", self.name), "");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        request(&self.api, "DELETE", &format!("/proxies/{}", self.name), "");
    }
}

/// The body of the answer.
fn request(host: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
