//! A backup product's HTTP service with an audit trail. What it shows is in its README.
#![allow(clippy::print_stdout, reason = "a program that says where it listens")]

mod audit;
mod backups;
mod permissions;
mod routes;
mod sessions;
mod settings;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::routes::Service;

#[tokio::main]
async fn main() -> Result<()> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    // First the log: a service that cannot say what it does had better not begin.
    let log = audit::open()?;
    audit::trace(&log);

    let service = Arc::new(Service::default());
    let router = routes::router(&service, &log);
    let listener =
        tokio::net::TcpListener::bind(&listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stop)
        .await?;

    // No request is left. Now what goes on behind them, and last the log, which then ends with `audit.stopped`.
    service.backups.finish().await;
    let summary = tokio::task::spawn_blocking(move || log.close()).await??;
    if let Some(summary) = summary {
        println!("{} events recorded, {} lost", summary.recorded, summary.lost);
    }
    Ok(())
}
