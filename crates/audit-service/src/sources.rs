//! From configured sources to those that run.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use audit_config::{Config, ServerTls, SourceFormat, SourceKind, Start};
use audit_source::{Format, Intake, Source, SourceError};
use audit_source_file::{FileOptions, FileSource};
use audit_source_socket::{SocketOptions, SocketSource};

use crate::ServiceError;
use crate::running::{Made, Running};
use crate::service::{Inner, lock};

/// What of a configuration this crate can run beyond what [`audit_config::BUILT`] says, as it was built.
pub const BUILT: &[&str] = &[
    "source-file",
    "source-socket",
    #[cfg(feature = "http")]
    "source-http",
    #[cfg(feature = "kafka")]
    "source-kafka",
    #[cfg(feature = "syslog")]
    "source-syslog",
    #[cfg(feature = "oidc")]
    "oidc",
];

impl Inner {
    /// Begins all that the configuration asks for.
    pub(crate) fn begin(self: &Arc<Self>, config: &Config) -> Result<(), ServiceError> {
        if let Some(operations) = &config.operations {
            let server = self.make_operations(operations.address(), None)?;
            self.launch_operations(server);
        }
        for index in 0..config.sources.len() {
            let made = self.make(config, index, None)?;
            self.launch(made);
        }
        Ok(())
    }

    /// Reads what the listeners of a configuration read when they begin.
    #[cfg(any(feature = "http", feature = "syslog"))]
    pub(crate) fn check_files(&self, config: &Config) -> Result<(), ServiceError> {
        for source in &config.sources {
            if let Some(server) = server_tls(&source.kind) {
                tls(server).server_config().map_err(|error| ServiceError::Source {
                    name: source.shown_name().to_owned(),
                    source: SourceError::Other(error.into()),
                })?;
            }
        }
        Ok(())
    }

    #[cfg(not(any(feature = "http", feature = "syslog")))]
    #[allow(clippy::unused_self, reason = "not in every build")]
    pub(crate) fn check_files(&self, _: &Config) -> Result<(), ServiceError> {
        Ok(())
    }

    /// Has all take nothing new.
    pub(crate) fn begin_to_end(&self) {
        lock(&self.sources).iter_mut().for_each(|(_, running)| running.begin_to_stop());
    }

    pub(crate) fn end_sources(&self) {
        let mut all: Vec<_> = std::mem::take(&mut *lock(&self.sources)).into_iter().map(|it| it.1).collect();
        all.append(&mut lock(&self.leaving));
        all.iter_mut().for_each(Running::begin_to_stop);
        self.runtime.block_on(async {
            for running in &mut all {
                running.stopped().await;
            }
        });
        self.swap_operations(None);
    }

    /// The name of each listener, and the address that it has.
    pub(crate) fn addresses(&self) -> Vec<(String, SocketAddr)> {
        let sources = lock(&self.sources);
        let of_sources = sources.iter().filter_map(|(name, running)| Some((name.clone(), running.address?)));
        let mut addresses: Vec<_> = of_sources.collect();
        drop(sources);
        if let Some(operations) = &*lock(&self.operations) {
            addresses.push(("operations".to_owned(), operations.address));
        }
        addresses
    }

    pub(crate) fn swap_operations(&self, server: Option<Server>) {
        let before = lock(&self.operations).take();
        if let Some(server) = server {
            self.launch_operations(server);
        }
        if let Some(before) = before {
            self.runtime.block_on(before.end());
        }
    }

    pub(crate) fn make(
        self: &Arc<Self>,
        config: &Config,
        index: usize,
        listener: Option<Listener>,
    ) -> Result<Made, ServiceError> {
        self.source(config, index, listener).map_err(|source| ServiceError::Source {
            name: config.sources[index].shown_name().to_owned(),
            source,
        })
    }

