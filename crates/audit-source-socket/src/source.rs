use std::fmt;
use std::os::unix::net::UnixListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use audit_source::{CancellationToken, Intake, Provenance, Source, SourceError};
use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::connection::{Connection, Ended};
use crate::listener::Listener;
use crate::options::SocketOptions;

/// How long a source that was stopped waits for what is on its way.
const LAST_WAIT: Duration = Duration::from_secs(5);
/// How long nobody is let in when the system is out of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes events from local programs over a Unix socket.
pub struct SocketSource {
    options: SocketOptions,
    listener: Listener,
}

impl SocketSource {
    /// Makes the socket; clients can connect from now on, and are served when it runs.
    ///
    /// # Errors
    /// When something else is at the path, another program listens there, or it cannot be made (a path has at most 108 bytes, and some of
    /// them are needed for a directory beside it: unix(7)).
    pub fn bind(options: SocketOptions) -> Result<Self, SourceError> {
        let listener = Listener::bind(&options.path, options.mode)?;
        Ok(Self { options, listener })
    }

    /// Takes over a socket that listens already, from `systemd` say (`LISTEN_FDS`, sd_listen_fds(3)); its name and its permissions stay as
    /// they are.
    ///
    /// # Errors
    /// When it cannot be used without blocking.
    pub fn from_listener(listener: StdListener, options: SocketOptions) -> Result<Self, SourceError> {
        Ok(Self { options, listener: Listener::given(listener)? })
    }
}

impl Source for SocketSource {
    fn run(
        self: Box<Self>,
        intake: Intake,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), SourceError>> {
        serve(*self, intake, stop).boxed()
    }
}

async fn serve(source: SocketSource, intake: Intake, stop: CancellationToken) -> Result<(), SourceError> {
    let SocketSource { options, listener } = source;
    let failed = |source| SourceError::Listen { address: listener.name(), source };
    let socket = listener.socket.try_clone().and_then(UnixListener::from_std).map_err(failed)?;
    let room = Arc::new(Semaphore::new(options.max_connections));
    let mut connections = JoinSet::new();
    // Whatever ends the source ends its connections, too.
    let ending = stop.child_token();
    let serve = |stream: UnixStream, connections: &mut JoinSet<Result<(), Ended>>, permit| {
        let connection = Connection {
            intake: intake.clone(),
            format: options.format,
            provenance: provenance(&stream),
            place: listener.name(),
        };
        let ending = ending.clone();
        connections.spawn(async move {
            let _permit = permit;
            connection.serve(stream, ending).await
        });
    };
    let result = loop {
        let accepted = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (socket.accept().await, permit)
        };
        tokio::select! {
            () = stop.cancelled() => break Ok(()),
            Some(ended) = connections.join_next() => match ended {
                Ok(Err(Ended::Closed)) => break Err(SourceError::Closed),
                Ok(Ok(()) | Err(Ended::Gone)) | Err(_) => {}
            },
            (accepted, permit) = accepted => match accepted {
                Ok((stream, _)) => serve(stream, &mut connections, permit.ok()),
                // Out of file descriptors, most likely: others will be closed.
                Err(error) => {
                    intake.set_failing(Some(format!("cannot take connections on {}: {error}", listener.name())));
                    tokio::time::sleep(PAUSE).await;
                    intake.set_failing(None);
                }
            },
        }
    };
    // Who connected before the end, and has written, is heard.
    while result.is_ok()
        && let Ok(permit) = Arc::clone(&room).try_acquire_owned()
        && let Some(Ok((stream, _))) = socket.accept().now_or_never()
    {
        serve(stream, &mut connections, Some(permit));
    }
    drop(socket);
    drop(listener);
    ending.cancel();
    let rest = async {
        let mut result = result;
        while let Some(ended) = connections.join_next().await {
            match ended {
                Ok(Err(Ended::Closed)) => result = result.and(Err(SourceError::Closed)),
                Ok(Ok(()) | Err(Ended::Gone)) | Err(_) => {}
            }
        }
        result
    };
    tokio::time::timeout(LAST_WAIT, rest).await.unwrap_or(Ok(()))
}

/// Who is at the other end, as the system says.
fn provenance(stream: &UnixStream) -> Provenance {
    let Ok(peer) = stream.peer_cred() else { return Provenance::default() };
    let provenance = Provenance::default().by(format!("uid:{}", peer.uid())).with("gid", peer.gid());
    match peer.pid() {
        Some(pid) => provenance.with("pid", pid),
        None => provenance,
    }
}

impl fmt::Debug for SocketSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketSource").field("options", &self.options).finish_non_exhaustive()
    }
}
