//! What becomes an event, with which fields, in threads, tasks and nested spans.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::HashSet;
use std::path::PathBuf;

use audit_integrity::{Key, KeyRing, Verifier};
use audit_model::{Actor, Value};
use audit_pipeline::Pipeline;
use audit_tracing::TracingLayer;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tracing::{Dispatch, Instrument as _, error, error_span, info, info_span, trace};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt as _;

struct Log {
    #[allow(dead_code, reason = "held until the end")]
    directory: tempfile::TempDir,
    path: PathBuf,
    pipeline: Pipeline,
}

fn key() -> Key {
    Key::from_bytes(&[7; 32]).unwrap()
}

impl Log {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let pipeline = Pipeline::options(&path).signing_key(key()).start().unwrap();
        Self { directory, path, pipeline }
    }

    fn layer(&self) -> TracingLayer {
        TracingLayer::new(self.pipeline.clone())
    }

    fn dispatch(&self) -> Dispatch {
        Dispatch::new(Registry::default().with(self.layer().filtered()))
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.path).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take());
        events.filter(|event| !event["event_type"].as_str().unwrap().starts_with("audit.")).collect()
    }

    /// Closes the log, verifies it, and says what is in it.
    fn events(&self) -> Vec<Value> {
        self.pipeline.close().unwrap().unwrap();
        let report = Verifier::new([key()].into_iter().collect::<KeyRing>()).verify(&[&self.path]).unwrap();
        assert_eq!((report.unsealed, report.chains[0].verdict.as_str()), (0, "intact"), "{report:?}");
        self.lines()
    }
}

/// What is in the log when this was run under its layer.
fn events_of(work: impl FnOnce()) -> Vec<Value> {
    let log = Log::new();
    tracing::dispatcher::with_default(&log.dispatch(), work);
    log.events()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event_type"].as_str().unwrap()).collect()
}

#[test]
fn an_event_is_chosen_by_its_target_or_its_field() {
    let events = events_of(|| {
        info!(target: "audit", { audit.event_type = "a.target" }, "done");
        trace!(target: "audit::backup", { audit.event_type = "a.beneath" }, "done");
        info!(target: "auditor", "no");
        info!("no");
        info!(audit.event_type = "a.field");
        info!(name: "a.name", target: "audit", "by its name");
    });
    assert_eq!(types(&events), ["a.target", "a.beneath", "a.field", "a.name"]);
    assert_eq!(events[3]["details"], serde_json::json!({"message": "by its name"}));
    let log = Log::new();
    let layer = log.layer().targets(["billing"]);
    tracing::subscriber::with_default(Registry::default().with(layer), || {
        info!(target: "billing::export", { audit.event_type = "a.target" }, "done");
        info!(target: "audit", "no");
        info!(audit.event_type = "a.field");
    });
    assert_eq!(types(&log.events()), ["a.target", "a.field"]);
}

#[test]
fn values_keep_their_types() {
    let error = std::io::Error::other(std::fmt::Error);
    let events = events_of(|| {
        info!(
            audit.event_type = "backup.completed",
            actor.id = "alice@company.com",
            actor.r#type = "user",
            actor.roles = ?["backup-operator", "viewer"],
            resource.r#type = "backup",
            resource.id = 7,
            action.operation = "backup",
            action.result = "success",
            action.duration_ms = 45_000,
            context.environment = "production",
            context.tenant_id = 7,
            signed = -1_i64,
            unsigned = 2_u64,
            ratio = 5.5,
            not_a_number = f64::NAN,
            huge = u64::MAX,
            vast = i128::MIN,
            dry_run = true,
            topics = ?["orders"],
            display = %"text",
            error = &error as &dyn std::error::Error,
            details.checkpoints = 4,
            "done in {} s", 45
        );
    });
    let mut event = events[0].clone();
    assert!(event["event_id"].as_str().unwrap().starts_with("evt_"));
    assert!(event["timestamp"].is_string());
    for generated in ["event_id", "timestamp"] {
        event.as_object_mut().unwrap().remove(generated);
    }
    let expected = serde_json::json!({
        "event_type": "backup.completed",
        "version": "1.0",
        "actor": {"id": "alice@company.com", "roles": ["backup-operator", "viewer"], "type": "user"},
        "resource": {"id": "7", "type": "backup"},
        "action": {"duration_ms": 45_000, "operation": "backup", "result": "success"},
        "context": {"environment": "production", "tenant_id": 7},
        "details": {
            "checkpoints": 4, "display": "text", "dry_run": true, "error": error.to_string() + &cause(&error),
            "huge": u64::MAX.to_string(), "message": "done in 45 s", "not_a_number": "NaN", "ratio": 5.5, "signed": -1,
            "topics": "[\"orders\"]", "unsigned": 2, "vast": i128::MIN.to_string(),
        }
    });
    assert_eq!(event, expected);
}

