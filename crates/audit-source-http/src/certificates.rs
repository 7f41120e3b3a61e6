use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use audit_source::CancellationToken;
use audit_tls::{RenewedServer, ServerTlsOptions, TlsError};
use tokio_rustls::TlsAcceptor;

/// A server's certificate, looked at again now and then.
pub(crate) struct Certificates {
    server: RenewedServer,
    current: Mutex<Current>,
}

/// What new connections are accepted with, and for how long those are believed that showed a certificate in it.
struct Current {
    acceptor: TlsAcceptor,
    trust: CancellationToken,
}

/// How often its files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

impl Certificates {
    pub(crate) fn read(options: ServerTlsOptions) -> Result<Self, TlsError> {
        let server = RenewedServer::read(options, &["http/1.1"])?;
        let current =
            Mutex::new(Current { acceptor: server.current().into(), trust: CancellationToken::new() });
        Ok(Self { server, current })
    }

    /// What a new connection is accepted with. The token is cancelled when other authorities vouch for clients than did for this one.
    pub(crate) fn acceptor(&self) -> (TlsAcceptor, CancellationToken) {
        let current = self.lock();
        (current.acceptor.clone(), current.trust.clone())
    }

    /// Reads the files again when they change, without end. Where they are no certificate with its key, what they were before is kept, and
    /// `failing` is told; and when they are one again.
    pub(crate) async fn keep_fresh(self: &Arc<Self>, failing: impl Fn(Option<String>)) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let this = Arc::clone(self);
            match tokio::task::spawn_blocking(move || this.renew()).await {
                Ok(Ok(false)) | Err(_) => {}
                Ok(Ok(true)) => {
                    let cert_file = self.server.options().cert_file.display();
                    tracing::info!(%cert_file, "the server's certificate was read again");
                    failing(None);
                }
                Ok(Err(error)) => {
                    failing(Some(format!(
                        "the certificate cannot be renewed, and the one before stays in use: {error}"
                    )));
                }
            }
        }
    }

    fn renew(&self) -> Result<bool, TlsError> {
        let authorities = self.server.client_authorities();
        let renewed = self.server.renew()?;
        if renewed {
            let mut current = self.lock();
            current.acceptor = self.server.current().into();
            if self.server.client_authorities() != authorities {
                let former = std::mem::replace(&mut current.trust, CancellationToken::new());
                former.cancel();
            }
        }
        Ok(renewed)
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
