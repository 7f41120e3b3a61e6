//! While its sources change, the service answers: on the same address without a gap, and on a new one before the old one is gone.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod running;

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use running::{answer, free, get, post, start, until};

fn config(directory: &Path) -> String {
    let log = directory.join("audit.log");
    format!(
        "
destination: {{type: file, path: {}}}
sources: [{{type: http, listen: '127.0.0.1:0', max_events: 100}}]
operations: {{listen: '127.0.0.1:0'}}
access: {{anonymous: [ingest]}}
",
        log.display()
    )
}

#[test]
fn nobody_is_turned_away_and_half_a_head_holds_it_up_for_nobody() {
    let running = start(config);
    let (address, operations) = (running.address("http"), running.address("operations"));
    let (done, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let mut stream = TcpStream::connect(address).expect("somebody listens");
                    stream.write_all(&post(r#"{"event_type":"app.one"}"#)).unwrap();
                    assert_eq!(answer(&mut stream).expect("an answer").0, 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut before = running.text();
        for n in 101..109 {
            let mut half = TcpStream::connect(address).unwrap();
            half.write_all(b"POST /v1/events HTTP/1.1\r\nhost: ").unwrap();
            let next = before.replace(&format!("max_events: {}", n - 1), &format!("max_events: {n}"));
            assert_eq!(running.change(&next).unwrap().len(), 1);
            before = next;
            assert_eq!(running.address("http"), address);
            assert_eq!(running.address("operations"), operations, "it is not disturbed");
            let so_far = answered.load(Ordering::Relaxed);
            until("others are answered", || answered.load(Ordering::Relaxed) > so_far + 3);
        }
        done.store(true, Ordering::Relaxed);
    });
    let recorded = running.events("app.one").len() as u64;
    assert_eq!(recorded, answered.load(Ordering::Relaxed));
    running.end();
}

#[test]
fn a_new_address_for_operations_answers_before_the_old_one_is_gone() {
    let running = start(config);
    let (before, now, taken) = (running.address("operations"), free(), running.address("http"));
    let there = |address: &str| {
        running.text().replacen(
            "operations: {listen: '127.0.0.1:0'}",
            &format!("operations: {{{address}}}"),
            1,
        )
    };
    let error = running.change(there(&format!("listen: '{taken}'"))).unwrap_err().to_string();
    assert!(error.contains("operations: cannot listen on"), "{error}");
    assert!(error.contains("`operations.listen`") && error.contains("ss -ltnp"), "{error}");
    assert_eq!(get(before, "/healthz").unwrap().0, 200, "the old one goes on");

    let text = there(&format!("listen: '{taken}'")).replace(&taken.to_string(), &now.to_string());
    assert_eq!(running.change(&text).unwrap()[0].field, "operations.listen");
    assert_eq!(get(now, "/healthz").unwrap().0, 200);
    assert_eq!(get(before, "/healthz"), None);
    // What says the same in other words changes nothing.
    let same = text.replace(
        &format!("{{listen: '{now}'}}"),
        &format!("{{listen: '{now}', danger_allow_plain_http: false}}"),
    );
    let mut kept = TcpStream::connect(now).unwrap();
    running.change(same).unwrap();
    write!(kept, "GET /healthz HTTP/1.1\r\nhost: log\r\n\r\n").unwrap();
    assert_eq!(answer(&mut kept).unwrap().0, 200);
    // The two trade places: each goes on with the listener of the other.
    running.end();
}

#[test]
fn two_listeners_trade_their_addresses() {
    let (one, other) = (free(), free());
    let text = |directory: &Path, source, operations| {
        let text = config(directory).replacen("127.0.0.1:0", &format!("{source}"), 1);
        text.replacen("127.0.0.1:0", &format!("{operations}"), 1)
    };
    let running = start(|directory| text(directory, one, other));
    assert_eq!(running.post("app.one"), "recorded");
    running.change(text(running.directory.path(), other, one)).unwrap();
    assert_eq!((running.address("http"), running.address("operations")), (other, one));
    assert_eq!(running.post("app.two"), "recorded");
    assert_eq!(get(one, "/healthz").unwrap().0, 200);
    running.end();
}