fn cause(error: &dyn std::error::Error) -> String {
    error.source().map(|cause| format!(": {cause}")).unwrap_or_default()
}

#[test]
fn a_span_is_an_event_when_it_closes() {
    let events = events_of(|| {
        let span = info_span!(
            "work",
            audit.event_type = "backup.completed",
            records = tracing::field::Empty,
            late = 1
        );
        span.in_scope(|| {
            std::thread::sleep(std::time::Duration::from_millis(12));
            span.record("records", 1_500_000);
            tracing::Span::current().record("late", 2);
        });
        info!(audit.event_type = "before.close");
    });
    assert_eq!(types(&events), ["before.close", "backup.completed"]);
    assert_eq!(events[1]["details"], serde_json::json!({"late": 2, "records": 1_500_000}));
    assert!(events[1]["action"]["duration_ms"].as_u64().unwrap() >= 12);
    assert!(events[1]["action"]["result"].is_null());
}

#[test]
fn what_is_within_inherits_and_the_innermost_stands() {
    let events = events_of(|| {
        let _request =
            info_span!("request", actor.id = "alice", actor.roles = "a, b", uri = "/?token=secret").entered();
        let _library = info_span!("library", password = "secret").entered();
        let _backup = info_span!(
            target: "audit", "backup.completed", actor.id = "scheduler", backup_id = "b7", action.result = "success"
        )
        .entered();
        let _plain = error_span!("plain", resource.id = "orders").entered();
        info!(audit.event_type = "backup.checkpoint", bytes = 1);
        info!(parent: None, audit.event_type = "alone.here");
    });
    assert_eq!(types(&events), ["backup.checkpoint", "alone.here", "backup.completed"]);
    assert_eq!(events[0]["actor"], serde_json::json!({"id": "scheduler", "roles": ["a", "b"]}));
    assert_eq!(events[0]["resource"]["id"], "orders");
    // The result is the span's own, and what spans that are not chosen say of other things is not for the log.
    assert!(events[0]["action"].is_null());
    assert_eq!(events[0]["details"], serde_json::json!({"backup_id": "b7", "bytes": 1}));
    assert!(events[1]["actor"].is_null());
    assert_eq!(events[2]["action"]["result"], "success");
    assert_eq!(events[2]["details"], serde_json::json!({"backup_id": "b7"}));
}

#[test]
fn a_span_can_have_three_types() {
    let run = |work: &dyn Fn()| {
        events_of(|| {
            let span = info_span!(
                "backup",
                audit.event_type = "backup.completed",
                audit.start_type = "backup.started",
                audit.failure_type = "backup.failed",
                error = tracing::field::Empty
            );
            span.in_scope(work);
        })
    };
    let events = run(&|| {});
    assert_eq!(types(&events), ["backup.started", "backup.completed"]);
    assert_eq!(events[0]["action"], serde_json::json!({"result": "in_progress"}));
    assert_eq!(events[1]["details"]["attempt"], events[0]["event_id"]);
    let failed = |events: &[Value], error: Value| {
        assert_eq!(types(events), ["backup.started", "backup.failed"]);
        assert_eq!(
            (&events[1]["action"]["result"], &events[1]["details"]["error"]),
            (&"failure".into(), &error)
        );
    };
    failed(&run(&|| _ = tracing::Span::current().record("error", "disk full")), "disk full".into());
    // As `#[instrument(err)]` says it.
    failed(&run(&|| error!("disk full")), Value::Null);
    let events = events_of(|| {
        let work = || {
            let _span = info_span!("x", audit.event_type = "a.b", audit.failure_type = "a.failed").entered();
            panic!("of no interest");
        };
        std::panic::catch_unwind(work).unwrap_err();
    });
    assert_eq!(
        (types(&events), &events[0]["details"]["error"]),
        (vec!["a.failed"], &"a panic ended it".into())
    );
}

#[test]
fn a_start_can_be_asked_for_everywhere() {
    let log = Log::new();
    let layer = log.layer().emit_start(true).default_actor(Actor::system("scheduler"));
    tracing::subscriber::with_default(Registry::default().with(layer), || {
        drop(info_span!(target: "audit", "backup.completed", topic = "orders"));
    });
    let events = log.events();
    assert_eq!(types(&events), ["backup.completed", "backup.completed"]);
    assert_eq!(events[0]["action"]["result"], "in_progress");
    assert_eq!(events[0]["details"], serde_json::json!({"topic": "orders"}));
    assert_eq!(events[1]["actor"], serde_json::json!({"id": "scheduler", "type": "system"}));
}

