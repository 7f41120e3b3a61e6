use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use audit_source::{CancellationToken, SourceError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Limits;
use crate::certificates::Certificates;
use crate::connection::{Answers, serve};

/// A bound listener, and what its connections are served with.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
    pub(crate) certificates: Option<Arc<Certificates>>,
    pub(crate) limits: Limits,
}

/// How long no connection is accepted when the system has no room for one.
const PAUSE: Duration = Duration::from_millis(100);

/// What one connection too many is told, before it has asked for anything.
fn full() -> String {
    let body = r#"{"detail":"too many connections; send the same again later","status":503,"title":"Service Unavailable"}"#;
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         retry-after: 1\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) async fn bind(listen: &str) -> Result<(TcpListener, SocketAddr), SourceError> {
    let failed = |source| SourceError::Listen { address: listen.to_owned(), source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

impl Server {
    /// Serves connections until `stop` is cancelled; then takes no more, and gives those that are there `drain_timeout` to be answered.
    /// `failing` is told what keeps it from accepting, and when it is over.
    pub(crate) async fn run<A: Answers>(
        self,
        answers: Arc<A>,
        stop: CancellationToken,
        failing: impl Fn(Option<String>),
    ) {
        // Dropped with this, they end.
        let mut connections = JoinSet::new();
        let mut is_failing = false;
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    note_panic(ended);
                    continue;
                }
                accepted = self.listener.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                // It was gone before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => {
                    is_failing = true;
                    failing(Some(format!("cannot accept connections: {error}")));
                    sleep(PAUSE).await;
                    continue;
                }
            };
            if is_failing {
                is_failing = false;
                failing(None);
            }
            if connections.len() >= self.limits.max_connections {
                self.turn_away(&stream);
                continue;
            }
            let certificates = self.certificates.clone();
            let (answers, stop) = (Arc::clone(&answers), stop.clone());
            connections.spawn(serve(
                stream,
                address,
                certificates,
                self.limits.request_timeout,
                answers,
                stop,
            ));
        }
        drop(self.listener);
        let ended = async {
            while let Some(ended) = connections.join_next().await {
                note_panic(ended);
            }
        };
        if timeout(self.limits.drain_timeout, ended).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "connections were cut: their requests took too long"
            );
        }
        connections.shutdown().await;
    }

    fn turn_away(&self, stream: &TcpStream) {
        metrics::counter!("audit_log_http_connections_refused_total").increment(1);
        if self.certificates.is_none() {
            // Into an empty buffer, and so without waiting. Whoever cannot be told is cut off.
            let _ = stream.try_write(full().as_bytes());
        }
    }
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection ended by a panic, which is a bug");
    }
}
