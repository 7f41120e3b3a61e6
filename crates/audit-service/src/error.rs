use audit_config::ReconfigureError;
use audit_source::SourceError;

/// Why a service cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// A source cannot begin.
    #[error("source `{name}`: {source}")]
    Source {
        /// Its name.
        name: String,
        /// Why.
        source: SourceError,
    },
    /// The address for health and metrics cannot be used.
    #[error("operations: {0}")]
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
    /// It asks for what a log that is open cannot change.
    #[error("{} cannot change while the log is open; restart the service for that", .0.join(", "))]
    NeedsRestart(Vec<&'static str>),
    /// It asks for a source or an access that cannot be had.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The log cannot be changed to what it asks for.
    #[error(transparent)]
    Log(#[from] ReconfigureError),
}
