//! `audit-log serve`: events over HTTP, through a socket and from a file; who may send them; and what it records of itself.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs::{self, OpenOptions};
#[cfg(feature = "webhook")]
use std::io::Read as _;
use std::io::Write as _;
#[cfg(feature = "webhook")]
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::process::Command;

use serde_json::{Value, json};

mod service;
use service::{Service, events, until, verify};

const OPEN: &str = "
destination: {type: file, path: log/audit.log}
integrity: {chain: {enabled: true}}
sources: [{type: http, listen: '127.0.0.1:0'}]
access: {anonymous: [ingest]}
operations: {listen: '127.0.0.1:0'}
";

#[test]
fn what_is_answered_is_in_the_log_with_who_really_sent_it() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), OPEN);
    let event = br#"{"event_id":"evt_1","event_type":"auth.login","received":{"by":"forged"}}"#;
    let answer = service.post("application/json", &[], event);
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    assert_eq!((&answer["recorded"], &answer["refused"]), (&json!(1), &json!(0)));
    let result = &answer["results"][0];
    assert_eq!((&result["event_id"], &result["status"]), (&json!("evt_1"), &json!("recorded")));
    let number = usize::try_from(result["sequence_number"].as_u64().unwrap()).unwrap();
    let recorded = &service.events()[number - 1];
    assert_eq!(recorded["event_id"], "evt_1", "the receipt's number is the record's");
    assert_eq!(recorded["received"]["source"], "http");
    assert_ne!(recorded["received"]["by"], "forged");
    assert_eq!(recorded["received"]["from"], "127.0.0.1");

    let lines = b"{\"event_type\":\"backup.started\"}\nnot json\n{\"event_type\":\"backup.completed\"}\n";
    let answer = service.post("application/x-ndjson", &[], lines);
    assert_eq!(answer.status, 207, "{answer:?}");
    assert_eq!(answer.json()["results"][1]["status"], "refused");
    let forged = service.post("application/json", &[], br#"{"event_type":"audit.stopped"}"#);
    assert_eq!(forged.status, 422, "{forged:?}");

    let (status, summary) = service.end();
    assert!(status.success());
    assert_eq!(summary["read"], 5);
    let types: Vec<_> = events(directory.path()).iter().map(|event| event["event_type"].clone()).collect();
    assert_eq!(types.first().unwrap(), "audit.started");
    assert_eq!(types.last().unwrap(), "audit.stopped");
    assert!(types.contains(&json!("config.viewed")), "what it was told to do is on record: {types:?}");
    assert_eq!(verify(directory.path())["chains"][0]["verdict"], "intact");
}