    pub(crate) fn launch(&self, made: Made) {
        let name = made.name.clone();
        match made.address {
            Some(address) => tracing::info!(source = %name, %address, "takes events"),
            None => tracing::info!(source = %name, "takes events: {:?}", made.source),
        }
        let intake = lock(&self.intakes)
            .entry(name.clone())
            .or_insert_with(|| {
                Intake::new(self.pipeline.clone(), &name).rejects(Arc::clone(&self.options.rejects))
            })
            .clone();
        intake.set_failing(None);
        lock(&self.sources).push((name, Running::start(made, intake, &self.runtime)));
    }

    fn source(
        self: &Arc<Self>,
        config: &Config,
        index: usize,
        listener: Option<Listener>,
    ) -> Result<Made, SourceError> {
        let name = config.sources[index].shown_name().to_owned();
        let _ = &listener;
        let made = |source: Box<dyn Source>, address| Made {
            name: name.clone(),
            source,
            address,
            #[cfg(feature = "http")]
            listener: None,
        };
        Ok(match &config.sources[index].kind {
            SourceKind::File(file) => {
                let options = FileOptions::new(&file.path, self.places(config))
                    .format(format(file.format))
                    .start(match file.start {
                        Start::Beginning => audit_source_file::Start::Beginning,
                        Start::End => audit_source_file::Start::End,
                    });
                made(Box::new(FileSource::open(options)?), None)
            }
            SourceKind::Socket(socket) => {
                let options = SocketOptions::new(&socket.path)
                    .mode(socket.mode_bits().unwrap_or(0o600))
                    .format(format(socket.format));
                let _in_runtime = self.runtime.enter();
                made(Box::new(SocketSource::bind(options)?), None)
            }
            #[cfg(feature = "http")]
            SourceKind::Http(http) => {
                let source = self.http(http, listener)?;
                let (address, listener) = (source.local_addr(), source.listener());
                Made { listener: Some(listener), ..made(Box::new(source), Some(address)) }
            }
            #[cfg(feature = "kafka")]
            SourceKind::Kafka(kafka) => made(Box::new(self.kafka(&name, kafka)?), None),
            #[cfg(feature = "syslog")]
            SourceKind::Syslog(syslog) => {
                let source = self.syslog(syslog)?;
                let address = source.local_addr();
                made(Box::new(source), Some(address))
            }
            #[allow(unreachable_patterns, reason = "not in every build")]
            other => {
                let message = format!("type `{}` is not built into this program", other.type_name());
                return Err(SourceError::Other(message.into()));
            }
        })
    }

    /// Where sources note how far they are.
    fn places(&self, config: &Config) -> PathBuf {
        config.delivery_dir(&self.journal).join("sources")
    }
}

/// What another source can go on listening with.
#[cfg(feature = "http")]
pub(crate) type Listener = audit_source_http::Listener;
/// There is none in this build.
#[cfg(not(feature = "http"))]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "nobody makes one")]
pub(crate) struct Listener;
#[cfg(feature = "http")]
pub(crate) type Server = audit_source_http::OperationsServer;
/// There is none in this build.
#[cfg(not(feature = "http"))]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "nobody makes one")]
pub(crate) struct Server;

/// The certificate of a listener.
pub(crate) fn server_tls(kind: &SourceKind) -> Option<&ServerTls> {
    match kind {
        SourceKind::Http(http) => http.tls.as_ref(),
        SourceKind::Syslog(syslog) => syslog.tls.as_ref(),
        _ => None,
    }
}

pub(crate) fn format(format: SourceFormat) -> Format {
    match format {
        SourceFormat::Any => Format::Any,
        SourceFormat::Native => Format::Native,
        SourceFormat::Ocsf => Format::Ocsf,
    }
}

#[cfg(any(feature = "http", feature = "syslog"))]
pub(crate) fn tls(tls: &ServerTls) -> audit_tls::ServerTlsOptions {
    let options = audit_tls::ServerTlsOptions::new(&tls.cert_file, &tls.key_file)
        .require_client_certificate(tls.require_client_certificate);
    match &tls.client_ca_file {
        Some(file) => options.client_ca_file(file),
        None => options,
    }
}
