//! A log to deliver from, and places that behave as they are told.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a test that fails may panic, and no test uses all of it"
)]

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use audit_delivery::{BatchLimits, Delivery, Destination, Encoded, Format, Listener, Outage, Refused, Retry};
use audit_sink::{Batch, Receipt, Record, Rejection, SendFuture, Sink, SinkError};

/// What a place does with a batch.
#[derive(Clone, Debug)]
pub enum Answer {
    Accept,
    Fail(&'static str),
    FailFor(Duration),
    /// Never answers.
    Stall,
    RefuseAll(&'static str),
    /// Accepts all but these.
    RefuseThese(Vec<u64>),
    /// Refuses a batch as a whole if one of these is in it.
    RefuseWith(Vec<u64>),
    Panic,
}

#[derive(Clone, Debug, Default)]
pub struct Place {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    next: VecDeque<Answer>,
    always: Option<Answer>,
    accepted: Vec<Batch>,
    attempts: Vec<Batch>,
}

impl Place {
    /// Answers like this from now on.
    pub fn always(&self, answer: Answer) {
        self.state.lock().unwrap().always = Some(answer);
    }

    /// Answers like this once, and then as before.
    pub fn next(&self, answer: Answer) {
        self.state.lock().unwrap().next.push_back(answer);
    }

    pub fn accepted(&self) -> Vec<Batch> {
        self.state.lock().unwrap().accepted.clone()
    }

    pub fn attempts(&self) -> Vec<Batch> {
        self.state.lock().unwrap().attempts.clone()
    }

    pub fn numbers(&self) -> Vec<u64> {
        self.accepted().iter().flat_map(numbers).collect()
    }
}

pub fn numbers(batch: &Batch) -> Vec<u64> {
    batch.records.iter().map(|record| record.sequence_number).collect()
}

impl Sink for Place {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move {
            let answer = {
                let mut state = self.state.lock().unwrap();
                state.attempts.push(batch.clone());
                state.next.pop_front().or_else(|| state.always.clone()).unwrap_or(Answer::Accept)
            };
            let refused: Vec<u64> = match answer {
                Answer::Accept => Vec::new(),
                Answer::Fail(why) => return Err(SinkError::retryable(why)),
                Answer::FailFor(pause) => {
                    return Err(SinkError::Retryable { source: "busy".into(), retry_after: Some(pause) });
                }
                Answer::Stall => std::future::pending().await,
                Answer::RefuseAll(why) => return Err(SinkError::rejected(why)),
                Answer::RefuseThese(these) => {
                    numbers(batch).into_iter().filter(|number| these.contains(number)).collect()
                }
                Answer::RefuseWith(these) => {
                    if numbers(batch).iter().any(|number| these.contains(number)) {
                        return Err(SinkError::rejected("one of them is bad"));
                    }
                    Vec::new()
                }
                Answer::Panic => panic!("a sink with a fault"),
            };
            let mut accepted = batch.clone();
            accepted.records.retain(|record| !refused.contains(&record.sequence_number));
            self.state.lock().unwrap().accepted.push(accepted);
            let reject = |sequence_number| Rejection { sequence_number, reason: "bad".to_owned() };
            Ok(Receipt::rejecting(refused.into_iter().map(reject).collect()))
        })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Writes one record for those of each type, in capitals, with how many they are; refuses what is secret.
#[derive(Clone, Debug, Default)]
pub struct Capitals {
    pub calls: Arc<AtomicUsize>,
}

impl Format for Capitals {
    fn encode(&self, batch: &Batch) -> Encoded {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mut encoded = Encoded::new(batch);
        for record in &batch.records {
            if record.event_type.starts_with("secret.") {
                encoded.refuse(record.sequence_number, "nobody else's business");
                continue;
            }
            let same = batch.records.iter().filter(|other| other.event_type == record.event_type);
            let members: Vec<u64> = same.map(|same| same.sequence_number).collect();
            let line = String::from_utf8_lossy(&record.bytes).to_uppercase();
            let bytes = format!("{} times {line}", members.len()).into_bytes();
            encoded.push(Record { bytes, ..record.clone() }, members);
        }
        encoded
    }
}

/// A log that is written by hand: lines are counted.
pub struct Log {
    pub directory: tempfile::TempDir,
    pub written: u64,
}

impl Log {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), written: 0 }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("audit.log")
    }

    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// Appends events, and returns the number of the last.
    pub fn write(&mut self, event_type: &str, count: u64) -> u64 {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path()).unwrap();
        for _ in 0..count {
            self.written += 1;
            let line = format!(
                "{{\"event_id\":\"evt_{}\",\"event_type\":\"{event_type}\",\"timestamp\":\"2026-01-02T03:04:05.006Z\"}}\n",
                self.written
            );
            file.write_all(line.as_bytes()).unwrap();
        }
        self.written
    }

    pub fn delivered(&self) -> audit_delivery::Log {
        audit_delivery::Log {
            path: self.path(),
            chain_id: "orders".to_owned(),
            sequence_of: None,
            durable: self.written,
        }
    }

    pub fn deliver(&self, destinations: Vec<Destination>) -> (Delivery, Arc<Heard>) {
        let heard = Arc::new(Heard::default());
        let listener = Arc::clone(&heard) as Arc<dyn Listener>;
        (Delivery::start(&self.delivered(), &self.state(), destinations, listener).unwrap(), heard)
    }
}

#[derive(Debug, Default)]
pub struct Heard {
    pub notices: Mutex<Vec<String>>,
    pub acknowledged: Mutex<(u64, Vec<Refused>)>,
    pub outages: Mutex<Vec<Outage>>,
}

impl Listener for Heard {
    fn notice(&self, sentence: String) {
        self.notices.lock().unwrap().push(sentence);
    }

    fn acknowledged(&self, through: u64, refused: Vec<Refused>) {
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.0 = through;
        acknowledged.1.extend(refused);
    }

    fn outage(&self, outage: &Outage) -> bool {
        self.outages.lock().unwrap().push(outage.clone());
        true
    }
}

/// Quick to send and to try again.
pub fn to(name: &str, place: &Place) -> Destination {
    let retry =
        Retry { initial: Duration::from_millis(2), maximum: Duration::from_millis(10), attempts: None };
    Destination::new(name, Box::new(place.clone()))
        .limits(BatchLimits { records: 10, age: Duration::ZERO, ..BatchLimits::default() })
        .timeout(Duration::from_millis(100))
        .retry(retry)
}

pub fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not within 20 seconds: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