#[test]
fn a_token_opens_the_door_until_it_is_revoked() {
    let directory = tempfile::tempdir().unwrap();
    let config = OPEN.replace("{anonymous: [ingest]}", "{tokens_file: tokens.yaml}");
    fs::write(directory.path().join("audit.yaml"), &config).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_audit-log"));
        let output = command.current_dir(directory.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let token = command(&["token", "create", "-c", "audit.yaml", "ci", "--role", "ingest"]);
    let reader = command(&["token", "create", "-c", "audit.yaml", "prometheus", "--role", "read"]);
    let kept = fs::read_to_string(directory.path().join("tokens.yaml")).unwrap();
    assert!(!kept.contains(token.trim()), "it is kept hashed");
    let service = Service::start(directory.path(), &config);
    let event = br#"{"event_type":"auth.login"}"#;
    let with = |token: &str| {
        let header = format!("Authorization: Bearer {}", token.trim());
        service.post("application/json", &[&header], event)
    };
    let without = service.post("application/json", &[], event);
    assert_eq!(without.status, 401);
    assert!(without.head.to_lowercase().contains("www-authenticate: bearer"), "{without:?}");
    assert_eq!(with(&format!("{}0", token.trim())).status, 401);
    assert_eq!(with(&reader).status, 403, "a reader does not write");
    assert_eq!(with(&token).status, 200);
    assert_eq!(service.event("auth.failed", |_| true)["actor"]["ip_address"], "127.0.0.1");
    let denied = service.event("access.denied", |_| true);
    assert_eq!(denied["details"]["required_role"], "ingest");
    assert_eq!(denied["actor"]["id"], "token:prometheus");
    let sent = service.event("auth.login", |event| event["received"]["by"] == "token:ci");
    assert_eq!(sent["received"]["source"], "http");
    service.event("auth.login", |event| event["actor"]["id"] == "token:ci" && event["received"].is_null());

    command(&["token", "revoke", "-c", "audit.yaml", "ci"]);
    until("it is known that the token is revoked", || with(&token).status == 401);
    let changed = service.event("config.changed", |_| true);
    assert_eq!(changed["details"]["changes"][0]["field"], "access.tokens[ci]");
    assert!(changed["details"]["changes"][0]["new_value"]["revoked"].is_string());
    let text = fs::read_to_string(directory.path().join("log/audit.log")).unwrap();
    assert!(!text.contains(token.trim().rsplit('_').next().unwrap()), "no secret is in the log");
}

#[test]
fn a_socket_and_a_file_are_ways_in_too() {
    let directory = tempfile::tempdir().unwrap();
    let config = "
destination: {type: file, path: log/audit.log}
integrity: {chain: {enabled: true}}
sources:
  - {type: socket, path: audit.sock, mode: '0660'}
  - {type: file, name: app, path: app.ndjson}
";
    fs::write(directory.path().join("app.ndjson"), "{\"event_type\":\"app.before\"}\n").unwrap();
    let service = Service::start(directory.path(), config);
    let mut socket = UnixStream::connect(directory.path().join("audit.sock")).unwrap();
    socket.write_all(b"{\"event_type\":\"app.socket\"}\n").unwrap();
    let mut file = OpenOptions::new().append(true).open(directory.path().join("app.ndjson")).unwrap();
    file.write_all(b"{\"event_type\":\"app.file\"}\n{\"event_ty").unwrap();
    let by = service.event("app.socket", |_| true)["received"]["by"].clone();
    assert!(by.as_str().unwrap().starts_with("uid:"), "{by}");
    assert_eq!(service.event("app.file", |_| true)["received"]["source"], "app");
    service.event("app.before", |_| true);
    file.write_all(b"pe\":\"app.later\"}\n").unwrap();
    service.event("app.later", |_| true);
    drop(socket);
    assert!(service.end().0.success());
    file.write_all(b"{\"event_type\":\"app.while_away\"}\n").unwrap();
    let service = Service::start_again(directory.path());
    service.event("app.while_away", |_| true);
    let (status, _) = service.end();
    assert!(status.success());
    let count =
        |kind: &str| events(directory.path()).iter().filter(|event| event["event_type"] == kind).count();
    for kind in ["app.before", "app.file", "app.later", "app.socket", "app.while_away"] {
        assert_eq!(count(kind), 1, "{kind}");
    }
    let chains = verify(directory.path());
    assert_eq!(chains["chains"][0]["verdict"], "intact");
}

#[test]
fn health_metrics_and_status_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), OPEN);
    assert_eq!(service.get("operations", "/healthz").status, 200);
    assert_eq!(service.get("operations", "/readyz").status, 200);
    assert_eq!(service.get("operations", "/v1/events").status, 404, "events have their own door");
    service.post("application/json", &[], br#"{"event_type":"auth.login"}"#);
    let metrics = service.get("operations", "/metrics").body;
    assert!(metrics.contains("audit_log_source_events_total{source=\"http\"} 1"), "{metrics}");
    assert!(metrics.contains("audit_log_ready 1"), "{metrics}");
    let status: Value = service.get("operations", "/v1/status").json();
    assert_eq!(status["sources"][0]["recorded"], 1, "{status}");
    let url = format!("http://{}", service.address("operations"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit-log"));
    let output = command.args(["status", "--url", &url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("; ready, running since") && text.contains("SOURCE"), "{text}");
    let url = format!("http://{}", service.address("http"));
    let output =
        Command::new(env!("CARGO_BIN_EXE_audit-log")).args(["status", "--url", &url]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("role `read`"), "{told}");
}

#[cfg(feature = "webhook")]
#[test]
fn it_is_not_ready_while_a_required_destination_is_down() {
    let directory = tempfile::tempdir().unwrap();
    // Nobody listens there, until somebody does.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = OPEN.replace(
        "destination: {type: file, path: log/audit.log}",
        &format!(
            "destinations:
  - {{type: file, path: log/audit.log}}
  - {{type: webhook, name: siem, url: 'http://{address}/', required: true, retry: {{initial_delay: 50ms, max_delay: 100ms}}}}
required_timeout: 500ms"
        ),
    );
    let service = Service::start(directory.path(), &config);
    let answer = service.post("application/json", &[], br#"{"event_type":"auth.login"}"#);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.json()["results"][0]["status"], "unconfirmed");
    assert!(answer.head.to_lowercase().contains("retry-after"), "{answer:?}");
    until("it is not ready", || service.get("operations", "/readyz").status == 503);
    assert!(service.get("operations", "/readyz").body.contains("siem"));
    assert_eq!(service.get("operations", "/healthz").status, 200, "a restart would not help");
    let listener = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            std::thread::spawn(move || {
                let mut bytes = [0; 65536];
                while connection.read(&mut bytes).is_ok_and(|read| read > 0) {
                    let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                }
            });
        }
    });
    until("it is ready again", || service.get("operations", "/readyz").status == 200);
    until("events are confirmed again", || {
        service.post("application/json", &[], br#"{"event_type":"auth.login"}"#).status == 200
    });
    assert!(service.end().0.success());
}
