use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use audit_tls::{RenewedServer, ServerTlsOptions, TlsError};
use tokio_rustls::TlsAcceptor;

/// A server's certificate, looked at again now and then.
pub(crate) struct Certificates {
    server: RenewedServer,
    looked: Mutex<Instant>,
}

/// How often its files are looked at, at most.
const INTERVAL: Duration = Duration::from_secs(1);

impl Certificates {
    pub(crate) fn read(options: ServerTlsOptions) -> Result<Self, TlsError> {
        let server = RenewedServer::read(options, &["http/1.1"])?;
        Ok(Self { server, looked: Mutex::new(Instant::now()) })
    }

    /// What new connections are accepted with. Files that changed are read first; where they are no certificate with its key, what they
    /// were before is kept.
    pub(crate) async fn acceptor(self: &Arc<Self>) -> TlsAcceptor {
        if self.is_time() {
            let this = Arc::clone(self);
            let _ = tokio::task::spawn_blocking(move || this.renew()).await;
        }
        self.server.current().into()
    }

    fn is_time(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = looked.elapsed() >= INTERVAL;
        if is_time {
            *looked = Instant::now();
        }
        is_time
    }

    fn renew(&self) {
        match self.server.renew() {
            Ok(false) => {}
            Ok(true) => {
                let cert_file = self.server.options().cert_file.display();
                tracing::info!(%cert_file, "the server's certificate was read again");
            }
            Err(error) => {
                tracing::warn!(%error, "the server's certificate cannot be read again; the one before stays in use");
            }
        }
    }
}
