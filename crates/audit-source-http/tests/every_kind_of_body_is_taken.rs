//! One event, arrays, lines, CloudEvents in all three modes, OCSF, gzip: each is in the log as it came, with who sent it.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod service;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use service::{Reply, Service, event, post, reply, service};

/// The records of an answer, each the one that its receipt names.
fn recorded(service: &Service, answer: &Reply) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let (results, records) = (answer.results(), service.records());
    assert_eq!(answer.json()["recorded"], results.len());
    assert_eq!(answer.json()["refused"], 0);
    results
        .iter()
        .map(|result| {
            assert_eq!(result["status"], "recorded");
            let number = usize::try_from(result["sequence_number"].as_u64().unwrap()).unwrap();
            let record = records[number - 1].clone();
            assert_eq!(record["event_id"], result["event_id"]);
            assert_eq!(record["received"]["by"], "anonymous");
            assert_eq!(record["received"]["from"], "127.0.0.1");
            assert_eq!(record["received"]["source"], "http");
            record
        })
        .collect()
}

fn numbers(records: &[Value]) -> Vec<u64> {
    records.iter().map(|record| record["details"]["n"].as_u64().unwrap()).collect()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn one_event() {
    let service = service(|options| options);
    let records = recorded(&service, &service.json(event("orders.paid", 7)));
    assert_eq!(records[0]["event_type"], "orders.paid");
    assert_eq!(numbers(&records), [7]);
    let own = r#"{"event_type": "orders.paid", "event_id": "é\"1", "received": {"by": "forged"}}"#;
    assert_eq!(recorded(&service, &service.json(own))[0]["event_id"], "é\"1");
    let records = recorded(&service, &service.post("Application/JSON; Charset=\"utf-8\"", event("a.b", 1)));
    assert_eq!(numbers(&records), [1]);
    assert_eq!(service.status().recorded, 3);
}

#[test]
fn an_array_in_its_order() {
    let service = service(|options| options);
    let events: Vec<String> = (0..500).map(|n| event("orders.paid", n)).collect();
    let records = recorded(&service, &service.json(format!(" [{}]\n", events.join(" ,\n"))));
    assert_eq!(numbers(&records), (0..500).collect::<Vec<u64>>());
}

#[test]
fn lines_in_their_order() {
    let service = service(|options| options);
    for content_type in ["application/x-ndjson", "application/jsonl"] {
        let body = format!("{}\r\n\n{}\n{}", event("a.b", 1), event("a.b", 2), event("a.b", 3));
        assert_eq!(numbers(&recorded(&service, &service.post(content_type, body))), [1, 2, 3]);
    }
}

#[test]
fn more_than_the_log_has_room_for_at_once() {
    let service = service::service_with_log(|options| options, |log| log.buffer_bytes(20_000));
    let events: Vec<String> = (0..2000).map(|n| event("orders.paid", n)).collect();
    let mut seen = numbers(&recorded(&service, &service.json(format!("[{}]", events.join(",")))));
    seen.sort_unstable();
    assert_eq!(seen, (0..2000).collect::<Vec<u64>>());
}

#[test]
fn an_ocsf_record_among_native_events() {
    let service = service(|options| options);
    let ocsf = json!({"class_uid": 3002, "activity_id": 1, "time": 1_700_533_469_078_i64, "status_id": 2,
        "user": {"name": "admin"}});
    let records = recorded(&service, &service.json(format!("[{},{ocsf}]", event("a.b", 1))));
    assert_eq!(records[1]["event_type"], "auth.failed");
    assert_eq!(records[1]["timestamp"], "2023-11-21T02:24:29.078Z");
    assert!(records[1]["received"]["at"].is_string(), "its own time is another");
}

#[test]
fn a_cloud_event_in_structured_mode() {
    let service = service(|options| options);
    let envelope = |data: Value| {
        json!({"specversion": "1.0", "id": "ce-1", "source": "/shop", "type": "orders.paid", "subject": "order-7",
            "time": "2024-12-01T10:15:30Z", "authtype": "user", "authid": "bob", "data": data})
    };
    let send = |data: Value| {
        let answer = service.post("application/cloudevents+json; charset=UTF-8", envelope(data).to_string());
        recorded(&service, &answer).remove(0)
    };
    let other = send(json!({"n": 1}));
    assert_eq!(other["event_type"], "orders.paid");
    assert_eq!(other["event_id"], "ce-1");
    assert_eq!(other["timestamp"], "2024-12-01T10:15:30.000Z");
    assert_eq!(other["resource"], json!({"id": "order-7", "path": "/shop"}));
    assert_eq!(other["actor"], json!({"id": "bob", "type": "user"}));
    assert_eq!(other["details"], json!({"n": 1}));
    assert_eq!(other["cloudevent"]["source"], "/shop");
    assert_eq!(send(json!([1, 2]))["details"], json!({"data": [1, 2]}));

    let native = send(json!({"event_type": "backup.started", "event_id": null, "actor": {"id": "alice"}}));
    assert_eq!((&native["event_type"], &native["event_id"]), (&json!("backup.started"), &json!("ce-1")));
    assert_eq!(native["timestamp"], "2024-12-01T10:15:30.000Z");
    let native = send(json!({"event_type": "backup.started", "event_id": "own"}));
    assert_eq!(native["event_id"], "own");

    let ocsf = send(json!({"class_uid": 3002, "activity_id": 1, "status_id": 2, "user": {"name": "admin"}}));
    assert_eq!((&ocsf["event_type"], &ocsf["event_id"]), (&json!("auth.failed"), &json!("ce-1")));
    assert_eq!(ocsf["timestamp"], "2024-12-01T10:15:30.000Z");

    // Among others, it is known by its specversion.
    let answer = service.json(format!("[{},{}]", envelope(json!({"n": 1})), event("a.b", 2)));
    assert_eq!(numbers(&recorded(&service, &answer)), [1, 2]);
}

#[test]
fn cloud_events_as_a_batch() {
    let service = service(|options| options);
    let one = |n: u64| json!({"specversion": "1.0", "id": n.to_string(), "source": "/shop", "type": "orders.paid", "data": {"n": n}});
    let body = json!([one(1), one(2)]).to_string();
    let records = recorded(&service, &service.post("application/cloudevents-batch+json", body));
    assert_eq!(numbers(&records), [1, 2]);
    let answer = service
        .post("application/cloudevents-batch+json", json!([one(1), {"event_type": "a.b"}]).to_string());
    assert_eq!(answer.status, 207, "{answer:?}");
    assert!(answer.results()[1]["error"].as_str().unwrap().starts_with("specversion: found nothing"));
    assert_eq!(service.post("application/cloudevents-batch+json", one(1).to_string()).status, 400);
}

#[test]
fn a_cloud_event_in_binary_mode() {
    let service = service(|options| options);
    let send = |content_type: &str, more: &str, body: &[u8]| {
        let headers = format!(
            "ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /caf%C3%A9\r\nce-type: orders.paid\r\n{more}"
        );
        service.ask(post(content_type, &headers, body))
    };
    let record = recorded(&service, &send("application/json", "ce-tenant: x\r\n", b"{\"n\": 1}")).remove(0);
    assert_eq!(record["resource"]["path"], "/café");
    assert_eq!(record["details"], json!({"n": 1}));
    assert_eq!(record["cloudevent"]["tenant"], "x");
    let record = recorded(&service, &send("text/plain", "", b"hello")).remove(0);
    assert_eq!(record["details"], json!({"data": "hello"}));
    let record = recorded(&service, &send("application/json", "", b"")).remove(0);
    assert_eq!(record.get("details"), None);
    assert_eq!(send("image/png", "", b"\xff\xd8").status, 422);
    assert_eq!(send("application/json", "", b"{").status, 422);
    assert_eq!(send("application/json", "ce-id: 2\r\n", b"{}").status, 400);
    assert_eq!(send("application/json", "ce-x: %ff\r\n", b"{}").status, 400);
}

#[test]
fn gzip_of_one_and_of_several_members() {
    let service = service(|options| options);
    let send = |body: &[u8], encoding: &str| {
        let headers = format!("content-encoding: {encoding}\r\n");
        service.ask(post("application/x-ndjson", &headers, body))
    };
    let (first, second) = (event("a.b", 1) + "\n", event("a.b", 2));
    let whole = gzip((first.clone() + &second).as_bytes());
    assert_eq!(numbers(&recorded(&service, &send(&whole, "gzip"))), [1, 2]);
    let members = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
    assert_eq!(numbers(&recorded(&service, &send(&members, "X-GZip"))), [1, 2]);
    assert_eq!(numbers(&recorded(&service, &send(second.as_bytes(), "identity"))), [2]);
    assert_eq!(send(&whole[..whole.len() - 5], "gzip").status, 400);
    assert_eq!(send(second.as_bytes(), "gzip").status, 400);
}

#[test]
fn a_body_in_chunks_and_one_that_is_waited_for() {
    let service = service(|options| options);
    let text = event("a.b", 1);
    let (first, second) = text.split_at(10);
    let chunked = format!(
        "POST /v1/events HTTP/1.1\r\nhost: log\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    assert_eq!(numbers(&recorded(&service, &service.ask(chunked))), [1]);

    let mut stream = service.connect();
    let request = post("application/json", "expect: 100-continue\r\n", &text);
    let (head, body) = request.split_at(request.len() - text.len());
    stream.write_all(head).unwrap();
    assert_eq!(reply(&mut stream).unwrap().status, 100);
    stream.write_all(body).unwrap();
    assert_eq!(numbers(&recorded(&service, &reply(&mut stream).unwrap())), [1]);
    // Who would be refused is told so before they send the body.
    let mut stream = service.connect();
    let long = "POST /v1/events HTTP/1.1\r\nhost: log\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\
                expect: 100-continue\r\n\r\n";
    stream.write_all(long.as_bytes()).unwrap();
    assert_eq!(reply(&mut stream).unwrap().status, 413);
}

#[test]
fn many_requests_on_one_connection() {
    let service = service(|options| options);
    let mut stream = service.connect();
    for n in 0..20 {
        stream.write_all(&post("application/json", "", event("a.b", n))).unwrap();
        assert_eq!(numbers(&recorded(&service, &reply(&mut stream).unwrap())), [n]);
    }
    // And sent all at once.
    let all: Vec<u8> = (0..20).flat_map(|n| post("application/json", "", event("a.b", n))).collect();
    stream.write_all(&all).unwrap();
    for n in 0..20 {
        assert_eq!(numbers(&recorded(&service, &reply(&mut stream).unwrap())), [n]);
    }
}
