use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit_source::{CancellationToken, Intake, Provenance, Source, SourceError};
use audit_tls::RenewedServer;
use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};

use crate::certificate;
use crate::connection::{Connection, Ended};
use crate::options::SyslogSourceOptions;
use crate::sparing::Sparing;

/// How long a source that was stopped waits for what is on its way.
const LAST_WAIT: Duration = Duration::from_secs(5);
/// How long nobody is let in when the system is out of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the certificate's files are looked at.
const RENEWAL: Duration = Duration::from_secs(1);
/// How long a sender may take to hear that we have ended.
const FAREWELL: Duration = Duration::from_secs(1);

/// Takes what senders of syslog messages send, over TCP or TLS.
pub struct SyslogSource {
    options: SyslogSourceOptions,
    listener: StdListener,
    address: SocketAddr,
    certificates: Option<Arc<RenewedServer>>,
}

impl SyslogSource {
    /// Listens; senders can connect from now on, and are served when it runs.
    ///
    /// # Errors
    /// When the address cannot be listened on, or certificate or key cannot be used.
    pub fn bind(options: SyslogSourceOptions) -> Result<Self, SourceError> {
        let failed = |source| SourceError::Listen { address: options.listen.clone(), source };
        let read = |tls| RenewedServer::read(tls, &[]).map(Arc::new);
        let certificates = options.tls.clone().map(read).transpose();
        let certificates = certificates.map_err(|error| SourceError::Other(error.into()))?;
        let listener = StdListener::bind(&options.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { options, listener, address, certificates })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Source for SyslogSource {
    fn run(
        self: Box<Self>,
        intake: Intake,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), SourceError>> {
        serve(*self, intake, stop).boxed()
    }
}

async fn serve(source: SyslogSource, intake: Intake, stop: CancellationToken) -> Result<(), SourceError> {
    let SyslogSource { options, listener, address, certificates } = source;
    let failed = |source| SourceError::Listen { address: address.to_string(), source };
    let listener = TcpListener::from_std(listener).map_err(failed)?;
    let room = Arc::new(Semaphore::new(options.max_connections));
    let rules: Arc<[_]> = options.rules.as_slice().into();
    let refused = Arc::new(Sparing::default());
    let mut connections = JoinSet::new();
    // Whatever ends the source ends its connections, too.
    let ending = stop.child_token();
    let begin =
        |stream: TcpStream, peer: SocketAddr, connections: &mut JoinSet<Result<(), Ended>>, permit| {
            let tls = certificates.as_deref().map(|certificates| TlsAcceptor::from(certificates.current()));
            let transport = if tls.is_some() { "tls" } else { "tcp" };
            let connection = Connection {
                intake: intake.clone(),
                rules: Arc::clone(&rules),
                provenance: Provenance::default()
                    .from(peer.ip().to_canonical().to_string())
                    .with("transport", transport),
                peer: peer.ip().to_canonical().to_string(),
                max_message_bytes: options.max_message_bytes,
                idle_timeout: options.idle_timeout,
            };
            let (ending, handshake, refused) =
                (ending.clone(), options.handshake_timeout, Arc::clone(&refused));
            connections.spawn(async move {
                let _permit = permit;
                match tls {
                    None => plain(connection, stream, &ending).await,
                    Some(acceptor) => {
                        let shaken = tokio::time::timeout(handshake, acceptor.accept(stream));
                        match ending.run_until_cancelled(shaken).await {
                            Some(Ok(Ok(stream))) => encrypted(connection, stream, &ending).await,
                            Some(Ok(Err(error))) => {
                                unshaken(&connection.peer, &error, &refused);
                                Ok(())
                            }
                            // Not even a handshake came of it: nothing was taken.
                            Some(Err(_)) | None => Ok(()),
                        }
                    }
                }
            });
        };
    let mut renewal = tokio::time::interval(RENEWAL);
    let result = loop {
        let accepted = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, permit)
        };
        tokio::select! {
            () = stop.cancelled() => break Ok(()),
            Some(ended) = connections.join_next() => match ended {
                Ok(Err(Ended::Closed)) => break Err(SourceError::Closed),
                Ok(Ok(())) | Err(_) => {}
            },
            _ = renewal.tick(), if certificates.is_some() => {
                match renew(certificates.clone()).await {
                    Some(Err(why)) => intake.set_failing(Some(why)),
                    Some(Ok(true)) => intake.set_failing(None),
                    Some(Ok(false)) | None => {}
                }
            }
            (accepted, permit) = accepted => match accepted {
                Ok((stream, peer)) => begin(stream, peer, &mut connections, permit.ok()),
                // Out of file descriptors, most likely, and others will be closed; or a connection that broke already.
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
        }
    };
    // Who connected before the end is heard.
    while result.is_ok()
        && let Ok(permit) = Arc::clone(&room).try_acquire_owned()
        && let Some(Ok((stream, peer))) = listener.accept().now_or_never()
    {
        begin(stream, peer, &mut connections, Some(permit));
    }
    drop(listener);
    ending.cancel();
    let rest = async {
        let mut result = result;
        while let Some(ended) = connections.join_next().await {
            match ended {
                Ok(Err(Ended::Closed)) => result = result.and(Err(SourceError::Closed)),
                Ok(Ok(())) | Err(_) => {}
            }
        }
        result
    };
    tokio::time::timeout(LAST_WAIT, rest).await.unwrap_or(Ok(()))
}

async fn plain(
    connection: Connection,
    mut stream: TcpStream,
    ending: &CancellationToken,
) -> Result<(), Ended> {
    reset_when_dropped(&stream);
    connection.serve(&mut stream, ending).await?;
    end_in_order(&stream);
    let _ = tokio::time::timeout(FAREWELL, stream.shutdown()).await;
    Ok(())
}

async fn encrypted(
    mut connection: Connection,
    mut stream: TlsStream<TcpStream>,
    ending: &CancellationToken,
) -> Result<(), Ended> {
    reset_when_dropped(stream.get_ref().0);
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    if let Some(certificate) = certificate {
        connection.provenance = connection.provenance.by(certificate::identity(certificate));
    }
    connection.serve(&mut stream, ending).await?;
    end_in_order(stream.get_ref().0);
    let _ = tokio::time::timeout(FAREWELL, stream.shutdown()).await;
    Ok(())
}

/// Tells of a client that is refused for its certificate or the lack of one. Whoever speaks no TLS has said nothing of who they are.
fn unshaken(peer: &str, error: &io::Error, refused: &Sparing) {
    use rustls::Error::{InvalidCertificate, NoCertificatesPresented};
    let of_tls = error.get_ref().and_then(|error| error.downcast_ref());
    if !matches!(of_tls, Some(NoCertificatesPresented | InvalidCertificate(_))) {
        tracing::debug!(peer, %error, "a TLS handshake failed");
    } else if let Some(count) = refused.note(Instant::now()) {
        tracing::warn!(peer, %error, count, "a client was refused in the TLS handshake (told once a minute at most)");
    }
}

/// Until what was read is durable the connection ends with a reset, even if the process is killed: syslog has no acknowledgement, and a
/// sender that waits for the connection's orderly end (audit-sink-syslog's `confirm`) has one all the same.
fn reset_when_dropped(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

fn end_in_order(stream: &TcpStream) {
    #[expect(deprecated, reason = "to no linger at all, which blocks nobody")]
    let _: io::Result<()> = stream.set_linger(None);
}

/// Reads the files again, if they have changed: whether they had, or why they cannot be used. The old certificate stays in use then.
async fn renew(certificates: Option<Arc<RenewedServer>>) -> Option<Result<bool, String>> {
    let certificates = certificates?;
    let renewed = tokio::task::spawn_blocking(move || certificates.renew()).await;
    Some(renewed.ok()?.map_err(|error| format!("the old certificate stays in use: {error}")))
}

impl fmt::Debug for SyslogSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyslogSource")
            .field("options", &self.options)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
