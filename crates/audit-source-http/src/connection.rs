use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use audit_source::CancellationToken;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::admission::Peer;
use crate::answer::Answer;
use crate::certificates::Certificates;
use crate::patience::Patient;

/// What answers requests.
pub(crate) trait Answers: Send + Sync + 'static {
    fn answer(&self, peer: &Peer, request: Request<Incoming>) -> impl Future<Output = Answer> + Send;
}

/// The longest head of a request, and what is read of a body at once, in bytes.
const BUFFER: usize = 64 << 10;
const MAX_HEADERS: usize = 100;

/// Serves one connection until its peer is done with it, or `stop` is cancelled: then until the request that is on its way is answered.
pub(crate) async fn serve<A: Answers>(
    stream: TcpStream,
    address: SocketAddr,
    certificates: Option<Arc<Certificates>>,
    patience: Duration,
    answers: Arc<A>,
    stop: CancellationToken,
) {
    // An answer is one small segment: waiting for more of it would only delay it.
    let _ = stream.set_nodelay(true);
    let Some(certificates) = certificates else {
        let peer = Peer { address, certificate: None };
        return speak(stream, peer, patience, answers, stop).await;
    };
    let acceptor = certificates.acceptor().await;
    let handshake = timeout(patience, acceptor.accept(stream));
    let shaken = tokio::select! {
        shaken = handshake => shaken,
        () = stop.cancelled() => return,
    };
    // Whoever does not finish it has asked for nothing that could be answered.
    let Ok(Ok(stream)) = shaken else { return };
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| Some(chain.first()?.to_vec()));
    speak(stream, Peer { address, certificate }, patience, answers, stop).await;
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin, A: Answers>(
    stream: S,
    peer: Peer,
    patience: Duration,
    answers: Arc<A>,
    stop: CancellationToken,
) {
    let service = service_fn(|request| async { Ok::<_, Infallible>(answers.answer(&peer, request).await) });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(BUFFER)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(Patient::new(stream, patience)), service);
    let mut connection = pin!(connection);
    // What ends a connection is the peer's affair: there is nobody left to tell.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
