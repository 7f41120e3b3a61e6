use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use audit_model::write_json_string;
use audit_source::{CancellationToken, SourceError};
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use serde_json::Value;

use crate::admission::Peer;
use crate::answer::{Answer, JSON, PLAIN, PROMETHEUS, Refusal, answer};
use crate::connection::Answers;
use crate::problem::problem;
use crate::route::Route;
use crate::server::Server;
use crate::{Limits, Listener};

/// How the service goes, for probes, Prometheus and people.
///
/// Each is called while a request waits, and so blocks for nothing.
pub trait Operations: Send + Sync {
    /// Whether it can do its work.
    ///
    /// # Errors
    /// Why it cannot: a sentence for each reason.
    fn ready(&self) -> Result<(), Vec<String>>;

    /// What goes wrong and does not keep it from its work: a sentence each.
    fn warnings(&self) -> Vec<String>;

    /// All metrics, in the text format of Prometheus.
    fn metrics(&self) -> String;

    /// All there is to say, as a JSON object.
    fn status(&self) -> Value;
}

/// A listener for operations alone: `/healthz`, `/readyz`, `/metrics`, `/v1/status`. It asks nobody who they are, takes no events, and
/// speaks plain HTTP: for an address that only probes and Prometheus reach.
pub struct OperationsServer {
    server: Server,
    operations: Arc<dyn Operations>,
}

impl OperationsServer {
    /// Takes the address, such as `127.0.0.1:9400`. Connections wait until it is run.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(listen: &str, operations: Arc<dyn Operations>) -> Result<Self, SourceError> {
        Ok(Self::on(Listener::bind(listen).await?, operations))
    }

    /// Goes on with a listener that is there already.
    #[must_use]
    pub fn on(listener: Listener, operations: Arc<dyn Operations>) -> Self {
        // Probes are few, and none is slow.
        let limits = Limits {
            max_connections: 128,
            request_timeout: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(2),
            ..Limits::default()
        };
        Self { server: Server { listener, certificates: None, limits }, operations }
    }

    /// Where it listens: the port, too, if any was to do.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.server.address()
    }

    /// What it listens with, for another server to go on with.
    #[must_use]
    pub fn listener(&self) -> Listener {
        self.server.listener.clone()
    }

    /// Answers until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let answers = Arc::new(OperationsApi { operations: self.operations });
        let failing = |reason| {
            if let Some(reason) = reason {
                tracing::warn!("{reason}");
            }
        };
        self.server.run(answers, stop, failing).await;
    }
}

struct OperationsApi {
    operations: Arc<dyn Operations>,
}

impl Answers for OperationsApi {
    async fn answer(&self, _: &Peer, request: Request<Incoming>) -> Answer {
        self.route(&request).unwrap_or_else(|refusal| *refusal)
    }

    /// It speaks no TLS.
    fn unshaken(&self, _: SocketAddr, _: Option<&'static str>) {}

    /// A probe that did not wait has asked in vain, and nothing is lost.
    fn unanswered(&self) {}
}

impl OperationsApi {
    fn route(&self, request: &Request<Incoming>) -> Result<Answer, Refusal> {
        let unknown = || problem(StatusCode::NOT_FOUND, "expected /healthz, /readyz, /metrics or /v1/status");
        let route = Route::of(request.uri().path());
        let route =
            route.filter(|route| !matches!(route, Route::Events | Route::OpenApi)).ok_or_else(unknown)?;
        route.check(request.method(), request.headers())?;
        answer_to(route, &*self.operations).ok_or_else(unknown)
    }
}

/// The answer to a route of operations.
pub(crate) fn answer_to(route: Route, operations: &dyn Operations) -> Option<Answer> {
    Some(match route {
        Route::Health => answer(StatusCode::OK, PLAIN, "ok\n"),
        Route::Ready => ready(operations),
        Route::Metrics => answer(StatusCode::OK, PROMETHEUS, operations.metrics()),
        Route::Status => answer(StatusCode::OK, JSON, operations.status().to_string()),
        Route::Events | Route::OpenApi => return None,
    })
}

fn ready(operations: &dyn Operations) -> Answer {
    let reasons = operations.ready().err();
    let mut body = format!(r#"{{"ready":{},"reasons":"#, reasons.is_none()).into_bytes();
    write_list(reasons.as_deref().unwrap_or_default(), &mut body);
    body.extend_from_slice(br#","warnings":"#);
    write_list(&operations.warnings(), &mut body);
    body.push(b'}');
    let status = if reasons.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, JSON, body)
}

fn write_list(sentences: &[String], to: &mut Vec<u8>) {
    to.push(b'[');
    for (index, sentence) in sentences.iter().enumerate() {
        if index > 0 {
            to.push(b',');
        }
        write_json_string(sentence, to);
    }
    to.push(b']');
}

impl std::fmt::Debug for OperationsServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OperationsServer").field("address", &self.server.address()).finish_non_exhaustive()
    }
}
