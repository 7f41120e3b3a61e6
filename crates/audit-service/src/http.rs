//! Events over HTTP.

use std::sync::{Arc, Weak};

use audit_config::HttpSource as Configured;
use audit_model::Value;
use audit_source::SourceError;
use audit_source_http::{HttpOptions, HttpSource, Limits, Listener, Operations};

use crate::service::Inner;
use crate::sources::tls;

impl Inner {
    /// With a listener that is there already, or one of its own.
    pub(crate) fn http(
        self: &Arc<Self>,
        http: &Configured,
        listener: Option<Listener>,
    ) -> Result<HttpSource, SourceError> {
        let mut limits = Limits::default();
        if let Some(megabytes) = http.max_body_mb {
            let bytes = (megabytes.get() as usize).saturating_mul(1 << 20);
            (limits.max_body_bytes, limits.max_inflated_bytes) = (bytes, bytes);
            limits.max_in_flight_bytes = limits.max_in_flight_bytes.max(bytes.saturating_mul(2));
        }
        if let Some(events) = http.max_events {
            limits.max_events = events.get() as usize;
        }
        if let Some(time) = http.request_timeout {
            limits.request_timeout = time;
        }
        if let Some(connections) = http.max_connections {
            limits.max_connections = connections.get() as usize;
        }
        let this = Arc::downgrade(self);
        let last = Arc::clone(&self.doors().access);
        // After the service is gone, whom it let in last.
        let access = move || {
            this.upgrade().map_or_else(|| Arc::clone(&last), |inner| Arc::clone(&inner.doors().access))
        };
        let mut options = HttpOptions::new(http.address().to_string())
            .danger_allow_plain_http(http.danger_allow_plain_http)
            .current_access(Arc::new(access))
            .witness(Arc::clone(&self.witness) as _)
            .operations(health(self))
            .limits(limits);
        if let Some(server) = &http.tls {
            options = options.tls(tls(server));
        }
        match listener {
            Some(listener) => HttpSource::on(listener, options),
            None => self.runtime.block_on(HttpSource::bind(options)),
        }
    }
}

/// Tells how the service is for as long as it is there.
pub(crate) fn health(inner: &Arc<Inner>) -> Arc<dyn Operations> {
    Arc::new(Health(Arc::downgrade(inner)))
}

struct Health(Weak<Inner>);

impl Operations for Health {
    fn ready(&self) -> Result<(), Vec<String>> {
        match self.0.upgrade() {
            Some(inner) => inner.ready(),
            None => Err(vec!["the service has ended".to_owned()]),
        }
    }

    fn warnings(&self) -> Vec<String> {
        self.0.upgrade().map(|inner| inner.warnings()).unwrap_or_default()
    }

    fn metrics(&self) -> String {
        self.0.upgrade().map(|inner| inner.metrics()).unwrap_or_default()
    }

    fn status(&self) -> Value {
        self.0.upgrade().map(|inner| inner.status()).unwrap_or_default()
    }
}
