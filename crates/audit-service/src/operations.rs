//! The listener for health and metrics.

use std::net::SocketAddr;
use std::sync::Arc;

use audit_config::Config;
use audit_source::CancellationToken;

use crate::ServiceError;
use crate::service::{Inner, lock};

/// That listener, on its way.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
}

impl Inner {
    #[cfg(feature = "http")]
    pub(crate) fn begin_operations(self: &Arc<Self>, config: &Config) -> Result<(), ServiceError> {
        let Some(operations) = &config.operations else { return Ok(()) };
        let listen = operations.address().to_string();
        let bound = audit_source_http::OperationsServer::bind(&listen, crate::http::health(self));
        let server = self.runtime.block_on(bound).map_err(ServiceError::Operations)?;
        let (address, stop) = (server.local_addr(), CancellationToken::new());
        tracing::info!(%address, "tells health and metrics");
        self.runtime.spawn(server.run(stop.clone()));
        *lock(&self.operations) = Some(Running { address, stop });
        Ok(())
    }

    #[cfg(not(feature = "http"))]
    pub(crate) fn begin_operations(self: &Arc<Self>, config: &Config) -> Result<(), ServiceError> {
        if config.operations.is_some() {
            return Err(ServiceError::NotBuilt { path: "operations".to_owned(), feature: "http" });
        }
        Ok(())
    }

    pub(crate) fn end_operations(&self) {
        if let Some(running) = lock(&self.operations).take() {
            running.stop.cancel();
        }
    }
}
