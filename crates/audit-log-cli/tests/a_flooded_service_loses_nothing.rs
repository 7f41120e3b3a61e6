//! More than the service can take: what it does not take it says so, what it takes is in the log, its memory is bounded, and nobody gets in.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

mod service;
use service::{Service, events, try_request, until, verify};

const CONFIG: &str = "
destination: {type: file, path: log/audit.log}
integrity: {chain: {enabled: true}}
sources: [{type: http, listen: '127.0.0.1:0', max_connections: 200, max_body_mb: 4, request_timeout: 10s}]
access: {tokens_file: tokens.yaml}
operations: {listen: '127.0.0.1:0'}
buffer_mb: 4
";
const SENDERS: usize = 150;
/// Each a request of almost four megabytes: all of them are four times as much at once as may be in flight.
const EVENTS: usize = 3500;
const ROUNDS: usize = 2;
/// What may be in flight, in MiB: `Limits::max_in_flight_bytes` of the source.
const IN_FLIGHT: u64 = 128;

#[test]
fn what_is_taken_is_there_and_the_rest_is_told() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("audit.yaml"), CONFIG).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_audit-log"))
        .current_dir(directory.path())
        .args(["token", "create", "-c", "audit.yaml", "load", "--role", "ingest"])
        .output()
        .unwrap();
    let token = format!("Authorization: Bearer {}", String::from_utf8(output.stdout).unwrap().trim());
    let service = Service::start_again(directory.path());
    let address = service.address("http");

    // Strangers meanwhile: slow ones, and ones with credentials that are none.
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut connection = TcpStream::connect(address).unwrap();
        connection.write_all(b"POST /v1/events HTTP/1.1\r\nHost: a\r\nX-Slow: ").unwrap();
        slow.push(connection);
    }
    let forged = [
        // {"alg":"none"}.{"sub":"admin","roles":["admin"]}
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGVzIjpbImFkbWluIl19.",
        "alog_load_0000000000000000000000000000000000000000000000000000000000000000aaaaaaaa",
        "",
    ];
    for bearer in forged {
        let header = format!("Authorization: Bearer {bearer}");
        let answer = service.post("application/json", &[&header], br#"{"event_type":"app.forged"}"#);
        assert_eq!(answer.status, 401, "{bearer}: {answer:?}");
    }

    let idle = service.peak_megabytes();
    let answered: Arc<Mutex<HashSet<String>>> = Arc::default();
    let statuses: Arc<Mutex<BTreeMap<u16, u32>>> = Arc::default();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (answered, statuses, token) = (Arc::clone(&answered), Arc::clone(&statuses), token.clone());
            std::thread::spawn(move || {
                for round in 0..ROUNDS {
                    let ids: Vec<_> = (0..EVENTS).map(|event| format!("evt_{sender}_{round}_{event}")).collect();
                    let filler = "x".repeat(1000);
                    let line = |id: &String| {
                        format!("{{\"details\":{{\"filler\":\"{filler}\"}},\"event_id\":\"{id}\",\"event_type\":\"app.load\"}}\n")
                    };
                    let body: String = ids.iter().map(line).collect();
                    let sent = try_request(
                        address,
                        "POST",
                        "/v1/events",
                        "application/x-ndjson",
                        &[&token],
                        body.as_bytes(),
                    );
                    // Who is turned away before the body is read may find the connection closed while writing it.
                    let status = sent.map_or(0, |answer| answer.status);
                    *statuses.lock().unwrap().entry(status).or_default() += 1;
                    if status == 200 {
                        answered.lock().unwrap().extend(ids);
                    }
                }
            })
        })
        .collect();
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    let statuses = statuses.lock().unwrap();
    assert!(statuses.keys().all(|status| [0, 200, 408, 503].contains(status)), "{statuses:?}");
    assert!(statuses.get(&200).is_some_and(|count| *count > 0), "{statuses:?}");
    until("it is ready again", || service.get("operations", "/readyz").status == 200);
    let peak = service.peak_megabytes();
    println!("{idle} MiB before, {peak} MiB at most; {statuses:?}");
    // Beside a body there is what is read of it, and its answer. Without the limit it is more than all that is sent at once.
    assert!(peak < idle + 4 * IN_FLIGHT, "{idle} MiB before, {peak} MiB at most; {statuses:?}");
    let mut ended = 0;
    for connection in &mut slow {
        connection.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
        // The peer has closed it: sooner or later that is an error.
        until("who is slow is cut off", || connection.write_all(b"x").is_err());
        ended += 1;
    }
    assert_eq!(ended, 20);
    assert!(service.end().0.success());
    let found: HashSet<String> = events(directory.path())
        .iter()
        .filter(|event| event["event_type"] == "app.load")
        .map(|event| event["event_id"].as_str().unwrap().to_owned())
        .collect();
    let answered = answered.lock().unwrap();
    assert!(answered.is_subset(&found), "{} answered, {} found", answered.len(), found.len());
    assert!(events(directory.path()).iter().all(|event| event["event_type"] != "app.forged"));
    assert_eq!(verify(directory.path())["chains"][0]["verdict"], "intact");
}
