//! From configured sources to those that run.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(any(feature = "http", feature = "syslog"))]
use audit_config::ServerTls;
use audit_config::{Config, SourceFormat, SourceKind, Start};
use audit_source::{Format, Intake, Source, SourceError};
use audit_source_file::{FileOptions, FileSource};
use audit_source_socket::{SocketOptions, SocketSource};

use crate::ServiceError;
use crate::running::Running;
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
        self.begin_operations(config)?;
        for index in 0..config.sources.len() {
            self.begin_source(config, index)?;
        }
        Ok(())
    }

    /// Ends what changed or is gone, and begins what changed or is new; if that cannot be, all is as before.
    pub(crate) fn change_sources(self: &Arc<Self>, old: &Config, new: &Config) -> Result<(), ServiceError> {
        let is_in = |config: &Config, name: &str, index: usize, of: &Config| {
            let there = config.sources.iter().position(|source| source.shown_name() == name);
            there.is_some_and(|there| config.is_same_source(there, of, index))
        };
        let differs = |this: &Config, from: &Config| -> Vec<usize> {
            let differs = |index: &usize| !is_in(from, this.sources[*index].shown_name(), *index, this);
            (0..this.sources.len()).filter(differs).collect()
        };
        let (ending, beginning) = (differs(old, new), differs(new, old));
        let operations_changed = format!("{:?}", old.operations) != format!("{:?}", new.operations);
        // What can be made beside the old ones is made before anything ends. Where the old one has the place, what its new keys name is
        // looked at, and the rest is known to be good.
        let mut made = Vec::new();
        let mut later = Vec::new();
        for index in &beginning {
            if ending.iter().any(|gone| is_same_place(&old.sources[*gone].kind, &new.sources[*index].kind)) {
                check_files(&new.sources[*index]).map_err(|source| {
                    let name = new.sources[*index].shown_name().to_owned();
                    ServiceError::Source { name, source }
                })?;
                later.push(*index);
            } else {
                made.push(self.make(new, *index)?);
            }
        }
        {
            let sources = lock(&self.sources);
            let ends = |name: &str| ending.iter().any(|index| old.sources[*index].shown_name() == name);
            // All at once: each waits for what is on its way.
            sources.iter().filter(|(name, _)| ends(name)).for_each(|(_, running)| running.begin_to_stop());
        }
        for index in &ending {
            self.end_source(old.sources[*index].shown_name());
        }
        if operations_changed {
            self.end_operations();
        }
        made.into_iter().for_each(|made| self.launch(made));
        let begun = later
            .iter()
            .try_for_each(|index| self.begin_source(new, *index))
            .and_then(|()| if operations_changed { self.begin_operations(new) } else { Ok(()) });
        let Err(error) = begun else { return Ok(()) };
        for index in &beginning {
            self.end_source(new.sources[*index].shown_name());
        }
        let mut back = ending.iter().try_for_each(|index| self.begin_source(old, *index));
        if operations_changed {
            self.end_operations();
            back = back.and_then(|()| self.begin_operations(old));
        }
        if let Err(back) = back {
            tracing::error!("a source could not go on as before: {back}; restart the service");
        }
        Err(error)
    }

    pub(crate) fn end_sources(&self) {
        let all = std::mem::take(&mut *lock(&self.sources));
        all.iter().for_each(|(_, running)| running.begin_to_stop());
        self.runtime.block_on(async {
            for (_, running) in all {
                running.stopped().await;
            }
        });
        self.end_operations();
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

    fn end_source(&self, name: &str) {
        let mut sources = lock(&self.sources);
        let Some(index) = sources.iter().position(|(known, _)| known == name) else { return };
        let (_, running) = sources.remove(index);
        drop(sources);
        self.runtime.block_on(running.stopped());
    }

    fn begin_source(self: &Arc<Self>, config: &Config, index: usize) -> Result<(), ServiceError> {
        let made = self.make(config, index)?;
        self.launch(made);
        Ok(())
    }

    fn make(self: &Arc<Self>, config: &Config, index: usize) -> Result<Made, ServiceError> {
        let name = config.sources[index].shown_name().to_owned();
        match self.source(config, index) {
            Ok((source, address)) => Ok(Made { name, source, address }),
            Err(source) => Err(ServiceError::Source { name, source }),
        }
    }

    fn launch(&self, made: Made) {
        let Made { name, source, address } = made;
        match address {
            Some(address) => tracing::info!(source = %name, %address, "takes events"),
            None => tracing::info!(source = %name, "takes events: {source:?}"),
        }
        let intake = lock(&self.intakes)
            .entry(name.clone())
            .or_insert_with(|| {
                Intake::new(self.pipeline.clone(), &name).rejects(Arc::clone(&self.options.rejects))
            })
            .clone();
        intake.set_failing(None);
        lock(&self.sources).push((name, Running::start(source, address, intake, &self.runtime)));
    }

    /// A source that holds its address or file, and where it listens.
    fn source(
        self: &Arc<Self>,
        config: &Config,
        index: usize,
    ) -> Result<(Box<dyn Source>, Option<SocketAddr>), SourceError> {
        let unaddressed = |source: Box<dyn Source>| (source, None);
        Ok(match &config.sources[index].kind {
            SourceKind::File(file) => {
                let options = FileOptions::new(&file.path, self.places(config))
                    .format(format(file.format))
                    .start(match file.start {
                        Start::Beginning => audit_source_file::Start::Beginning,
                        Start::End => audit_source_file::Start::End,
                    });
                unaddressed(Box::new(FileSource::open(options)?))
            }
            SourceKind::Socket(socket) => {
                let options = SocketOptions::new(&socket.path)
                    .mode(socket.mode_bits().unwrap_or(0o600))
                    .format(format(socket.format));
                let _in_runtime = self.runtime.enter();
                unaddressed(Box::new(SocketSource::bind(options)?))
            }
            #[cfg(feature = "http")]
            SourceKind::Http(http) => {
                let source = self.http(http)?;
                let address = source.local_addr();
                (Box::new(source), Some(address))
            }
            #[cfg(feature = "kafka")]
            SourceKind::Kafka(kafka) => {
                unaddressed(Box::new(self.kafka(config.sources[index].shown_name(), kafka)?))
            }
            #[cfg(feature = "syslog")]
            SourceKind::Syslog(syslog) => {
                let source = self.syslog(syslog)?;
                let address = source.local_addr();
                (Box::new(source), Some(address))
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

/// A source that holds its address or file.
struct Made {
    name: String,
    source: Box<dyn Source>,
    address: Option<SocketAddr>,
}

/// Whether two sources cannot be at once: an address, a path or a topic is theirs both.
fn is_same_place(one: &SourceKind, other: &SourceKind) -> bool {
    let address = |kind: &SourceKind| match kind {
        SourceKind::Http(http) => Some(http.address()),
        SourceKind::Syslog(syslog) => Some(syslog.address()),
        _ => None,
    };
    match (one, other) {
        (SourceKind::File(one), SourceKind::File(other)) => one.path == other.path,
        (SourceKind::Socket(one), SourceKind::Socket(other)) => one.path == other.path,
        (SourceKind::Kafka(one), SourceKind::Kafka(other)) => {
            one.topics.iter().any(|topic| other.topics.contains(topic))
        }
        _ => address(one).is_some_and(|address_of_one| {
            address(other).is_some_and(|other| {
                let any = other.ip().is_unspecified() || address_of_one.ip().is_unspecified();
                address_of_one.port() == other.port() && (any || address_of_one.ip() == other.ip())
            })
        }),
    }
}

/// Reads what a source reads when it begins.
fn check_files(source: &audit_config::Source) -> Result<(), SourceError> {
    #[cfg(any(feature = "http", feature = "syslog"))]
    {
        let server = match &source.kind {
            SourceKind::Http(http) => http.tls.as_ref(),
            SourceKind::Syslog(syslog) => syslog.tls.as_ref(),
            _ => None,
        };
        if let Some(server) = server {
            tls(server).server_config().map_err(|error| SourceError::Other(error.into()))?;
        }
    }
    let _ = source;
    Ok(())
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
