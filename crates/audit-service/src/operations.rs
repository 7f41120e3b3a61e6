//! The listener for health and metrics.

use std::net::SocketAddr;
use std::time::Duration;

use audit_source::CancellationToken;
#[cfg(feature = "http")]
use audit_source_http::{Listener, OperationsServer};
use tokio::task::JoinHandle;

use crate::ServiceError;
use crate::service::Inner;
#[cfg(feature = "http")]
use crate::service::lock;

/// That listener, on its way.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    #[cfg(feature = "http")]
    pub(crate) listener: Listener,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// How long answers that are on their way may take.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(feature = "http")]
impl Inner {
    /// A server that holds that address, with a listener that is there already or one of its own.
    pub(crate) fn make_operations(
        self: &std::sync::Arc<Self>,
        address: SocketAddr,
        listener: Option<Listener>,
    ) -> Result<OperationsServer, ServiceError> {
        let health = crate::http::health(self);
        if let Some(listener) = listener {
            return Ok(OperationsServer::on(listener, health));
        }
        let listen = address.to_string();
        self.runtime.block_on(OperationsServer::bind(&listen, health)).map_err(ServiceError::Operations)
    }

    pub(crate) fn launch_operations(&self, server: OperationsServer) {
        let (address, stop, listener) = (server.local_addr(), CancellationToken::new(), server.listener());
        tracing::info!(%address, "tells health and metrics");
        let task = self.runtime.spawn(server.run(stop.clone()));
        *lock(&self.operations) = Some(Running { address, listener, stop, task });
    }
}

#[cfg(not(feature = "http"))]
impl Inner {
    #[allow(clippy::unused_self, reason = "not in every build")]
    pub(crate) fn make_operations(
        &self,
        _: SocketAddr,
        _: Option<crate::sources::Listener>,
    ) -> Result<crate::sources::Server, ServiceError> {
        Err(ServiceError::NotBuilt { path: "operations".to_owned(), feature: "http" })
    }

    #[allow(clippy::unused_self, reason = "not in every build")]
    pub(crate) fn launch_operations(&self, _: crate::sources::Server) {}
}

impl Running {
    /// Takes no more requests, and waits until those that are there are answered.
    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        #[cfg(feature = "http")]
        drop(self.listener);
        if tokio::time::timeout(PATIENCE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}
