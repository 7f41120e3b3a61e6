//! A sender that goes away, or takes no answer, is in `audit_log_http_unanswered_total`; one that was answered is not.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod service;

use std::io::Write as _;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use audit_delivery::Destination;
use audit_sink::{Batch, Receipt, SendFuture, Sink, SinkError};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use service::{event, post, reply, service, service_with_log, until};

fn unanswered(snapshotter: &Snapshotter) -> u64 {
    let all = snapshotter.snapshot().into_vec();
    let values = all.into_iter().filter_map(|(key, _, _, value)| match value {
        DebugValue::Counter(count) if key.key().name() == "audit_log_http_unanswered_total" => Some(count),
        _ => None,
    });
    values.sum()
}

#[test]
fn gone_in_the_middle_is_counted_and_answered_is_not() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().unwrap();
    let mut service = service(|options| options);
    for n in 0..3 {
        assert_eq!(service.json(event("a.b", n)).status, 200);
    }
    let whole = post("application/json", "expect: 100-continue\r\n", event("a.b", 4));
    let mut seen = 0;
    for gone in 1..=2 {
        let mut stream = service.connect();
        let head = whole.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        stream.write_all(&whole[..head]).unwrap();
        assert_eq!(reply(&mut stream).unwrap().status, 100, "its body is being read");
        stream.shutdown(Shutdown::Both).unwrap();
        drop(stream);
        until("it is counted", || {
            seen += unanswered(&snapshotter);
            seen >= gone
        });
    }
    // A connection that asks for nothing is no request.
    drop(service.connect());
    service.stop();
    assert_eq!(seen + unanswered(&snapshotter), 2);

    // And one that has sent all, and does not wait.
    let confirms = Arc::new(AtomicBool::new(false));
    let place = Destination::new("siem", Box::new(Place(Arc::clone(&confirms)))).required(true);
    let hour = Duration::from_secs(3600);
    let service = service_with_log(|options| options, |log| log.deliver_to(place).required_timeout(hour));
    let mut stream = service.connect();
    stream.write_all(&post("application/json", "", event("a.b", 5))).unwrap();
    until("it waits for the destination", || service.records().len() > 1);
    drop(stream);
    until("it is counted", || {
        seen += unanswered(&snapshotter);
        seen >= 3
    });
    confirms.store(true, Ordering::SeqCst);
}

/// A place that confirms nothing until it is told to.
#[derive(Debug)]
struct Place(Arc<AtomicBool>);

impl Sink for Place {
    fn send<'a>(&'a mut self, _: &'a Batch) -> SendFuture<'a, Receipt> {
        let confirms = self.0.load(Ordering::SeqCst);
        Box::pin(async move {
            if confirms { Ok(Receipt::default()) } else { Err(SinkError::retryable("not yet")) }
        })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
