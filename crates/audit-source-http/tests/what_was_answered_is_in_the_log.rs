//! Under load, while it is stopped, and when it is cut: every event that was answered `recorded` is in the log's file, once, under its
//! number, and the chain is whole.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod service;

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use audit_source_http::Limits;
use serde_json::Value;
use service::{event, post, reply, service, until};

#[test]
fn each_receipt_is_true_even_of_the_last_before_it_stopped() {
    let mut service = service(|options| options);
    let receipts = Mutex::new(Vec::<(String, u64)>::new());
    let stop = service.stop.clone();
    std::thread::scope(|scope| {
        let (service, receipts) = (&service, &receipts);
        for client in 0..16 {
            scope.spawn(move || {
                // Until it is turned away: then the source has stopped.
                for round in 0.. {
                    let Ok(mut stream) = std::net::TcpStream::connect(service.address) else { return };
                    for part in 0..10 {
                        let id = |n: u64| format!("{client}-{round}-{part}-{n}");
                        let events: Vec<String> = (0..3)
                            .map(|n| {
                                format!(
                                    r#"{{"event_type":"a.b","event_id":"{}","actor":{{"id":"x"}}}}"#,
                                    id(n)
                                )
                            })
                            .collect();
                        if stream.write_all(&post("application/x-ndjson", "", events.join("\n"))).is_err() {
                            break;
                        }
                        let Some(answer) = reply(&mut stream) else { break };
                        assert_eq!(answer.status, 200, "{answer:?}");
                        let mut receipts = receipts.lock().unwrap();
                        for result in answer.results() {
                            let id = result["event_id"].as_str().unwrap().to_owned();
                            receipts.push((id, result["sequence_number"].as_u64().unwrap()));
                        }
                    }
                }
            });
        }
        until("many are recorded", || receipts.lock().unwrap().len() > 2000);
        stop.cancel();
    });
    service.stop();
    let records = service.records();
    let by_id: HashMap<&str, usize> = records
        .iter()
        .enumerate()
        .map(|(index, record)| (record["event_id"].as_str().unwrap(), index + 1))
        .collect();
    assert_eq!(by_id.len(), records.len(), "none twice");
    let receipts = receipts.into_inner().unwrap();
    for (id, number) in &receipts {
        assert_eq!(by_id.get(id.as_str()).copied(), Some(usize::try_from(*number).unwrap()), "{id}");
    }
    assert!(service.log.recorded() >= receipts.len() as u64);
}

#[test]
fn a_request_on_its_way_is_answered_before_it_stops() {
    let mut service = service(|options| options);
    let request = post("application/json", "", event("a.b", 1));
    let (first, second) = request.split_at(request.len() - 10);
    let mut stream = service.connect();
    stream.write_all(first).unwrap();
    let mut idle = service.connect();
    idle.write_all(&request).unwrap();
    assert_eq!(reply(&mut idle).unwrap().status, 200, "by then the other is being taken");
    service.stop.cancel();
    assert!(reply(&mut idle).is_none(), "closed, as nothing is asked on it");
    until("it takes no more", || std::net::TcpStream::connect(service.address).is_err());
    stream.write_all(second).unwrap();
    let answer = reply(&mut stream).unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    service.stop();
    let number = answer.results()[0]["sequence_number"].as_u64().unwrap();
    assert_eq!(
        service.records()[usize::try_from(number).unwrap() - 1]["details"],
        serde_json::json!({"n": 1})
    );
}

#[test]
fn whoever_takes_too_long_is_cut_when_it_stops() {
    let mut limits = Limits::default();
    limits.drain_timeout = Duration::from_millis(100);
    let mut service = service(|options| options.limits(limits));
    let request = post("application/json", "", event("a.b", 1));
    let mut stream = service.connect();
    stream.write_all(&request[..request.len() - 1]).unwrap();
    assert_eq!(service.json(event("a.b", 2)).status, 200);
    service.stop();
    let _ = stream.write_all(&request[request.len() - 1..]);
    assert!(reply(&mut stream).is_none());
    assert_eq!(service.log.recorded(), 1);
}

#[test]
fn all_events_of_a_request_share_a_commit_or_few() {
    let service = service(|options| options);
    let events: Vec<String> = (0..1000).map(|n| event("a.b", n)).collect();
    let answer = service.json(format!("[{}]", events.join(",")));
    let numbers: Vec<u64> =
        answer.results().iter().map(|result| result["sequence_number"].as_u64().unwrap()).collect();
    // One after the other and nothing between them: they were all there before any was waited for.
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    assert!(answer.results().iter().all(|result| matches!(&result["event_id"], Value::String(_))));
}
