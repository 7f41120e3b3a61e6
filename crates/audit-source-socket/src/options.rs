use std::path::PathBuf;

use audit_source::Format;

/// Where the socket is, who may write to it, and what its lines are.
#[derive(Clone, Debug)]
pub struct SocketOptions {
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
    pub(crate) format: Format,
    pub(crate) max_connections: usize,
}

impl SocketOptions {
    /// A socket at that path: for its owner alone, of native events, with at most 256 connections.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), mode: 0o600, format: Format::default(), max_connections: 256 }
    }

    /// Sets the socket's permission bits: whoever may write to it may connect. `0o600` unless set.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    /// What a line is; native events unless set.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// How many connections are served at once; 256 unless set, and at least one. Others wait until one of these ends, in the queue that
    /// the system keeps.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }
}
