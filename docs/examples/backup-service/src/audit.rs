//! The audit log of the service, and what of it becomes events.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use audit_model::{EventType, Resource};
use audit_pipeline::Pipeline;
use audit_tower::{AuditLayer, Description, FailClosed, Requests};
use audit_tracing::TracingLayer;
use axum::extract::ConnectInfo;
use http::Method;
use http::request::Parts;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Opens the log that the configuration describes.
pub(crate) fn open() -> Result<Pipeline> {
    let file = std::env::var("AUDIT_CONFIG")
        .unwrap_or_else(|_| "docs/examples/backup-service/audit.yaml".to_owned());
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let environment = &audit_config::process_environment;
    let config = audit_config::parse(&file, &text, environment)?.config;
    config.check_built(audit_config::BUILT)?;
    Ok(config.pipeline(environment)?.start()?)
}

/// Has background work recorded, and everything else printed. The filter is the printer's own: one for all layers would keep
/// events from the audit log, too.
pub(crate) fn trace(log: &Pipeline) {
    let print = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(LevelFilter::INFO);
    tracing_subscriber::registry().with(print).with(TracingLayer::new(log.clone()).filtered()).init();
}

/// Has requests recorded: those that change something, and whoever looks at the settings.
pub(crate) fn layer(log: &Pipeline) -> AuditLayer {
    AuditLayer::new(log.clone())
        .requests(Requests::changes().with(Method::GET, "/v1/settings"))
        .peer(|parts| parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip()))
        .on_unrecorded(|event, why| tracing::error!("no record of {}: {why}", event.event_type))
        .describe(describe)
}

/// What each request means. Whoever asks for what is not here becomes an `http.request`.
fn describe(parts: &Parts) -> Description {
    let path: Vec<&str> = parts.uri.path().trim_matches('/').split('/').collect();
    match (parts.method.as_str(), path.as_slice()) {
        ("POST", ["v1", "login"]) => {
            Description::new("login").event_type(EventType::AUTH_LOGIN).failure_type(EventType::AUTH_FAILED)
        }
        ("POST", ["v1", "logout"]) => Description::new("logout").event_type(EventType::AUTH_LOGOUT),
        ("POST", ["v1", "backups"]) => Description::new("backup")
            .event_type(EventType::BACKUP_STARTED)
            .failure_type(EventType::BACKUP_FAILED),
        // Overwrites a topic: not before it is on record that somebody wants it, nor done before that is, too.
        ("POST", ["v1", "backups", backup, "restore", topic]) => Description::new("restore")
            .attempt_type("restore.requested".parse().expect("two names with a dot"))
            .event_type(EventType::RESTORE_COMPLETED)
            .failure_type(EventType::RESTORE_FAILED)
            .resource(Resource::new("topic", *topic))
            .detail("backup_id", *backup)
            .fail_closed(FailClosed::BeforeAndAfter),
        (method, ["v1", "settings"]) => {
            let (operation, event_type) = match method {
                "GET" => ("view", EventType::CONFIG_VIEWED),
                _ => ("configure", EventType::CONFIG_CHANGED),
            };
            Description::new(operation).event_type(event_type).resource(Resource::new("config", "backup"))
        }
        _ => Description::default(),
    }
    .context("environment", "production")
}
