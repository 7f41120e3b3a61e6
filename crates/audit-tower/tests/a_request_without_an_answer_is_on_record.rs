//! What happens to requests that are cancelled, fail or panic.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod log;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use audit_tower::{Annotations, FailClosed};
use axum::routing::post;
use axum::{Extension, Router};
use log::{Log, client, send, serve};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};

type Request = http::Request<String>;
type Response = http::Response<String>;

#[tokio::test]
async fn a_client_that_goes_away() {
    let log = Log::new();
    let begun = Arc::new(Notify::new());
    let handler = {
        let begun = Arc::clone(&begun);
        async move |Extension(audit): Extension<Annotations>| {
            audit.detail("topic", "orders");
            begun.notify_one();
            std::future::pending::<()>().await;
        }
    };
    let address = serve(Router::new().route("/slow", post(handler)).layer(log.layer())).await;
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    begun.notified().await;
    drop(connection);
    log.until(1).await;
    let event = log.event();
    assert_eq!(
        (&event["action"]["result"], &event["resource"]["id"]),
        (&"cancelled".into(), &"/slow".into())
    );
    assert_eq!(event["details"]["error"], "cancelled before there was a response");
    assert_eq!(event["details"]["topic"], "orders");
    assert!(event["details"]["http_response"].is_null());
}

/// Whether it was still held or not when it was dropped: there is one event, and it says how the service ended.
#[tokio::test]
async fn a_client_that_goes_away_while_the_answer_is_held() {
    let log = Log::new();
    let service = service_fn(async |_: Request| Ok::<_, Infallible>(Response::default()));
    let request = http::Request::post("/").body(String::new()).unwrap();
    let response = log.layer().fail_closed(FailClosed::After).layer(service).oneshot(request);
    drop(poll_once(&mut Box::pin(response)));
    assert_eq!(log.event()["action"]["result"], "success");
}

#[tokio::test]
async fn a_client_that_goes_away_after_the_attempt_was_recorded() {
    let log = Log::new();
    let service = service_fn(async |_: Request| std::future::pending::<Result<Response, Infallible>>().await);
    let request = http::Request::post("/").body(String::new()).unwrap();
    let response = log.layer().fail_closed(FailClosed::Before).layer(service).oneshot(request);
    assert!(poll_once(&mut Box::pin(response)).is_none());
    let events = log.events();
    let results: Vec<_> = events.iter().map(|event| event["action"]["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["in_progress", "cancelled"]);
    assert_eq!(events[1]["details"]["attempt"], events[0]["event_id"]);
}

/// One poll.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test]
async fn a_service_that_fails() {
    let log = Log::new();
    let service =
        service_fn(async |_: Request| Err::<Response, _>(std::io::Error::other("no route to host")));
    let request = http::Request::post("/").body(String::new()).unwrap();
    let answer = log.layer().layer(service).oneshot(request).await;
    assert_eq!(answer.unwrap_err().to_string(), "no route to host");
    let event = log.event();
    assert_eq!(
        (&event["action"]["result"], &event["details"]["error"]),
        (&"failure".into(), &"no route to host".into())
    );
}

#[tokio::test]
async fn a_handler_that_panics() {
    let log = Log::new();
    let handler = async || -> () { panic!("of no interest") };
    let address = serve(Router::new().route("/", post(handler)).layer(log.layer())).await;
    send(&client(), address, "POST", "/", &[]).await.unwrap_err();
    let event = log.event();
    assert_eq!(
        (&event["action"]["result"], &event["details"]["error"]),
        (&"failure".into(), &"the service panicked".into())
    );
}

/// A panic may be caught further out, and the future be dropped when nothing unwinds any more.
#[tokio::test]
async fn a_panic_that_somebody_caught() {
    let log = Log::new();
    let service = service_fn(async |_: Request| -> Result<Response, Infallible> { panic!("of no interest") });
    let request = http::Request::post("/").body(String::new()).unwrap();
    let mut response = Box::pin(log.layer().layer(service).oneshot(request));
    std::panic::catch_unwind(AssertUnwindSafe(|| drop(poll_once(&mut response)))).unwrap_err();
    drop(response);
    assert_eq!(log.event()["details"]["error"], "the service panicked");
}

#[tokio::test]
async fn a_request_that_nobody_polls() {
    let log = Log::new();
    let service = service_fn(async |_: Request| Ok::<_, Infallible>(Response::default()));
    let mut service = log.layer().layer(service);
    let request = http::Request::post("/").body(String::new()).unwrap();
    drop(service.ready().await.unwrap().call(request));
    assert_eq!(log.event()["action"]["result"], "cancelled");
}
