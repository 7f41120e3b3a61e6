//! With a subscriber for the whole process, which `tracing` does not keep from being entered twice as it does with a scoped
//! one. So this is one test in a process of its own.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use audit_model::Value;
use audit_pipeline::Pipeline;
use audit_tracing::TracingLayer;
use metrics_util::debugging::DebuggingRecorder;
use tracing::{error, info, info_span};
use tracing_subscriber::layer::SubscriberExt as _;

/// A value that uses tracing while it is written.
struct Talkative;

impl fmt::Debug for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::Span::current().record("seen", true);
        info!(audit.event_type = "value.written");
        f.write_str("talkative")
    }
}

#[test]
fn what_is_logged_while_an_event_is_made_or_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let pipeline = Pipeline::options(&path).start().unwrap();
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    let layer = TracingLayer::new(pipeline.clone()).on_unrecorded(move |event, why| {
        if event.event_type.as_str() == "thread.named" {
            assert!(why.contains("name it otherwise"), "{why}");
            count.fetch_add(10, Ordering::Relaxed);
            return;
        }
        assert_eq!(event.event_type.as_str(), "backup.started");
        assert!(why.contains("closed"), "{why}");
        // Not for the log that cannot take it.
        error!(audit.event_type = "backup.failed");
        count.fetch_add(1, Ordering::Relaxed);
    });
    let subscriber = tracing_subscriber::registry().with(layer.filtered());
    tracing::subscriber::set_global_default(subscriber).unwrap();

    // While it is made.
    let span = info_span!("x", audit.event_type = "span.closed", seen = false, value = tracing::field::Empty);
    span.in_scope(|| {
        span.record("value", tracing::field::debug(Talkative));
        info!(audit.event_type = "event.made", value = ?Talkative);
    });
    drop(span);

    // In what is called as a thread of the log is.
    let thread = std::thread::Builder::new().name("audit-x".to_owned());
    thread.spawn(|| info!(audit.event_type = "thread.named")).unwrap().join().unwrap();
    assert_eq!(told.swap(0, Ordering::Relaxed), 10);

    // While it is recorded.
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    pipeline.close().unwrap().unwrap();
    metrics::with_local_recorder(&recorder, || info!(audit.event_type = "backup.started"));
    assert_eq!(told.load(Ordering::Relaxed), 1);
    let counted = snapshotter.snapshot().into_vec().into_iter();
    let mut names: Vec<String> = counted.map(|(key, ..)| key.key().name().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["audit_log_tracing_recursive_total", "audit_log_tracing_unrecorded_total"]);

    let text = std::fs::read_to_string(&path).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<&str> = events.iter().map(|event| event["event_type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        ["audit.started", "value.written", "value.written", "event.made", "span.closed", "audit.stopped"]
    );
    assert_eq!(events[4]["details"], serde_json::json!({"seen": true, "value": "talkative"}));
}
