//! What `/metrics` tells, and who collects it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use serde::Serialize;

use crate::serving::Metrics;

/// A metric of any of the crates that this program is made of.
#[derive(Serialize)]
pub(crate) struct Metric {
    name: &'static str,
    #[serde(rename = "type")]
    kind: Kind,
    /// Empty for what has none, such as a yes or no.
    unit: &'static str,
    labels: &'static [&'static str],
    /// What the `# HELP` of `/metrics` says, and the book.
    meaning: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[rustfmt::skip]
pub(crate) const METRICS: &[Metric] = &[
    metric(Kind::Counter, "audit_log_access_denied_total", "requests", &["reason"], "requests that were turned away: no or wrong credentials, not the role, too many events; and TLS handshakes, for the client certificate or the lack of one"),
    metric(Kind::Counter, "audit_log_alerts_total", "alerts", &["rule", "status"], "alerts that the configuration's own rules fired and resolved"),
    metric(Kind::Gauge, "audit_log_buffer_bytes", "bytes", &[], "how much may wait in memory to be written (`buffer_mb`)"),
    metric(Kind::Gauge, "audit_log_buffer_used_bytes", "bytes", &[], "how much waits in memory to be written"),
    metric(Kind::Gauge, "audit_log_build_info", "", &["version"], "always 1; the label is the version that runs"),
    metric(Kind::Counter, "audit_log_config_reloads_total", "reloads", &["result"], "configurations that were read anew: `applied`, or `refused`, and then the old one stays in effect unless the service's log says that it stopped half-way"),
    metric(Kind::Gauge, "audit_log_delivery_lag_records", "records", &["destination"], "durable records that the destination has neither accepted nor refused yet"),
    metric(Kind::Gauge, "audit_log_delivery_lag_seconds", "seconds", &["destination"], "age of the oldest event of the batch on its way, 0 when there is none"),
    metric(Kind::Counter, "audit_log_delivery_retries_total", "batches", &["destination"], "batches sent again"),
    metric(Kind::Counter, "audit_log_events_dropped_total", "events", &[], "events that could not be recorded and were let pass (`on_failure: permit`)"),
    metric(Kind::Counter, "audit_log_events_recorded_total", "events", &[], "events that were written to the log, without those of the log itself"),
    metric(Kind::Counter, "audit_log_http_connections_refused_total", "connections", &[], "connections closed because there were `max_connections`, with a request on its way on each"),
    metric(Kind::Counter, "audit_log_http_handshakes_failed_total", "connections", &[], "TLS handshakes that failed: no client certificate that is believed, no TLS, gone, or too slow"),
    metric(Kind::Gauge, "audit_log_http_in_flight", "requests", &[], "requests that are being answered"),
    metric(Kind::Histogram, "audit_log_http_request_duration_seconds", "seconds", &[], "from the end of a request's head to its answer"),
    metric(Kind::Counter, "audit_log_http_requests_total", "requests", &["status"], "requests answered, by HTTP status"),
    metric(Kind::Counter, "audit_log_http_unanswered_total", "requests", &[], "requests whose sender was gone, or cut off, before the answer was written"),
    metric(Kind::Histogram, "audit_log_journal_commit_duration_seconds", "seconds", &[], "how long a group of records takes to be written and synced"),
    metric(Kind::Counter, "audit_log_kafka_source_lost_records_total", "records", &["source", "topic", "partition"], "records that the topic had deleted before they were read"),
    metric(Kind::Gauge, "audit_log_last_event_timestamp_seconds", "seconds since 1970", &[], "when the last event was recorded, without those of the log itself"),
    metric(Kind::Gauge, "audit_log_ready", "", &[], "1 when `/readyz` says so: the journal takes events and every required destination is up; 0 otherwise"),
    metric(Kind::Counter, "audit_log_records_dead_lettered_total", "records", &["destination"], "records put into the dead letters: refused for good, or tried as often as they may be"),
    metric(Kind::Counter, "audit_log_records_delivered_total", "records", &["destination"], "records that the destination accepted"),
    metric(Kind::Counter, "audit_log_source_events_total", "events", &["source"], "events that came in and were recorded, or left out as configured"),
    metric(Kind::Gauge, "audit_log_source_failing", "", &["source"], "1 while something keeps the source from bringing events, which `status` and the service's log say; 0 otherwise"),
    metric(Kind::Gauge, "audit_log_source_last_event_timestamp_seconds", "seconds since 1970", &["source"], "when the source's last event came in"),
    metric(Kind::Counter, "audit_log_source_refused_total", "events", &["source"], "what came in and was no event, or not allowed"),
];

const fn metric(
    kind: Kind,
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Metric {
    Metric { name, kind, unit, labels, meaning }
}

/// From the 50 microseconds of a fast disk to the 10 seconds after which somebody gives up.
const DURATIONS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// Has the whole process tell its metrics to one place, and returns a way to read them.
pub(crate) fn collect() -> anyhow::Result<Metrics> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), DURATIONS)
        .context("the buckets of durations")?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("metrics")?;
    for Metric { name, kind, meaning, .. } in METRICS {
        match kind {
            Kind::Counter => describe_counter!(*name, *meaning),
            Kind::Gauge => describe_gauge!(*name, *meaning),
            Kind::Histogram => describe_histogram!(*name, *meaning),
        }
    }
    let upkeep = handle.clone();
    // What is never asked for would fill the memory.
    std::thread::Builder::new()
        .name("audit-metrics".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(5));
                upkeep.run_upkeep();
            }
        })
        .context("cannot start a thread")?;
    Ok(Arc::new(move || handle.render()))
}
