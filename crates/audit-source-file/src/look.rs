//! What one look at the files brings.

use std::path::PathBuf;
use std::sync::Arc;

use crate::lines::Line;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// New lines, in the order in which they are to be recorded.
    pub(crate) lines: Vec<FileLine>,
    /// About how much memory they take.
    pub(crate) bytes: usize,
    /// Where lines may be missing.
    pub(crate) gaps: Vec<Gap>,
    /// Whether a file was begun, or given up: positions are to be stored before any of its lines is recorded.
    pub(crate) changed: bool,
    /// Whether there is more to read at once.
    pub(crate) more: bool,
    /// What keeps a file from being read.
    pub(crate) failing: Option<String>,
}

/// A line, and where it is from.
#[derive(Debug)]
pub(crate) struct FileLine {
    pub(crate) tail: u64,
    pub(crate) path: Arc<str>,
    pub(crate) generation: Arc<str>,
    /// Its number, from where reading began.
    pub(crate) number: u64,
    pub(crate) line: Line,
}

/// A place where lines may be missing: what cannot be known is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) path: PathBuf,
    /// Up to where the lines are known to have been read.
    pub(crate) offset: u64,
    pub(crate) reason: &'static str,
}
