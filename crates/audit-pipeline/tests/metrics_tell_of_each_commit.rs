//! What the `metrics` facade is told. One test: the recorder is the process's.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use audit_model::{Action, Actor, Event, EventType, Timestamp};
use audit_pipeline::Pipeline;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

#[test]
fn metrics_tell_of_each_commit() {
    let directory = tempfile::tempdir().unwrap();
    let event = Event::new(EventType::AUTH_LOGIN, Actor::user("alice"), Action::success("test"));
    let log = Pipeline::options(directory.path().join("audit.log")).buffer_bytes(54_321).start().unwrap();
    // Who installs a recorder may come later than the log and its first events.
    log.emit_blocking(&event).map(drop).unwrap();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().unwrap();
    let mut totals = BTreeMap::new();
    let mut durations = Vec::new();
    let before = Timestamp::now().as_milliseconds() as f64 / 1000.0;
    let begun = Instant::now();
    let mut emitted = 0.0;
    while durations.len() < 5 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{totals:?}");
        log.emit_blocking(&event).map(drop).unwrap();
        emitted += 1.0;
        std::thread::sleep(Duration::from_millis(20));
        for (key, _, _, value) in snapshotter.snapshot().into_vec() {
            let name = key.key().name().to_owned();
            match value {
                DebugValue::Counter(count) => *totals.entry(name).or_insert(0.0) += count as f64,
                DebugValue::Gauge(gauge) => drop(totals.insert(name, gauge.into_inner())),
                DebugValue::Histogram(values) => {
                    assert_eq!(name, "audit_log_journal_commit_duration_seconds");
                    durations.extend(values.into_iter().map(|value| value.into_inner()));
                }
            }
        }
    }
    assert!(durations.iter().all(|seconds| *seconds > 0.0 && *seconds < 30.0), "{durations:?}");
    assert!(totals["audit_log_events_recorded_total"] <= emitted, "{totals:?}");
    assert!((totals["audit_log_events_recorded_total"] - durations.len() as f64).abs() < 0.5, "one a commit");
    assert_eq!((totals["audit_log_buffer_bytes"], totals["audit_log_buffer_used_bytes"]), (54_321.0, 0.0));
    let now = Timestamp::now().as_milliseconds() as f64 / 1000.0;
    assert!((before..=now).contains(&totals["audit_log_last_event_timestamp_seconds"]), "{totals:?}");
    log.close().unwrap();
}
