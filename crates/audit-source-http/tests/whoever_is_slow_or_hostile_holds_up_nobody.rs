//! Dribbled heads and bodies, peers that read no answers or go away, requests that two servers read differently, and a hundred thousand
//! that are no HTTP: others are served, and nothing is recorded that was not sent whole.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod service;

use std::io::{ErrorKind, Read, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use audit_source_http::{HttpOptions, Limits};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use service::{event, post, reply, service, until};

fn patience(request_timeout: Duration) -> impl FnOnce(HttpOptions) -> HttpOptions {
    let mut limits = Limits::default();
    limits.request_timeout = request_timeout;
    move |options| options.limits(limits)
}

/// Sends one byte after another, until the peer has had enough: then what it said.
fn dribble(mut stream: TcpStream, text: &[u8]) -> Vec<u8> {
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut said = Vec::new();
    for byte in text.iter().cycle() {
        let sent = stream.write_all(&[*byte]);
        match stream.read_to_end(&mut said) {
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) && sent.is_ok() => {}
            _ => break,
        }
    }
    said
}

#[test]
fn a_dribbled_head_is_given_up() {
    let service = service(patience(Duration::from_millis(600)));
    let slow: Vec<_> = (0..20)
        .map(|_| {
            let stream = service.connect();
            std::thread::spawn(move || dribble(stream, b"POST /v1/events HTTP/1.1\r\nx: y\r\nz: "))
        })
        .collect();
    while slow.iter().any(|slow| !slow.is_finished()) {
        assert_eq!(service.json(event("a.b", 1)).status, 200, "others are served meanwhile");
    }
    for slow in slow {
        assert_eq!(slow.join().unwrap(), b"", "closed without a word");
    }
}

#[test]
fn a_dribbled_body_is_given_up() {
    let service = service(patience(Duration::from_millis(600)));
    let mut stream = service.connect();
    let head = "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let said = String::from_utf8(dribble(stream, b" ")).unwrap();
    assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("connection: close"), "{said}");
    assert!(said.contains("the body came too slowly"), "{said}");
    assert_eq!(service.log.recorded(), 0);
}

