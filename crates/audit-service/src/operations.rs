//! The listener for health and metrics.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use audit_config::Config;
use audit_source::CancellationToken;
use tokio::task::JoinHandle;

use crate::ServiceError;
use crate::service::{Inner, lock};

/// That listener, on its way.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// How long answers that are on their way may take.
const PATIENCE: Duration = Duration::from_secs(2);

impl Inner {
    #[cfg(feature = "http")]
    pub(crate) fn begin_operations(self: &Arc<Self>, config: &Config) -> Result<(), ServiceError> {
        let Some(operations) = &config.operations else { return Ok(()) };
        let listen = operations.address().to_string();
        let bound = audit_source_http::OperationsServer::bind(&listen, crate::http::health(self));
        let server = self.runtime.block_on(bound).map_err(ServiceError::Operations)?;
        let (address, stop) = (server.local_addr(), CancellationToken::new());
        tracing::info!(%address, "tells health and metrics");
        let task = self.runtime.spawn(server.run(stop.clone()));
        *lock(&self.operations) = Some(Running { address, stop, task });
        Ok(())
    }

    #[cfg(not(feature = "http"))]
    pub(crate) fn begin_operations(self: &Arc<Self>, config: &Config) -> Result<(), ServiceError> {
        if config.operations.is_some() {
            return Err(ServiceError::NotBuilt { path: "operations".to_owned(), feature: "http" });
        }
        Ok(())
    }

    /// Waits until its address is free again.
    pub(crate) fn end_operations(&self) {
        let running = lock(&self.operations).take();
        if let Some(Running { stop, mut task, .. }) = running {
            stop.cancel();
            let ended = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, &mut task).await });
            if ended.is_err() {
                task.abort();
            }
        }
    }
}
