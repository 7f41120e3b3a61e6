//! `run` as a service: what the configuration calls `sources`, `access` and `operations`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use audit_config::{Config, JournalFile, process_environment};
use audit_pipeline::Pipeline;
use audit_service::{Service, ServiceOptions};
use audit_source::Rejects;
use clap::ValueEnum;

use crate::config::{check_built, load};

/// How the service writes its own log, to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line of text each
    #[default]
    Text,
    /// A JSON object each
    Json,
}

/// A way to get all metrics as text.
pub(crate) type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Whether a configuration asks for a service.
pub(crate) fn serves(config: &Config) -> bool {
    !config.sources.is_empty() || config.operations.is_some()
}

/// What has to be there before anything counts or logs: the process's recorder of metrics, and its log.
pub(crate) fn prepare(format: LogFormat) -> anyhow::Result<Metrics> {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::INFO.into())
        .from_env()
        .context("the environment variable RUST_LOG")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    #[cfg(feature = "http")]
    let metrics = crate::measures::collect()?;
    #[cfg(not(feature = "http"))]
    let metrics: Metrics = Arc::new(String::new);
    Ok(metrics)
}

/// The service, with the threads that it runs in.
pub(crate) struct Serving {
    pub(crate) service: Service,
    runtime: tokio::runtime::Runtime,
}

impl Serving {
    pub(crate) fn start(
        config: &Config,
        file: &Path,
        pipeline: Pipeline,
        journal: JournalFile,
        rejects: Arc<Rejects>,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("audit-sources")
            .enable_all()
            .build()
            .context("cannot start a runtime")?;
        let mut options = ServiceOptions::new(config.clone(), file, rejects);
        options.environment = Box::new(process_environment);
        options.metrics = metrics;
        let (file, log): (PathBuf, _) = (file.to_owned(), journal.path.clone());
        options.read = Box::new(move || {
            let parsed = load(&file).map_err(|error| crate::output::describe(&error))?;
            let config = parsed.map_err(|errors| errors.to_string())?.config;
            check_built(&config).map_err(|errors| errors.to_string())?;
            Ok(config)
        });
        let service = Service::start(options, pipeline, journal, runtime.handle())?;
        tracing::info!(log = %log.display(), "serves");
        Ok(Self { service, runtime })
    }

    /// Takes no more events, and waits for those that are on their way.
    pub(crate) fn stop(&self) {
        self.service.stop();
    }

    /// Ends what is left of it, when the log is closed.
    pub(crate) fn end(self) {
        self.runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    }
}
