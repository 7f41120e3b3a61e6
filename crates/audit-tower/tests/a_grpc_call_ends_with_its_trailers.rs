//! A real tonic server and client, over HTTP/2.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod log;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use audit_model::Value;
use audit_tower::{Annotations, AuditLayer, Decision, FailClosed};
use http::uri::PathAndQuery;
use log::Log;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

#[derive(Clone, PartialEq, prost::Message)]
struct Backup {
    #[prost(string, tag = "1")]
    id: String,
}

type Codec = ProstCodec<Backup, Backup>;
type Messages = Pin<Box<dyn tokio_stream::Stream<Item = Result<Backup, Status>> + Send>>;

/// What `protoc` would write, by hand.
#[derive(Clone)]
struct Backups;

impl NamedService for Backups {
    const NAME: &'static str = "kafka.Backups";
}

impl Service<http::Request<Body>> for Backups {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Codec::default());
            Ok(match request.uri().path() {
                "/kafka.Backups/Start" => grpc.unary(tower::service_fn(start), request).await,
                _ => grpc.server_streaming(tower::service_fn(watch), request).await,
            })
        })
    }
}

async fn start(request: Request<Backup>) -> Result<Response<Backup>, Status> {
    let audit = request.extensions().get::<Annotations>().unwrap().clone();
    match request.get_ref().id.as_str() {
        "forbidden" => {
            audit.decision(Decision::denied("backup", "topic:orders", "backup:topic:orders"));
            Err(Status::permission_denied("no"))
        }
        "broken" => Err(Status::internal("disk")),
        id => Ok(Response::new(Backup { id: id.to_owned() })),
    }
}

/// Two messages; then an end, a failure, or nothing more.
async fn watch(request: Request<Backup>) -> Result<Response<Messages>, Status> {
    let (sender, receiver) = mpsc::channel(4);
    let id = request.into_inner().id;
    for _ in 0..2 {
        sender.try_send(Ok(Backup { id: id.clone() })).unwrap();
    }
    match id.as_str() {
        "fails" => sender.try_send(Err(Status::data_loss("segment 7"))).unwrap(),
        "hangs" => drop(tokio::spawn(async move { sender.closed().await })),
        _ => {}
    }
    let mut response = Response::new(Box::pin(ReceiverStream::new(receiver)) as Messages);
    response.extensions_mut().insert(audit_model::Actor::service("scheduler"));
    Ok(response)
}

async fn connect(layer: AuditLayer) -> tonic::client::Grpc<Channel> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder().layer(layer).add_service(Backups);
    tokio::spawn(async move { server.serve_with_incoming(TcpListenerStream::new(listener)).await });
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    tonic::client::Grpc::new(channel)
}

async fn unary(client: &mut tonic::client::Grpc<Channel>, id: &str) -> Result<Backup, Status> {
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/kafka.Backups/Start");
    let request = Request::new(Backup { id: id.to_owned() });
    client.unary(request, path, Codec::default()).await.map(Response::into_inner)
}

async fn streamed(client: &mut tonic::client::Grpc<Channel>, id: &str) -> tonic::Streaming<Backup> {
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/kafka.Backups/Watch");
    let request = Request::new(Backup { id: id.to_owned() });
    client.server_streaming(request, path, Codec::default()).await.unwrap().into_inner()
}

fn endings(events: &[Value]) -> Vec<(&str, &str, Option<u64>)> {
    let of = |event| -> (&str, &str, Option<u64>) {
        let event: &Value = event;
        let text = |value: &'static str| event.pointer(value).unwrap().as_str().unwrap();
        (text("/event_type"), text("/action/result"), event["details"]["grpc"]["status"].as_u64())
    };
    events.iter().map(of).collect()
}

#[tokio::test]
async fn a_call_is_an_event_with_its_status() {
    for mode in [FailClosed::Off, FailClosed::After] {
        let log = Log::new();
        let mut client = connect(log.layer().fail_closed(mode)).await;
        assert_eq!(unary(&mut client, "7").await.unwrap().id, "7");
        assert_eq!(unary(&mut client, "forbidden").await.unwrap_err().code(), Code::PermissionDenied);
        assert_eq!(unary(&mut client, "broken").await.unwrap_err().code(), Code::Internal);
        log.until(3).await;
        assert_eq!(streamed(&mut client, "ends").await.collect::<Vec<_>>().await.len(), 2);
        log.until(4).await;
        let broken_off: Vec<_> = streamed(&mut client, "fails").await.collect().await;
        assert_eq!(broken_off[2].as_ref().unwrap_err().code(), Code::DataLoss);
        log.until(5).await;
        let events = log.events();
        assert_eq!(
            endings(&events),
            [
                ("grpc.request", "success", Some(0)),
                ("access.denied", "denied", Some(7)),
                ("grpc.request", "failure", Some(13)),
                ("grpc.request", "success", Some(0)),
                ("grpc.request", "failure", Some(15)),
            ]
        );
        assert_eq!(events[0]["action"]["operation"], "Start");
        let call = serde_json::json!({"service": "kafka.Backups", "method": "Start", "status": 0});
        assert_eq!(events[0]["details"]["grpc"], call);
        assert_eq!(events[0]["details"]["http_request"]["version"], "HTTP/2.0");
        assert_eq!(events[1]["details"]["required_permission"], "backup:topic:orders");
        assert_eq!(events[3]["actor"]["id"], "scheduler");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_mid_stream() {
    let log = Log::new();
    let mut client = connect(log.layer()).await;
    let mut stream = streamed(&mut client, "hangs").await;
    assert_eq!(stream.next().await.unwrap().unwrap().id, "hangs");
    drop((stream, client));
    log.until(1).await;
    let event = log.event();
    assert_eq!(event["action"]["result"], "cancelled");
    assert_eq!(event["details"]["error"], "cancelled before the response was complete");
}

#[tokio::test]
async fn fail_closed_is_unavailable() {
    for mode in [FailClosed::Before, FailClosed::After] {
        let log = Log::new();
        let mut client = connect(log.layer().fail_closed(mode)).await;
        log.pipeline.close().unwrap().unwrap();
        let status = unary(&mut client, "7").await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.message(), "the audit log cannot record this call");
        // A refusal in the head of the response, too.
        assert_eq!(unary(&mut client, "broken").await.unwrap_err().code(), Code::Unavailable);
    }
}

/// What had been sent before the end cannot be called back, but the client does not take it for whole.
#[tokio::test]
async fn a_stream_that_is_not_on_record_does_not_end_well() {
    let log = Log::new();
    let mut client = connect(log.layer().fail_closed(FailClosed::After)).await;
    log.pipeline.close().unwrap().unwrap();
    let messages: Vec<_> = streamed(&mut client, "ends").await.collect().await;
    assert_eq!(messages.len(), 3);
    assert!(messages[0].is_ok() && messages[1].is_ok());
    assert_eq!(messages[2].as_ref().unwrap_err().code(), Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_are_as_many_events() {
    const CALLS: usize = 300;
    let log = Arc::new(Log::new());
    let client = connect(log.layer().fail_closed(FailClosed::After)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for id in 0..CALLS {
        let mut client = client.clone();
        tasks.spawn(async move { unary(&mut client, &id.to_string()).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.len(), CALLS);
    // Each client had its answer, so each event is on disk.
    assert_eq!(log.events_now().len(), CALLS);
    assert_eq!(log.events().len(), CALLS);
}
