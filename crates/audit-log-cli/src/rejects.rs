use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use serde_json::json;

/// Lines that were refused, each with its place and the reason, so that nothing that came in is lost.
///
/// They stand there as they came, secrets and all: nothing can be redacted in what cannot be read. The file is made when
/// the first one comes, and only its owner can read it.
#[derive(Debug)]
pub(crate) struct Rejects {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    count: u64,
}

impl Rejects {
    /// Fails when there is no directory for the file.
    pub(crate) fn new(path: PathBuf) -> anyhow::Result<Self> {
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // It may be the log's own, which is private.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.with_context(|| format!("cannot make {}", directory.display()))?;
        Ok(Self { path, state: Mutex::default() })
    }

    /// Has the lines on disk.
    pub(crate) fn sync(&self) -> anyhow::Result<()> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &state.file else { return Ok(()) };
        file.sync_all().with_context(|| format!("cannot write {}", self.path.display()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn count(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    pub(crate) fn add(&self, source: &str, line: u64, error: &str, input: &[u8]) -> anyhow::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let input = match std::str::from_utf8(input) {
            Ok(text) => json!({"error": error, "file": source, "input": text, "line": line}),
            Err(_) => {
                json!({"error": error, "file": source, "input_hex": const_hex::encode(input), "line": line})
            }
        };
        if state.file.is_none() {
            let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path);
            state.file = Some(opened.with_context(|| format!("cannot make {}", self.path.display()))?);
        }
        state.count += 1;
        let Some(file) = &mut state.file else { return Ok(()) };
        file.write_all(format!("{input}\n").as_bytes())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}
