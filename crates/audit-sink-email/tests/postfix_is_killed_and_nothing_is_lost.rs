//! What the sink does while the server is killed, slow or silent.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod postfix;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::PoisonError;
use std::time::Duration;

use audit_sink::Sink;
use audit_sink::testkit::{Breakable, Place, survives};
use audit_sink_email::{EmailOptions, EmailSink, Encryption};
use postfix::{Lettered, Postfix, SERVER, run_on, runtime, setting};
use serde_json::{Value, json};

/// The server behind a toxiproxy of the test's own.
struct Proxied {
    place: Postfix,
    wrong: EmailOptions,
    toxiproxy: String,
    name: String,
    xtask: String,
}

impl Proxied {
    fn new(upstream: &str, encryption: Encryption) -> Option<Self> {
        let (toxiproxy, xtask) = (setting("AUDIT_TEST_TOXIPROXY")?, setting("AUDIT_TEST_XTASK")?);
        let (user, password) = (setting("AUDIT_TEST_SMTP_USER")?, setting("AUDIT_TEST_SMTP_PASSWORD")?);
        let name = format!("email-{encryption:?}-{}", std::process::id());
        let proxy = json!({"name": name, "listen": "127.0.0.1:0", "upstream": upstream, "enabled": true});
        let made = http(&toxiproxy, "POST", "/proxies", &proxy.to_string());
        let made: Value = serde_json::from_str(&made).unwrap();
        let options = EmailOptions::new(made["listen"].as_str().unwrap(), "audit@audit.test")
            .encryption(encryption)
            .tls(postfix::trusting()?)
            .connect_timeout(Duration::from_secs(3))
            .answer_timeout(Duration::from_secs(3));
        let place = Postfix::new(options.clone().credentials(&user, password.into()))?;
        let wrong = options.credentials(user, "wrong".into()).to([&place.address]);
        Some(Self { place, wrong, toxiproxy, name, xtask })
    }

    fn toxic(&self, toxic: &Value) {
        http(&self.toxiproxy, "POST", &format!("/proxies/{}/toxics", self.name), &toxic.to_string());
    }

    fn services(&self, verb: &str) {
        let output = Command::new(&self.xtask).args(["services", verb, "smtp"]).output().unwrap();
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Proxied {
    fn drop(&mut self) {
        http(&self.toxiproxy, "DELETE", &format!("/proxies/{}", self.name), "");
    }
}

impl Place for Proxied {
    fn open(&mut self) -> Box<dyn Sink> {
        self.place.open()
    }

    fn read_back(&mut self) -> Vec<Vec<u8>> {
        self.place.read_back()
    }

    fn largest_record(&self) -> usize {
        self.place.largest_record()
    }

    fn rejects_larger(&self) -> bool {
        false
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
        Some(Box::new(Lettered(EmailSink::new(self.wrong.clone()).unwrap())))
    }
}

fn survives_at(server: Option<String>, encryption: Encryption) {
    let _alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut place) = server.and_then(|server| Proxied::new(&server, encryption)) else { return };
    survives(&mut place, &run_on(&runtime(), Duration::from_secs(20)));
}

#[test]
fn starttls() {
    survives_at(setting("AUDIT_TEST_SMTP_STARTTLS"), Encryption::StartTls);
}

#[test]
fn tls() {
    survives_at(setting("AUDIT_TEST_SMTP_TLS"), Encryption::Tls);
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
