//! How the service is doing, for people and programs that ask.

use std::sync::atomic::Ordering;

use audit_model::{Timestamp, Value};
use serde_json::json;

use crate::running::Running;
use crate::service::{Inner, lock};

impl Inner {
    pub(crate) fn ready(&self) -> Result<(), Vec<String>> {
        let status = self.pipeline.status();
        let mut reasons: Vec<String> = status.can_record.err().into_iter().collect();
        if self.stopping.is_cancelled() {
            reasons.push("the service is stopping".to_owned());
        }
        for place in status.destinations.iter().filter(|place| place.required) {
            if let Some(failure) = &place.failing {
                reasons.push(format!(
                    "required destination `{}` fails since {}: {}",
                    place.name, failure.since, failure.message
                ));
            }
        }
        let ready = if reasons.is_empty() { 1.0 } else { 0.0 };
        metrics::gauge!("audit_log_ready").set(ready);
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }

    /// What goes wrong and does not keep events from being recorded.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let sources = lock(&self.sources);
        let failing = |(name, running): &(String, Running)| {
            Some(format!("source `{name}`: {}", running.status().failing?))
        };
        let mut warnings: Vec<_> = sources.iter().filter_map(failing).collect();
        drop(sources);
        if self.unsettled.load(Ordering::Relaxed) {
            let why = self.last_error().unwrap_or_default();
            warnings.push(format!("the last reload stopped half-way and is tried again: {why}"));
        }
        warnings
    }

    pub(crate) fn status(&self) -> Value {
        let now = Timestamp::now();
        let log = self.pipeline.status();
        let reasons = self.ready().err().unwrap_or_default();
        let destinations: Vec<Value> = log
            .destinations
            .iter()
            .map(|place| {
                let oldest = place.oldest.map_or(0, |oldest| now.as_milliseconds() - oldest.as_milliseconds());
                json!({
                    "destination": place.name,
                    "required": place.required,
                    "acknowledged": place.acknowledged,
                    "lag_records": place.lag,
                    "lag_seconds": oldest.max(0) as f64 / 1000.0,
                    "delivered": place.delivered,
                    "retried": place.retried,
                    "dead_lettered": place.dead_lettered,
                    "last_success": place.last_success.map(|time| time.to_string()),
                    "failing": place.failing.as_ref().map(|failure| {
                        json!({"since": failure.since.to_string(), "attempts": failure.attempts, "error": failure.message})
                    }),
                })
            })
            .collect();
        let addresses = self.addresses();
        let sources: Vec<Value> = lock(&self.sources)
            .iter()
            .map(|(name, running)| {
                let status = running.status();
                let address = addresses.iter().find(|(known, _)| known == name);
                json!({
                    "source": name,
                    "listen": address.map(|(_, address)| address.to_string()),
                    "recorded": status.recorded,
                    "refused": status.refused,
                    "last_event": status.last_event.map(|time| time.to_string()),
                    "lag": status.lag,
                    "failing": status.failing,
                })
            })
            .collect();
        let reload = lock(&self.last_reload)
            .as_ref()
            .map(|(time, error)| json!({"time": time.to_string(), "error": error}));
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "started": self.started.to_string(),
            "now": now.to_string(),
            "ready": reasons.is_empty(),
            "not_ready": reasons,
            "warnings": self.warnings(),
            "config": {"file": self.options.config_file.display().to_string(), "last_reload": reload},
            "log": {
                "path": self.journal.path.display().to_string(),
                "last_sequence": log.last_sequence,
                "durable": log.durable,
                "recorded": log.recorded,
                "dropped": log.dropped,
                "buffer_used_bytes": log.buffer_used,
                "buffer_bytes": log.buffer_bytes,
            },
            "destinations": destinations,
            "sources": sources,
        })
    }

    /// What `/metrics` answers. What nobody counts as it happens is set now.
    #[cfg(feature = "http")]
    pub(crate) fn metrics(&self) -> String {
        drop(self.ready());
        metrics::gauge!("audit_log_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        (self.options.metrics)()
    }
}
