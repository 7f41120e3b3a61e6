//! What each mode holds back, with a log that works and with one that does not.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod log;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use audit_model::EventType;
use audit_tower::{AuditLayer, Description, FailClosed, Refused};
use axum::Router;
use axum::routing::post;
use log::{Log, client, send, serve};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

const MODES: [FailClosed; 4] =
    [FailClosed::Off, FailClosed::Before, FailClosed::After, FailClosed::BeforeAndAfter];

fn holds_request(mode: FailClosed) -> bool {
    matches!(mode, FailClosed::Before | FailClosed::BeforeAndAfter)
}

#[tokio::test]
async fn before_means_that_the_attempt_is_on_disk_when_the_handler_runs() {
    let log = Arc::new(Log::new());
    let describe = |_: &http::request::Parts| {
        Description::new("restore")
            .attempt_type(EventType::RESTORE_STARTED)
            .event_type(EventType::RESTORE_COMPLETED)
            .fail_closed(FailClosed::Before)
    };
    let seen = Arc::clone(&log);
    let handler = async move || {
        let events = seen.events_now();
        assert_eq!((events.len(), &events[0]["event_type"]), (1, &"restore.started".into()));
        assert_eq!(events[0]["action"], serde_json::json!({"operation": "restore", "result": "in_progress"}));
    };
    let address = serve(Router::new().route("/", post(handler)).layer(log.layer().describe(describe))).await;
    assert_eq!(send(&client(), address, "POST", "/", &[]).await.unwrap().0, 200);
    let events = log.events();
    assert_eq!((events.len(), &events[1]["event_type"]), (2, &"restore.completed".into()));
    assert_eq!(events[1]["action"]["result"], "success");
    assert_eq!(events[1]["details"]["attempt"], events[0]["event_id"]);
    assert!(events[0]["details"]["attempt"].is_null());
}

#[tokio::test]
async fn after_means_that_the_outcome_is_on_disk_when_the_client_has_its_answer() {
    let log = Log::new();
    let layer = log.layer().fail_closed(FailClosed::After);
    let address = serve(Router::new().route("/", post(async || "done")).layer(layer)).await;
    let client = client();
    for count in 1..=20 {
        assert_eq!(send(&client, address, "POST", "/", &[]).await.unwrap().2, "done");
        assert_eq!(log.events_now().len(), count);
    }
    assert_eq!(log.events().len(), 20);
}

#[tokio::test]
async fn with_a_log_that_takes_nothing_the_answer_is_503() {
    for mode in MODES {
        let log = Log::new();
        let calls = Arc::new(AtomicUsize::new(0));
        let handler = {
            let calls = Arc::clone(&calls);
            async move || {
                calls.fetch_add(1, Ordering::Relaxed);
                [("x-secret", "done")]
            }
        };
        let unrecorded = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&unrecorded);
        let layer = log.layer().fail_closed(mode).on_unrecorded(move |event, why| {
            assert_eq!(event.event_type.as_str(), "http.request");
            assert!(why.contains("closed"), "{why}");
            count.fetch_add(1, Ordering::Relaxed);
        });
        let router = Router::new().route("/", post(handler).get(async || "read")).layer(layer);
        let (address, client) = (serve(router).await, client());
        log.pipeline.close().unwrap().unwrap();

        let (status, headers, body) = send(&client, address, "POST", "/", &[]).await.unwrap();
        let refuses = mode != FailClosed::Off;
        assert_eq!((status, body.as_str()), (if refuses { 503 } else { 200 }, ""), "{mode:?}");
        assert_eq!(headers.contains_key("x-secret"), !refuses, "{mode:?}");
        assert_eq!(calls.load(Ordering::Relaxed), usize::from(!holds_request(mode)), "{mode:?}");
        // The attempt, and its outcome: that it was refused.
        assert_eq!(unrecorded.load(Ordering::Relaxed), if holds_request(mode) { 2 } else { 1 }, "{mode:?}");
        // What is not audited goes on.
        assert_eq!(send(&client, address, "GET", "/", &[]).await.unwrap().2, "read");
    }
}

#[tokio::test]
async fn a_refusal_says_whether_the_service_was_called() {
    for (mode, service_called) in [(FailClosed::Before, false), (FailClosed::After, true)] {
        let log = Log::new();
        log.pipeline.close().unwrap().unwrap();
        let service = service_fn(async |_| Ok::<_, Infallible>(http::Response::new(String::new())));
        let request = http::Request::post("/").body(String::new()).unwrap();
        let response = log.layer().fail_closed(mode).layer(service).oneshot(request).await.unwrap();
        let refused = response.extensions().get::<Refused>().unwrap();
        assert_eq!(refused.service_called, service_called);
        assert_eq!(refused.reason, "the event was not recorded: the audit log is closed");
    }
}

#[tokio::test]
async fn what_the_log_does_not_select_is_not_held() {
    let log = Log::new();
    log.pipeline.close().unwrap().unwrap();
    let selection = audit_pipeline::Selection::default().events(["backup.*".parse().unwrap()]);
    let log = audit_pipeline::Pipeline::options(log.path.with_file_name("other.log"))
        .select(selection)
        .start()
        .unwrap();
    let service = service_fn(async |_| Ok::<_, Infallible>(http::Response::new(String::new())));
    let request = http::Request::post("/").body(String::new()).unwrap();
    let layer = AuditLayer::new(log.clone()).fail_closed(FailClosed::BeforeAndAfter);
    assert_eq!(layer.layer(service).oneshot(request).await.unwrap().status(), 200);
    assert_eq!(log.recorded(), 0);
}

/// Has to be made ready before each call, as `tower_service::Service` says; a clone is not ready.
struct Strict {
    is_ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { is_ready: false }
    }
}

impl Service<http::Request<String>> for Strict {
    type Response = http::Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<String>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without being ready");
        ready(Ok(http::Response::new(String::new())))
    }
}

#[tokio::test]
async fn the_service_that_is_ready_is_the_one_that_is_called() {
    fn usable_everywhere<T: Clone + Send + Sync + 'static>(_: &T) {}
    for mode in MODES {
        let log = Log::new();
        let layer = log.layer().fail_closed(mode);
        usable_everywhere(&layer);
        let mut service = layer.layer(Strict { is_ready: false });
        usable_everywhere(&service);
        for _ in 0..3 {
            let request = http::Request::post("/").body(String::new()).unwrap();
            service.ready().await.unwrap().call(request).await.unwrap();
        }
        assert_eq!(log.events().len(), if holds_request(mode) { 6 } else { 3 });
    }
}
