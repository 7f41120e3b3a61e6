use std::path::{Path, PathBuf};
use std::time::Duration;

use audit_source::Format;

/// Which file is read, as what, and where its positions are kept.
#[derive(Clone, Debug)]
pub struct FileOptions {
    pub(crate) path: PathBuf,
    pub(crate) state_directory: PathBuf,
    pub(crate) format: Format,
    pub(crate) start: Start,
    pub(crate) poll: Duration,
    pub(crate) settle: Duration,
    pub(crate) keep_rotated: Duration,
}

/// Where a file is begun that is there when the source runs for the first time. One that comes later is always read from its
/// beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// Everything that is in it is new.
    #[default]
    Beginning,
    /// Only what is written from now on.
    End,
}

impl FileOptions {
    /// Reads the file at `path`, and keeps its positions in `state_directory`, which is made if it is not there. A path with `*`, `?`
    /// or `[…]` in it stands for all files that it matches; names of compressed files (`.gz`, `.zst` and such) are passed over.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, state_directory: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            state_directory: state_directory.into(),
            format: Format::default(),
            start: Start::default(),
            poll: Duration::from_millis(200),
            settle: Duration::from_secs(5),
            keep_rotated: Duration::from_secs(600),
        }
    }

    /// What a line is; native events unless set.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Where to begin, the first time; at the beginning unless set.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// How long to wait, at the longest, before the file is looked at again while nothing is written; 200 ms unless set. After
    /// something was written it is looked at sooner.
    #[must_use]
    pub fn poll(mut self, pause: Duration) -> Self {
        self.poll = pause;
        self
    }

    /// How long nothing may have been written to a file that was rotated away until a last line without its newline is taken as it
    /// is; 5 s unless set.
    #[must_use]
    pub fn settle(mut self, quiet: Duration) -> Self {
        self.settle = quiet;
        self
    }

    /// How long nothing may have been written to a file that was rotated away until it is closed; 10 minutes unless set, which is for
    /// writers that go on writing to it until they are told to reopen their log. At most eight are kept so.
    #[must_use]
    pub fn keep_rotated(mut self, quiet: Duration) -> Self {
        self.keep_rotated = quiet;
        self
    }

    /// The path, if it has wildcards.
    pub(crate) fn pattern(&self) -> Option<&str> {
        let text = self.path.to_str()?;
        (text.contains(['*', '?', '[']) && !Path::new(text).exists()).then_some(text)
    }
}