#[test]
fn what_cannot_become_an_event_as_it_is_is_not_lost() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let events = metrics::with_local_recorder(&recorder, || {
        events_of(|| {
            info!(audit.event_type = "no type", actor.id = "alice");
            info!(audit.event_type = "audit.stopped", actor.id = "alice");
            info!(target: "audit", { actor.id = "alice" }, "somebody did something");
            info!(audit.event_type = "a.b", actor.id = "alice", action.duration_ms = "long", actor.id.x = 1);
        })
    });
    assert_eq!(types(&events), ["tracing.invalid", "tracing.invalid", "tracing.invalid", "a.b"]);
    for event in &events {
        assert_eq!(event["actor"]["id"], "alice");
        assert!(event["details"]["problems"][0].is_string(), "{event:#}");
    }
    assert_eq!(events[3]["details"]["problems"].as_array().unwrap().len(), 2);
    assert_eq!(events[3]["details"]["action"]["duration_ms"], "long");
    let counted = snapshotter.snapshot().into_vec().into_iter();
    let invalid = counted.filter(|(key, ..)| key.key().name() == "audit_log_tracing_invalid_total");
    assert_eq!(invalid.map(|(.., value)| value).collect::<Vec<_>>(), [DebugValue::Counter(4)]);
}

#[test]
fn the_logs_own_threads_do_not_feed_it() {
    let log = Log::new();
    let dispatch = log.dispatch();
    let work = move || tracing::dispatcher::with_default(&dispatch, || info!(audit.event_type = "a.b"));
    for name in ["audit-writer", "worker"] {
        std::thread::Builder::new().name(name.to_owned()).spawn(work.clone()).unwrap().join().unwrap();
    }
    assert_eq!(log.events().len(), 1);
}

#[test]
fn a_receipt_is_waited_for_if_asked() {
    let log = Log::new();
    let layer = log.layer().wait_for_receipt(true);
    tracing::subscriber::with_default(Registry::default().with(layer), || {
        for count in 1..=20 {
            info!(audit.event_type = "a.b");
            assert_eq!(log.lines().len(), count);
        }
    });
}

#[test]
fn threads_share_a_layer() {
    const EACH: usize = 500;
    let log = Log::new();
    let dispatch = log.dispatch();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let dispatch = &dispatch;
            scope.spawn(move || {
                tracing::dispatcher::with_default(dispatch, || {
                    let _actor = info_span!("thread", actor.id = thread).entered();
                    for number in 0..EACH {
                        let _span = info_span!("x", audit.event_type = "a.b", number).entered();
                    }
                });
            });
        }
    });
    let events = log.events();
    let of = |event: &Value| (event["actor"]["id"].to_string(), event["details"]["number"].as_u64().unwrap());
    assert_eq!((events.len(), events.iter().map(of).collect::<HashSet<_>>().len()), (4 * EACH, 4 * EACH));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_keep_their_spans_apart() {
    const TASKS: usize = 200;
    #[tracing::instrument(fields(audit.event_type = "backup.completed", actor.id = %name), skip(name), err)]
    async fn back_up(name: String, number: usize) -> Result<(), String> {
        tokio::task::yield_now().await;
        info!(audit.event_type = "backup.checkpoint", number);
        tokio::task::yield_now().await;
        if number.is_multiple_of(10) { Err("disk full".to_owned()) } else { Ok(()) }
    }
    use tracing::instrument::WithSubscriber as _;
    let log = Log::new();
    let dispatch = log.dispatch();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..TASKS {
        let outer = tracing::dispatcher::with_default(&dispatch, || info_span!("job", context.job = number));
        let work = async move { back_up(format!("user-{number}"), number).await.is_ok() };
        tasks.spawn(work.instrument(outer).with_subscriber(dispatch.clone()));
    }
    let done = tasks.join_all().await.into_iter().filter(|done| *done).count();
    let events = log.events();
    assert_eq!(events.len(), 2 * TASKS);
    for event in &events {
        let number = &event["details"]["number"];
        assert_eq!(event["actor"]["id"], format!("user-{number}"));
        assert_eq!(&event["context"]["job"], number);
    }
    let failures = events.iter().filter(|event| event["action"]["result"] == "failure").count();
    assert_eq!(failures, TASKS - done);
}