#[test]
fn a_connection_on_which_nothing_is_asked_is_closed() {
    let service = service(patience(Duration::from_millis(300)));
    let mut silent = service.connect();
    assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0);
    let mut used = service.connect();
    used.write_all(&post("application/json", "", event("a.b", 1))).unwrap();
    assert_eq!(reply(&mut used).unwrap().status, 200);
    assert_eq!(used.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn who_takes_no_answers_is_cut_off() {
    let service = service(patience(Duration::from_millis(500)));
    let mut stream = service.connect();
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    // The answer is many times the question, until the buffers of both systems are full of them.
    let question = b"GET /v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    let cut = (0..10_000)
        .find_map(|_| stream.write_all(&question).err())
        .expect("it does not take questions for ever");
    assert!(!matches!(cut.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{cut}");
    assert_eq!(service.json(event("a.b", 1)).status, 200);
}

#[test]
fn what_was_not_sent_whole_is_not_recorded() {
    let service = service(|options| options);
    let whole = post("application/x-ndjson", "", [event("a.b", 1), event("a.b", 2)].join("\n"));
    for cut in (1..whole.len()).step_by(7) {
        let mut stream = service.connect();
        stream.write_all(&whole[..cut]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        assert!(!said.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&said));
    }
    assert_eq!(service.log.recorded(), 0);
    // And one that is gone before the answer has sent all the same.
    service.connect().write_all(&whole).unwrap();
    until("it is recorded", || service.log.recorded() == 2);
}

#[test]
fn requests_that_two_servers_read_differently_are_no_requests() {
    let service = service(|options| options);
    let hidden = "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 29\r\n\r\n\
                  {\"event_type\":\"smuggled.away\"}";
    for (headers, body) in [
        ("content-length: 4\r\ncontent-length: 0\r\n", ""),
        ("content-length: 0, 4\r\n", ""),
        ("content-length: +0\r\n", ""),
        ("content-length: 0\r\ntransfer-encoding: chunked, identity\r\n", ""),
        ("transfer-encoding: identity\r\n", ""),
        ("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n", "0\r\n\r\n"),
        ("transfer-encoding: xchunked\r\n", "0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "-0\r\n\r\n"),
        (" content-length: 0\r\n", ""),
        ("content-length : 0\r\n", ""),
        ("x: a\r\n content-length: 0\r\n", ""),
    ] {
        let mut stream = service.connect();
        let head = "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
        let _ = stream.write_all(format!("{head}{headers}\r\n{body}{hidden}").as_bytes());
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said);
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 400 "), "{headers:?}: {said}");
        assert_eq!(
            said.matches("HTTP/1.1").count().saturating_sub(1),
            0,
            "the connection ends there: {said}"
        );
    }
    // Chunks win over a length (RFC 9112 §6.3), and such a connection is not used again.
    let mut stream = service.connect();
    let both = "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\
                transfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let _ = stream.write_all(format!("{both}{hidden}").as_bytes());
    assert_eq!(reply(&mut stream).unwrap().status, 400, "an empty body, or no request");
    assert!(reply(&mut stream).is_none(), "the connection ends there");
    assert!(service.records().iter().all(|record| record["event_type"] != "smuggled.away"));
}

/// Pieces of requests, in any order, so that more of them come further than pure noise would.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        &b"POST /v1/events HTTP/1.1\r\n"[..],
        b"GET / HTTP/1.1\r\n",
        b"POST /v1/events HTTP/1.0\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"host: x\r\n",
        b"content-type: application/json\r\n",
        b"content-type: application/x-ndjson\r\n",
        b"content-type: application/cloudevents+json\r\n",
        b"content-encoding: gzip\r\n",
        b"content-length: 5\r\n",
        b"content-length: 18446744073709551616\r\n",
        b"content-length: -1\r\n",
        b"transfer-encoding: chunked\r\n",
        b"ce-specversion: 1.0\r\n",
        b"ce-id: %f\r\n",
        b"expect: 100-continue\r\n",
        b"upgrade: h2c\r\nconnection: upgrade\r\n",
        b"authorization: Bearer\r\n",
        b"accept: ;q=,/*\r\n",
        b"\r\n",
        b"\n\n",
        b"\r",
        b"5\r\n{\"a\":\r\n",
        b"ffffffffffffffff\r\n",
        b"0\r\n\r\n",
        b"{}",
        b"[",
        b"[[[[[[[[",
        b"{\"event_type\":\"",
        b"\\ud800",
        b"\"}",
        b"1e999",
        b"\xff\xfe",
        b"\x00",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
        b"\x16\x03\x01",
    ]);
    prop_oneof![4 => known.prop_map(<[u8]>::to_vec), 1 => prop::collection::vec(any::<u8>(), 0..40)]
}

#[test]
fn a_hundred_thousand_requests_that_are_none() {
    static PANICS: AtomicU64 = AtomicU64::new(0);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        before(info);
    }));
    let service = service(patience(Duration::from_secs(5)));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let begun = post("application/json", "", event("a.b", 1));
            while !done.load(Ordering::Relaxed) {
                assert_eq!(service.ask(&begun).status, 200, "it answers all the time");
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let mut runner =
            TestRunner::new(Config { cases: 1000, failure_persistence: None, ..Config::default() });
        let requests = prop::collection::vec(prop::collection::vec(piece(), 1..8), 100);
        let ran = runner.run(&requests, |requests| {
            for pieces in requests {
                let mut stream = service.connect();
                let _ = stream.write_all(&pieces.concat());
                let _ = stream.shutdown(Shutdown::Write);
                // Whatever is said: the connection ends, without waiting for a time-out.
                let mut said = Vec::new();
                let _ = stream.read_to_end(&mut said);
            }
            Ok(())
        });
        done.store(true, Ordering::Relaxed);
        ran.unwrap();
    });
    assert_eq!(service.json(event("a.b", 1)).status, 200);
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
}
