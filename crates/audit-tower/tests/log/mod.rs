//! A log in a directory of its own, what these tests ask of it, and a server on the loopback interface.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::SocketAddr;
use std::path::PathBuf;

use audit_integrity::{Key, KeyRing, Verifier};
use audit_model::Value;
use audit_pipeline::Pipeline;
use audit_tower::AuditLayer;
use axum::Router;
use axum::extract::ConnectInfo;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

pub(crate) struct Log {
    #[allow(dead_code, reason = "held until the end")]
    directory: tempfile::TempDir,
    pub(crate) path: PathBuf,
    pub(crate) pipeline: Pipeline,
}

impl Log {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let pipeline = Pipeline::options(&path).signing_key(key()).start().unwrap();
        Self { directory, path, pipeline }
    }

    pub(crate) fn layer(&self) -> AuditLayer {
        AuditLayer::new(self.pipeline.clone())
    }

    /// What stands in the file now, but for the log's records about itself.
    pub(crate) fn events_now(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.path).unwrap();
        // The last line may be half written.
        let records = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        records
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take())
            .filter(|event| !event["event_type"].as_str().unwrap().starts_with("audit."))
            .collect()
    }

    /// Closes the log, verifies it, and says what is in it.
    pub(crate) fn events(&self) -> Vec<Value> {
        let summary = self.pipeline.close().unwrap().unwrap();
        let report = Verifier::new([key()].into_iter().collect::<KeyRing>()).verify(&[&self.path]).unwrap();
        assert_eq!((report.unsealed, report.chains.len()), (0, 1), "{report:?}");
        assert_eq!(report.chains[0].verdict.as_str(), "intact", "{report:?}");
        let events = self.events_now();
        assert_eq!(summary.recorded, events.len() as u64);
        events
    }

    /// The one event there is.
    pub(crate) fn event(&self) -> Value {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }

    /// Waits until so many events are in the file.
    pub(crate) async fn until(&self, events: usize) {
        while self.events_now().len() < events {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
}

pub(crate) fn key() -> Key {
    Key::from_bytes(&[7; 32]).unwrap()
}

/// The address that axum found, as most users map it.
pub(crate) fn peer(parts: &http::request::Parts) -> Option<std::net::IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
}

/// Serves a router until the test's runtime ends.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

pub(crate) type Http = Client<HttpConnector, Empty<Bytes>>;

pub(crate) fn client() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

/// Sends a request without a body; the answer is its status, headers and body.
pub(crate) async fn send(
    client: &Http,
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<(u16, http::HeaderMap, String), hyper_util::client::legacy::Error> {
    let mut request = http::Request::builder().method(method).uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(Empty::new()).unwrap()).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Ok((parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap()))
}
