use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ring::digest;
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
    tried: Files,
    /// The authorities of `config`.
    authorities: Option<Digest>,
}

/// What is in the files, those that can be read: their content and not their stamps, as it is that which is to be another one.
#[derive(Debug, PartialEq, Eq)]
struct Files {
    certificate: Option<Digest>,
    key: Option<Digest>,
    authorities: Option<Digest>,
}

type Digest = [u8; 32];

impl RenewedServer {
    /// Reads the files. `alpn` are the protocols that are spoken inside, the preferred one first (RFC 7301); none, where it is empty.
    ///
    /// # Errors
    /// As [`ServerTlsOptions::server_config`].
    pub fn read(options: ServerTlsOptions, alpn: &[&str]) -> Result<Self, TlsError> {
        let alpn: Vec<_> = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        // Looked at first: a change in between is seen the next time.
        let tried = Files::of(&options);
        let config = config(&options, &alpn)?;
        let authorities = tried.authorities;
        Ok(Self { options, alpn, state: Mutex::new(State { config, tried, authorities }) })
    }

    /// What new connections are accepted with.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.lock().config)
    }

    /// Uses the files as they are now, if there is something else in them than when they were last tried: whether there was. It blocks for as long as the disk
    /// takes.
    ///
    /// # Errors
    /// When they hold no certificate with its key, once a change. What they held before stays in use.
    pub fn renew(&self) -> Result<bool, TlsError> {
        let files = Files::of(&self.options);
        if files == self.lock().tried {
            return Ok(false);
        }
        let read = config(&self.options, &self.alpn);
        let authorities = files.authorities;
        let mut state = self.lock();
        state.tried = files;
        state.config = read?;
        state.authorities = authorities;
        Ok(true)
    }

    /// The SHA-256 of the file with the authorities whose client certificates are believed now; nothing where none are. When it is another
    /// one, connections of before were let in by others.
    #[must_use]
    pub fn client_authorities(&self) -> Option<[u8; 32]> {
        self.lock().authorities
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

impl Files {
    fn of(options: &ServerTlsOptions) -> Self {
        let digest = |path| {
            let content = fs::read(path).ok()?;
            digest::digest(&digest::SHA256, &content).as_ref().try_into().ok()
        };
        Self {
            certificate: digest(&options.cert_file),
            key: digest(&options.key_file),
            authorities: options.client_ca_file.as_ref().and_then(digest),
        }
    }
}
