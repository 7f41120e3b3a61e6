use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use audit_source::CancellationToken;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::admission::Peer;
use crate::answer::Answer;
use crate::certificates::Certificates;
use crate::handshake::disbelief;
use crate::patience::Patient;
use crate::places::{Doing, Place};

/// What answers requests.
pub(crate) trait Answers: Send + Sync + 'static {
    fn answer(&self, peer: &Peer, request: Request<Incoming>) -> impl Future<Output = Answer> + Send;

    /// Somebody's TLS handshake failed; `reason` is why who they are was not believed, if that is why.
    fn unshaken(&self, address: SocketAddr, reason: Option<&'static str>);

    /// A request's sender was gone, or was cut off, before all of the answer was written.
    fn unanswered(&self);
}

/// What holds for all connections of a server.
pub(crate) struct Terms<A> {
    pub(crate) certificates: Option<Arc<Certificates>>,
    pub(crate) patience: Duration,
    pub(crate) answers: Arc<A>,
    pub(crate) stop: CancellationToken,
}

/// The longest head of a request, and what is read of a body at once, in bytes.
const BUFFER: usize = 64 << 10;
const MAX_HEADERS: usize = 100;
/// How long a head may still come when the server is to stop: whoever has just connected, or was just answered, may be sending it.
const GRACE: Duration = Duration::from_millis(250);

/// Serves one connection until its peer is done with it, somebody else gets its place, or the server is to stop: then until the request
/// that is on its way is answered.
pub(crate) async fn serve<A: Answers>(
    stream: TcpStream,
    address: SocketAddr,
    place: Place,
    terms: Arc<Terms<A>>,
) {
    // An answer is one small segment: waiting for more of it would only delay it.
    let _ = stream.set_nodelay(true);
    let forever = CancellationToken::new();
    let Some(certificates) = &terms.certificates else {
        let peer = Peer { address, certificate: None };
        return speak(stream, peer, &place.doing, &terms, &forever).await;
    };
    let (acceptor, trust) = certificates.acceptor();
    let too_late = async {
        terms.stop.cancelled().await;
        sleep(GRACE).await;
    };
    let shaken = tokio::select! {
        shaken = timeout(terms.patience, acceptor.accept(stream)) => shaken,
        () = too_late => return,
        () = place.doing.lost.cancelled() => return,
    };
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return terms.answers.unshaken(address, disbelief(&error)),
        // Whoever does not finish it has said nothing of who they are.
        Err(_) => return terms.answers.unshaken(address, None),
    };
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| Some(chain.first()?.to_vec()));
    let trust = if certificate.is_some() { &trust } else { &forever };
    speak(stream, Peer { address, certificate }, &place.doing, &terms, trust).await;
}

/// Who the peer is holds until `trust` is cancelled.
async fn speak<S: AsyncRead + AsyncWrite + Unpin, A: Answers>(
    stream: S,
    peer: Peer,
    doing: &Arc<Doing>,
    terms: &Terms<A>,
    trust: &CancellationToken,
) {
    let _counted = Counted { doing, answers: &*terms.answers };
    let service = service_fn(|request| async {
        doing.begin();
        let mut answer = terms.answers.answer(&peer, request).await;
        if terms.stop.is_cancelled() {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        doing.answered();
        Ok::<_, Infallible>(answer)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(terms.patience)
        .max_buf_size(BUFFER)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(Patient::new(stream, terms.patience, Arc::clone(doing))), service);
    let mut connection = pin!(connection);
    // What ends a connection is the peer's affair: there is nobody left to tell.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = doing.lost.cancelled() => {
            if !doing.is_answering() {
                return;
            }
        }
        () = trust.cancelled() => {
            if doing.is_waiting() {
                return;
            }
        }
        () = terms.stop.cancelled() => {
            // Told to shut down, hyper would close a connection whose first head is still in the system's buffer.
            if doing.is_waiting() && (timeout(GRACE, connection.as_mut()).await.is_ok() || doing.is_waiting()) {
                return;
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Counts the request that was never answered, if there is one when the connection ends.
struct Counted<'a, A: Answers> {
    doing: &'a Doing,
    answers: &'a A,
}

impl<A: Answers> Drop for Counted<'_, A> {
    fn drop(&mut self) {
        if !self.doing.is_waiting() {
            self.answers.unanswered();
        }
    }
}
