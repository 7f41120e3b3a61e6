//! Too much waits for a destination, or a required one does not confirm: whoever sends is told to send again, and loses nothing.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod service;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use audit_delivery::{Destination, Retry};
use audit_pipeline::{OnFailure, Options};
use audit_sink::{Batch, Receipt, SendFuture, Sink, SinkError};
use service::{event, service_with_log};

/// A place that takes nothing while it is down.
#[derive(Debug)]
struct Place {
    is_up: Arc<AtomicBool>,
}

impl Sink for Place {
    fn send<'a>(&'a mut self, _: &'a Batch) -> SendFuture<'a, Receipt> {
        let is_up = self.is_up.load(Ordering::SeqCst);
        Box::pin(async move {
            if is_up { Ok(Receipt::default()) } else { Err(SinkError::retryable("out of order")) }
        })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

fn destination(is_up: &Arc<AtomicBool>) -> Destination {
    let retry =
        Retry { initial: Duration::from_millis(2), maximum: Duration::from_millis(10), attempts: None };
    Destination::new("siem", Box::new(Place { is_up: Arc::clone(is_up) })).retry(retry)
}

fn full(is_up: &Arc<AtomicBool>) -> impl FnOnce(Options) -> Options {
    let destination = destination(is_up);
    |log| log.deliver_to(destination).max_spool_bytes(20_000).drain_timeout(Duration::from_secs(60))
}

#[test]
fn what_was_not_recorded_is_sent_again() {
    let is_up = Arc::new(AtomicBool::new(false));
    let service = service_with_log(|options| options, full(&is_up));
    let unavailable = loop {
        let answer =
            service.json(format!(r#"{{"event_type":"a.b","details":{{"x":"{}"}}}}"#, "x".repeat(900)));
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!((unavailable.status, unavailable.header("retry-after")), (503, Some("1")));
    assert_eq!(
        (unavailable.statuses(), unavailable.json()["recorded"].as_u64()),
        (vec!["unavailable".to_owned()], Some(0))
    );
    let result = &unavailable.results()[0];
    assert!(result["error"].as_str().unwrap().contains("wait for destination `siem`"), "{result}");
    let id = result["event_id"].as_str().unwrap();
    assert!(service.records().iter().all(|record| record["event_id"] != id));
    is_up.store(true, Ordering::SeqCst);
    service::until("it can again", || {
        service.json(format!(r#"{{"event_type":"a.b","event_id":"{id}"}}"#)).status == 200
    });
    assert_eq!(service.records().iter().filter(|record| record["event_id"] == id).count(), 1);
}

#[test]
fn under_permit_it_is_said_what_was_dropped() {
    let is_up = Arc::new(AtomicBool::new(false));
    let log = full(&is_up);
    let service = service_with_log(|options| options, |options| log(options).on_failure(OnFailure::Permit));
    let dropped = loop {
        let answer =
            service.json(format!(r#"{{"event_type":"a.b","details":{{"x":"{}"}}}}"#, "x".repeat(900)));
        assert_eq!(answer.status, 200, "{answer:?}");
        if answer.statuses() != ["recorded"] {
            break answer;
        }
    };
    assert_eq!(
        (dropped.statuses(), dropped.json()["recorded"].as_u64()),
        (vec!["dropped".to_owned()], Some(0))
    );
    is_up.store(true, Ordering::SeqCst);
}

#[test]
fn what_a_required_destination_has_not_is_in_the_log_all_the_same() {
    let is_up = Arc::new(AtomicBool::new(false));
    let required = destination(&is_up).required(true);
    let service = service_with_log(
        |options| options,
        |log| {
            log.deliver_to(required)
                .required_timeout(Duration::from_millis(200))
                .drain_timeout(Duration::from_secs(60))
        },
    );
    let answer = service.json(format!("[{},{{}}]", event("a.b", 1)));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    assert_eq!(answer.statuses(), ["unconfirmed", "refused"]);
    let number = answer.results()[0]["sequence_number"].as_u64().unwrap();
    assert_eq!(service.records()[usize::try_from(number).unwrap() - 1]["event_type"], "a.b");
    is_up.store(true, Ordering::SeqCst);
    assert_eq!(service.json(event("a.b", 2)).status, 200);
}
