//! `kill -9` under load, fifty times: every event that was answered with 2xx is in the log, no other way twice than as the same
//! event sent again, and the chain verifies.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

mod kills;
mod service;
use service::{Service, events, try_request, verify};

const KILLS: u32 = 50;
const SENDERS: u64 = 4;

#[test]
fn every_answered_event_is_there() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("audit.yaml"), kills::CONFIG).unwrap();
    let answered: Mutex<HashSet<String>> = Mutex::default();
    let next = AtomicU64::new(0);
    // One, and a few at once. False when there was no answer.
    let send = |more: u64, address: SocketAddr| {
        let first = next.fetch_add(3, Ordering::Relaxed);
        let ids: Vec<_> = (first..=first + more).map(|id| format!("evt_{id}")).collect();
        let line = |id: &String| format!("{{\"event_id\":\"{id}\",\"event_type\":\"app.load\"}}\n");
        let body: String = ids.iter().map(line).collect();
        match try_request(address, "POST", "/v1/events", "application/x-ndjson", &[], body.as_bytes()) {
            Ok(answer) if answer.status == 200 => answered.lock().unwrap().extend(ids),
            Ok(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
            Err(_) => return false,
        }
        true
    };
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let send = &send;
            move |address| send(2 * (sender % 2), address)
        })
        .collect();
    let progress = || answered.lock().unwrap().len() as u64;
    for round in 0..KILLS {
        kills::kill_under_load(directory.path(), round, &senders, progress, 10);
    }
    let service = Service::start_again(directory.path());
    assert!(service.end().0.success());
    let mut found: HashMap<String, u32> = HashMap::new();
    for event in events(directory.path()).iter().filter(|event| event["event_type"] == "app.load") {
        *found.entry(event["event_id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let answered = answered.lock().unwrap();
    assert!(answered.len() > 500, "{} were answered", answered.len());
    let missing: Vec<_> = answered.iter().filter(|id| !found.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let twice: Vec<_> = found.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "nobody sent one again: {twice:?}");
    let verdict = verify(directory.path());
    assert_eq!(verdict["chains"][0]["verdict"], "intact", "{verdict}");
}
