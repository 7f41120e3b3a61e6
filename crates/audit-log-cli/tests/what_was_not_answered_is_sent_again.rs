//! `kill -9` under load, fifteen times, and a client that keeps what was not answered and sends it again, with the same `event_id`, once
//! the service is back: each event is in the log, twice only where an answer was lost, and then known by its id to be the same one.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Mutex;

use serde_json::{Value, json};

mod kills;
mod service;
use service::{Service, audit_log, events, try_request, verify};

const KILLS: u32 = 15;
const SENDERS: usize = 4;
/// In a request.
const EVENTS: u64 = 3;

/// A sender with its own numbers, and how often it sent each of them.
struct Sender {
    name: usize,
    next: u64,
    /// Sent, not answered.
    waiting: Vec<u64>,
    sent: BTreeMap<u64, u32>,
}

impl Sender {
    fn event(&self, number: u64) -> Value {
        json!({
            "details": {"number": number, "sender": self.name},
            "event_id": self.id(number),
            "event_type": "app.load",
            // Its own time, so that whoever sends it again sends the same.
            "timestamp": "2024-12-01T10:15:30.000Z",
        })
    }

    fn id(&self, number: u64) -> String {
        format!("evt_{}_{number}", self.name)
    }

    /// What is waiting first, else new ones. False when there was no answer.
    fn send(&mut self, address: SocketAddr) -> bool {
        if self.waiting.is_empty() {
            self.waiting = (self.next..self.next + EVENTS).collect();
            self.next += EVENTS;
        }
        for number in &self.waiting {
            *self.sent.entry(*number).or_default() += 1;
        }
        let body: String = self.waiting.iter().map(|number| format!("{}\n", self.event(*number))).collect();
        let sent = try_request(address, "POST", "/v1/events", "application/x-ndjson", &[], body.as_bytes());
        match sent {
            Ok(answer) if answer.status == 200 => {
                assert_eq!(answer.json()["recorded"], self.waiting.len());
                self.waiting.clear();
                true
            }
            Ok(answer) => {
                assert_eq!(answer.status, 503, "{answer:?}");
                true
            }
            Err(_) => false,
        }
    }
}

#[test]
fn each_event_is_there_and_one_that_came_twice_is_known() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("audit.yaml"), kills::CONFIG).unwrap();
    let senders: Vec<_> = (0..SENDERS)
        .map(|name| Mutex::new(Sender { name, next: 0, waiting: Vec::new(), sent: BTreeMap::new() }))
        .collect();
    let sending: Vec<_> =
        senders.iter().map(|sender| |address| sender.lock().unwrap().send(address)).collect();
    let progress = || senders.iter().map(|sender| sender.lock().unwrap().next).sum();
    let mut unanswered = 0;
    for round in 0..KILLS {
        kills::kill_under_load(directory.path(), round, &sending, progress, 20 * EVENTS);
        unanswered += senders.iter().map(|sender| sender.lock().unwrap().waiting.len()).sum::<usize>();
    }
    assert!(unanswered > 0, "no kill came between a request and its answer");
    // All get their answers in the end.
    let service = Service::start_again(directory.path());
    let address = service.address("http");
    for sender in &senders {
        let mut sender = sender.lock().unwrap();
        while !sender.waiting.is_empty() {
            assert!(sender.send(address));
        }
    }
    assert!(service.end().0.success());

    let mut found: HashMap<String, Vec<Value>> = HashMap::new();
    for event in events(directory.path()).into_iter().filter(|event| event["event_type"] == "app.load") {
        found.entry(event["event_id"].as_str().unwrap().to_owned()).or_default().push(event);
    }
    // As an operator finds them.
    let search = ["search", "--where", "event_type == 'app.load'", "--group-by", "event_id", "log/audit.log"];
    let counted: HashMap<String, u64> = audit_log(directory.path(), &search)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|row| (row["event_id"].as_str().unwrap().to_owned(), row["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(counted.len(), found.len());
    let mut twice = 0;
    for sender in &senders {
        let sender = sender.lock().unwrap();
        for (number, sent) in &sender.sent {
            let copies = found.remove(&sender.id(*number)).unwrap_or_default();
            assert!(!copies.is_empty(), "{} is not in the log", sender.id(*number));
            assert!(copies.len() <= *sent as usize, "sent {sent} times: {copies:?}");
            assert_eq!(counted[&sender.id(*number)], copies.len() as u64);
            twice += usize::from(copies.len() > 1);
            // The same but for when and how it came here.
            for copy in &copies {
                let sent = sender.event(*number);
                for member in sent.as_object().unwrap().keys() {
                    assert_eq!(copy[member], sent[member], "{copy}");
                }
                assert_eq!(copy["received"]["by"], copies[0]["received"]["by"]);
            }
        }
    }
    assert!(found.is_empty(), "nobody sent these: {found:?}");
    assert!(twice <= unanswered, "{twice} twice, {unanswered} without an answer");
    let verdict = verify(directory.path());
    assert_eq!(verdict["chains"][0]["verdict"], "intact", "{verdict}");
}
