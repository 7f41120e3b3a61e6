use std::io::ErrorKind;
use std::net::SocketAddr;

use audit_config::{ConfigError, ReconfigureError};
use audit_source::SourceError;

/// Why a service cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// A source cannot begin.
    #[error("source `{name}`: {source}{}", advice(source, "the source's `listen`"))]
    Source {
        /// Its name.
        name: String,
        /// Why.
        source: SourceError,
    },
    /// The address for health and metrics cannot be used.
    #[error("operations: {source}{advice}", source = .0, advice = advice(.0, "`operations.listen`"))]
    Operations(SourceError),
    /// Something that says who may use the service is not what it should be.
    #[error("access.{key}: {source}")]
    Access {
        /// The configuration's key.
        key: &'static str,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A kind of source that this program was built without.
    #[error("{path}: not built into this program; build with `--features {feature}`")]
    NotBuilt {
        /// The configuration's key.
        path: String,
        /// The cargo feature that brings it.
        feature: &'static str,
    },
}

/// Why a service goes on with the configuration that it has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The new one is wrong, or cannot be read.
    #[error("{0}")]
    Refused(String),
    /// It asks for what a log that is open cannot change: each key, and where it stands.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    NeedsRestart(Vec<ConfigError>),
    /// It asks for a source or an access that cannot be had.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The log cannot be changed to what it asks for.
    #[error(transparent)]
    Log(ReconfigureError),
    /// The log was changed in part only: what destinations do may be of the old configuration or of the new one. The next reload has it do
    /// what the file says then.
    #[error("{0}; part of the change is done, and the rest is tried again soon, and at every reload")]
    HalfWay(ReconfigureError),
    /// The service is to stop.
    #[error("the service is stopping, and so its configuration is not changed")]
    Stopping,
}

/// What to do about an address that cannot be had, for whoever wrote that key.
fn advice(error: &SourceError, key: &str) -> String {
    let SourceError::Listen { address, source } = error else { return String::new() };
    let Ok(port) = address.parse::<SocketAddr>().map(|address| address.port()) else { return String::new() };
    match source.kind() {
        ErrorKind::AddrInUse => format!(
            "; another program has that port, perhaps a second audit-log with this configuration: end that one \
             (`ss -ltnp 'sport = :{port}'` names it), or set {key} to a port that is free"
        ),
        ErrorKind::AddrNotAvailable => {
            format!(
                "; this machine has no such address: set {key} to one that it has, or to 0.0.0.0:{port} for all"
            )
        }
        ErrorKind::PermissionDenied => format!(
            "; ports below 1024 need a right of their own (CAP_NET_BIND_SERVICE): set {key} to a higher port"
        ),
        _ => String::new(),
    }
}
