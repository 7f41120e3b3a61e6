use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use audit_source::CancellationToken;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::certificates::Certificates;
use crate::connection::{Answers, Terms, serve};
use crate::places::Places;
use crate::{Limits, Listener};

/// A bound listener, and what its connections are served with.
pub(crate) struct Server {
    pub(crate) listener: Listener,
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

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Serves connections until `stop` is cancelled; then takes no more, and gives the requests that are there `drain_timeout` to be
    /// answered. `failing` is told what goes wrong meanwhile, and when that is over.
    pub(crate) async fn run<A: Answers>(
        self,
        answers: Arc<A>,
        stop: CancellationToken,
        failing: impl Fn(Option<String>) + Sync,
    ) {
        let Self { listener, certificates, limits } = self;
        let failures = Failures { told: failing, what: Mutex::default() };
        let terms = Arc::new(Terms { certificates, patience: limits.request_timeout, answers, stop });
        let places = Places::new(limits.max_connections);
        let mut renewing = pin!(async {
            match &terms.certificates {
                Some(certificates) => certificates.keep_fresh(|why| failures.set(RENEWING, why)).await,
                None => std::future::pending().await,
            }
        });
        // Dropped with this, they end.
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = terms.stop.cancelled() => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    note_panic(ended);
                    continue;
                }
                () = renewing.as_mut() => continue,
                accepted = listener.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                // It was gone before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => {
                    failures.set(ACCEPTING, Some(format!("cannot accept connections: {error}")));
                    sleep(PAUSE).await;
                    continue;
                }
            };
            failures.set(ACCEPTING, None);
            match places.take() {
                Some(place) => {
                    connections.spawn(serve(stream, address, place, Arc::clone(&terms)));
                }
                None => turn_away(&stream, terms.certificates.is_none()),
            }
        }
        drop(listener);
        let ended = async {
            while let Some(ended) = connections.join_next().await {
                note_panic(ended);
            }
        };
        if timeout(limits.drain_timeout, ended).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "connections were cut: their requests took too long"
            );
        }
        connections.shutdown().await;
    }
}

fn turn_away(stream: &TcpStream, is_plain: bool) {
    metrics::counter!("audit_log_http_connections_refused_total").increment(1);
    if is_plain {
        // Into an empty buffer, and so without waiting. Whoever cannot be told is cut off.
        let _ = stream.try_write(full().as_bytes());
    }
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection ended by a panic, which is a bug");
    }
}

/// What goes wrong, told as one.
struct Failures<F> {
    told: F,
    what: Mutex<[Option<String>; 2]>,
}

const ACCEPTING: usize = 0;
const RENEWING: usize = 1;

impl<F: Fn(Option<String>)> Failures<F> {
    fn set(&self, which: usize, why: Option<String>) {
        let mut what = self.what.lock().unwrap_or_else(PoisonError::into_inner);
        if what[which] != why {
            what[which] = why;
            let all: Vec<_> = what.iter().flatten().map(String::as_str).collect();
            (self.told)((!all.is_empty()).then(|| all.join("; ")));
        }
    }
}
