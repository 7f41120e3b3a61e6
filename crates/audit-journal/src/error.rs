use std::io;
use std::path::{Path, PathBuf};

/// Why the journal could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another writer has it.
    #[error("{}: another process{} is writing this log; a log has one writer: stop it, or give this one another file", path.display(), holder.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked {
        /// The log.
        path: PathBuf,
        /// The other writer's process id, as far as it is known.
        holder: Option<u32>,
    },
    /// The operating system said no.
    #[error("{}: {what}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl JournalError {
    pub(crate) fn io<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}
