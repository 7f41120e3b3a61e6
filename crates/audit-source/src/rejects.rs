use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use crate::SourceError;

/// Lines that were refused, each with its place and the reason, so that nothing that came in is lost.
///
/// They stand there as they came, secrets and all: nothing can be redacted in what cannot be read. The file is made when
/// the first one comes, and only its owner can read it.
#[derive(Debug)]
pub struct Rejects {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    count: u64,
}

impl Rejects {
    /// A file for refused lines; its directory is made, for its owner alone, if it is not there.
    ///
    /// # Errors
    /// When there is no directory for it, and none can be made.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, SourceError> {
        let path = path.into();
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // It may be the log's own, which is private.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|source| SourceError::Io { what: "cannot make", path: directory.to_owned(), source })?;
        Ok(Self { path, state: Mutex::default() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many lines were refused since this was made.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// Sets a line aside: which one of which input, and why. It is with the operating system when this returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&self, source: &str, line: u64, error: &str, input: &[u8]) -> Result<(), SourceError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let input = match std::str::from_utf8(input) {
            Ok(text) => json!({"error": error, "file": source, "input": text, "line": line}),
            Err(_) => {
                json!({"error": error, "file": source, "input_hex": const_hex::encode(input), "line": line})
            }
        };
        if state.file.is_none() {
            state.file = Some(self.open().map_err(self.failed("cannot make"))?);
        }
        let Some(file) = &mut state.file else { return Ok(()) };
        let written = append(file, format!("{input}\n").as_bytes());
        written.map_err(self.failed("cannot write"))?;
        state.count += 1;
        Ok(())
    }

    fn open(&self) -> io::Result<File> {
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&self.path)?;
        let mut last = [b'\n'];
        if file.metadata()?.len() > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        // A line that a crash cut short takes no other with it.
        if last != [b'\n'] {
            file.write_all(b"\n")?;
        }
        Ok(file)
    }

    /// Has the lines on disk.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync(&self) -> Result<(), SourceError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &state.file else { return Ok(()) };
        file.sync_data().map_err(self.failed("cannot write"))
    }

    fn failed(&self, what: &'static str) -> impl Fn(io::Error) -> SourceError {
        move |source| SourceError::Io { what, path: self.path.clone(), source }
    }
}

/// Appends all of it or, where the disk allows that much, nothing.
fn append(file: &mut File, line: &[u8]) -> io::Result<()> {
    let length = file.metadata()?.len();
    file.write_all(line).inspect_err(|_| {
        let _ = file.set_len(length);
    })
}
