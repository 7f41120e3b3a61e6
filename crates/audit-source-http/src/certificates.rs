use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use audit_tls::{ServerTlsOptions, TlsError};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// A server's certificate, read again when its files change.
pub(crate) struct Certificates {
    options: ServerTlsOptions,
    state: Mutex<State>,
}

struct State {
    acceptor: TlsAcceptor,
    /// The files as they were when they were last tried.
    files: Vec<Option<Stamp>>,
    looked: Instant,
}

/// A file as it stands: another one in its place, as after a renewal or the swap of a mounted secret, has another.
type Stamp = (u64, u64, u64, i64, i64);

/// How often the files are looked at, at most.
const INTERVAL: Duration = Duration::from_secs(1);

impl Certificates {
    pub(crate) fn read(options: ServerTlsOptions) -> Result<Self, TlsError> {
        // Looked at first: a change in between is seen the next time.
        let files = stamps(&options);
        let acceptor = acceptor(&options)?;
        let state = Mutex::new(State { acceptor, files, looked: Instant::now() });
        Ok(Self { options, state })
    }

    /// What new connections are accepted with. Files that changed are read first; where they are no certificate with its key, what they
    /// were before is kept.
    pub(crate) async fn acceptor(self: &Arc<Self>) -> TlsAcceptor {
        let (acceptor, files) = {
            let mut state = self.lock();
            if state.looked.elapsed() < INTERVAL {
                return state.acceptor.clone();
            }
            state.looked = Instant::now();
            (state.acceptor.clone(), state.files.clone())
        };
        let this = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || this.look(&files)).await;
        looked.ok().flatten().unwrap_or(acceptor)
    }

    /// Reads the files again if they are not these any more.
    fn look(&self, known: &[Option<Stamp>]) -> Option<TlsAcceptor> {
        let files = stamps(&self.options);
        if files == known {
            return None;
        }
        let read = acceptor(&self.options);
        let mut state = self.lock();
        state.files = files;
        match read {
            Ok(acceptor) => {
                tracing::info!(cert_file = %self.options.cert_file.display(), "the server's certificate was read again");
                state.acceptor = acceptor.clone();
                Some(acceptor)
            }
            Err(error) => {
                tracing::warn!(%error, "the server's certificate cannot be read again; the one before stays in use");
                None
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn acceptor(options: &ServerTlsOptions) -> Result<TlsAcceptor, TlsError> {
    let mut config: ServerConfig = options.server_config()?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn stamps(options: &ServerTlsOptions) -> Vec<Option<Stamp>> {
    let stamp = |path: &Path| {
        let file = fs::metadata(path).ok()?;
        Some((file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
    };
    [Some(&options.cert_file), Some(&options.key_file), options.client_ca_file.as_ref()]
        .into_iter()
        .flatten()
        .map(|path| stamp(path))
        .collect()
}
