//! `kill -9` under load, fifty times: every event that was answered with 2xx is in the log, no other way twice than as the same
//! event sent again, and the chain verifies.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

mod service;
use service::{Service, events, try_request, verify};

const CONFIG: &str = "
destination: {type: file, path: log/audit.log}
integrity: {chain: {enabled: true}}
sources: [{type: http, listen: '127.0.0.1:0'}]
access: {anonymous: [ingest]}
";
const KILLS: u32 = 50;
const SENDERS: u64 = 4;

#[test]
fn every_answered_event_is_there() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("audit.yaml"), CONFIG).unwrap();
    let answered: Arc<Mutex<HashSet<String>>> = Arc::default();
    let next = Arc::new(AtomicU64::new(0));
    for round in 0..KILLS {
        let service = Service::start_again(directory.path());
        let address = service.address("http");
        let over = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (answered, next, over) = (Arc::clone(&answered), Arc::clone(&next), Arc::clone(&over));
                std::thread::spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        // One, and a few at once.
                        let first = next.fetch_add(3, Ordering::Relaxed);
                        let ids: Vec<_> =
                            (first..=first + 2 * (sender % 2)).map(|id| format!("evt_{id}")).collect();
                        let line =
                            |id: &String| format!("{{\"event_id\":\"{id}\",\"event_type\":\"app.load\"}}\n");
                        let body: String = ids.iter().map(line).collect();
                        let sent = try_request(
                            address,
                            "POST",
                            "/v1/events",
                            "application/x-ndjson",
                            &[],
                            body.as_bytes(),
                        );
                        match sent {
                            Ok(answer) if answer.status == 200 => answered.lock().unwrap().extend(ids),
                            Ok(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
                            Err(_) => return,
                        }
                    }
                })
            })
            .collect();
        let before = answered.lock().unwrap().len();
        service::until("some were answered", || answered.lock().unwrap().len() > before + 10);
        std::thread::sleep(Duration::from_millis(u64::from(round * 7 % 40)));
        service.kill();
        over.store(true, Ordering::Relaxed);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
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
