use std::io;
use std::path::PathBuf;

/// Why a source cannot begin, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address, or the path of a Unix socket.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be used.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried, such as `cannot read`.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The log was closed while the source was running.
    #[error("the audit log is closed")]
    Closed,
    /// What is particular to one kind of source.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}
