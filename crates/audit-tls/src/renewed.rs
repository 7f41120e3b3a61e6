use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ServerConfig;

use crate::{ServerTlsOptions, TlsError};

/// A server's TLS whose files are read again when they change: certificates are renewed more often than servers are restarted.
#[derive(Debug)]
pub struct RenewedServer {
    options: ServerTlsOptions,
    alpn: Vec<Vec<u8>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    config: Arc<ServerConfig>,
    /// The files as they were when they were last tried.
    files: Vec<Option<Stamp>>,
}

/// A file as it stands: another one in its place, as after a renewal or the swap of a mounted secret, has another.
type Stamp = (u64, u64, u64, i64, i64);

impl RenewedServer {
    /// Reads the files. `alpn` are the protocols that are spoken inside, the preferred one first (RFC 7301); none, where it is empty.
    ///
    /// # Errors
    /// As [`ServerTlsOptions::server_config`].
    pub fn read(options: ServerTlsOptions, alpn: &[&str]) -> Result<Self, TlsError> {
        let alpn: Vec<_> = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        // Looked at first: a change in between is seen the next time.
        let files = stamps(&options);
        let config = config(&options, &alpn)?;
        Ok(Self { options, alpn, state: Mutex::new(State { config, files }) })
    }

    /// What new connections are accepted with.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.lock().config)
    }

    /// Reads the files again if they are not those any more that were last tried: whether they were not. It blocks for as long as the disk
    /// takes.
    ///
    /// # Errors
    /// When they hold no certificate with its key, once a change. What they held before stays in use.
    pub fn renew(&self) -> Result<bool, TlsError> {
        let files = stamps(&self.options);
        if files == self.lock().files {
            return Ok(false);
        }
        let read = config(&self.options, &self.alpn);
        let mut state = self.lock();
        state.files = files;
        state.config = read?;
        Ok(true)
    }

    /// The files that it is read from.
    #[must_use]
    pub fn options(&self) -> &ServerTlsOptions {
        &self.options
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn config(options: &ServerTlsOptions, alpn: &[Vec<u8>]) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = options.server_config()?;
    config.alpn_protocols = alpn.to_vec();
    Ok(Arc::new(config))
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
