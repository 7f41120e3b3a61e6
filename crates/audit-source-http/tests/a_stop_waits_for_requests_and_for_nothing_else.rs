//! When a source is to stop, heads that are not whole are cut off, requests that are there are answered, and its listener goes on in
//! another source without a moment in which nobody accepts.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod service;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use audit_source::{CancellationToken, Intake, Source as _};
use audit_source_http::{HttpOptions, HttpSource, Limits};
use service::{anonymous, event, post, reply, service, until};

/// So patient that a test that waits for it never ends.
fn without_end() -> Limits {
    let mut limits = Limits::default();
    (limits.request_timeout, limits.drain_timeout) =
        (Duration::from_secs(36_000), Duration::from_secs(36_000));
    limits.min_body_rate = 0;
    limits
}

#[test]
fn a_head_that_is_not_whole_holds_it_up_for_nobody() {
    let mut service = service(|options| options.limits(without_end()));
    let mut half = service.connect();
    half.write_all(b"POST /v1/events HTTP/1.1\r\nhost: ").unwrap();
    let mut used = service.connect();
    used.write_all(&post("application/json", "", event("a.b", 1))).unwrap();
    assert_eq!(reply(&mut used).unwrap().status, 200);
    used.write_all(b"POST /v1").unwrap();
    let mut silent = service.connect();
    service.stop();
    for stream in [&mut half, &mut used, &mut silent] {
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    }
}

#[test]
fn a_request_that_is_there_is_answered() {
    let mut service = service(|options| options.limits(without_end()));
    let whole = post("application/json", "expect: 100-continue\r\n", event("a.b", 1));
    let head = whole.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let mut stream = service.connect();
    stream.write_all(&whole[..head]).unwrap();
    assert_eq!(reply(&mut stream).unwrap().status, 100);
    service.stop.cancel();
    std::thread::sleep(Duration::from_millis(600));
    stream.write_all(&whole[head..]).unwrap();
    let answer = reply(&mut stream).unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    service.stop();
    assert_eq!(service.log.recorded(), 1);
}

#[test]
fn a_listener_that_is_handed_over_turns_nobody_away() {
    let service = service(|options| options);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = || HttpOptions::new("127.0.0.1:0").access(anonymous());
    let mut source = runtime.block_on(HttpSource::bind(options())).unwrap();
    let address = source.local_addr();
    let (done, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let run = |source: HttpSource| {
        let stop = CancellationToken::new();
        let work = Box::new(source).run(Intake::new(service.log.clone(), "http"), stop.clone());
        (runtime.spawn(work), stop)
    };
    let last = std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let mut stream = TcpStream::connect(address).expect("somebody listens");
                    stream.write_all(&post("application/json", "", event("a.b", 1))).unwrap();
                    assert_eq!(reply(&mut stream).expect("an answer").status, 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..20 {
            let next = HttpSource::on(source.listener(), options()).unwrap();
            let (running, stop) = run(std::mem::replace(&mut source, next));
            let before = answered.load(Ordering::Relaxed);
            until("some are answered", || answered.load(Ordering::Relaxed) >= before + 5);
            stop.cancel();
            runtime.block_on(running).unwrap().unwrap();
        }
        // Those who wait in its queue.
        let last = run(source);
        done.store(true, Ordering::Relaxed);
        last
    });
    assert_eq!(service.log.recorded(), answered.load(Ordering::Relaxed));
    last.1.cancel();
    runtime.block_on(last.0).unwrap().unwrap();
    assert!(TcpStream::connect(address).is_err(), "the address is free when nobody has the listener");
}
