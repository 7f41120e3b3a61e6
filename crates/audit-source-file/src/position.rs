//! Where reading goes on after a restart: the source's file.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use audit_source::SourceError;
use serde::{Deserialize, Serialize};

use crate::print::{HEAD, Print, TAIL, read_at};

/// Up to where a file was read, and by what it is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The path that it was followed under.
    pub(crate) path: PathBuf,
    /// Which run of lines this is: a file that is truncated begins another. Made up when it is first seen; events get their ids from it.
    pub(crate) generation: String,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// All lines before are in the log, or among the rejects.
    pub(crate) offset: u64,
    /// How many lines that is, from where reading began.
    pub(crate) lines: u64,
    /// The file's first bytes, as far as they were seen.
    pub(crate) head: Print,
    /// The last bytes before the offset.
    pub(crate) tail: Print,
    /// Whether it was rotated away and read to its end.
    pub(crate) complete: bool,
}

/// Which file something is, for as long as it is open or no other gets its number.
pub(crate) fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

impl Position {
    /// Whether the file's content is that up to this position.
    pub(crate) fn fits(&self, file: &File) -> io::Result<bool> {
        Ok(file.metadata()?.len() >= self.offset
            && self.head.is_at(file, 0)?
            && self.tail.is_at(file, self.offset.saturating_sub(self.tail.length))?)
    }

    /// Of a copy of this file, in which there is nothing that is not read already.
    pub(crate) fn of_copy(&self, copy: &File) -> io::Result<Self> {
        let metadata = copy.metadata()?;
        let ((device, inode), offset) = (identity(&metadata), metadata.len());
        let before = offset.min(TAIL as u64);
        Ok(Self {
            device,
            inode,
            offset,
            head: Print::of(&read_at(copy, 0, HEAD)?),
            tail: Print::of(&read_at(copy, offset - before, before as usize)?),
            complete: true,
            ..self.clone()
        })
    }
}

/// The file of positions.
#[derive(Debug)]
pub(crate) struct Positions {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    version: u32,
    /// The path or pattern that the source follows.
    source: PathBuf,
    files: std::borrow::Cow<'a, [Position]>,
}

const VERSION: u32 = 1;

impl Positions {
    /// In this directory, the file for a source that follows `path`.
    pub(crate) fn open(directory: &Path, path: &Path) -> Result<Self, SourceError> {
        let failed = |source| SourceError::Io { what: "cannot make", path: directory.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let id = Print::of(path.as_os_str().as_encoded_bytes());
        let id = serde_json::to_value(&id).map_err(|error| failed(error.into()))?;
        let id = id["sha256"].as_str().unwrap_or_default().chars().take(16).collect::<String>();
        Ok(Self { path: directory.join(format!("file-{id}.json")) })
    }

    /// What was kept, and when; `None` the first time.
    pub(crate) fn load(&self) -> Result<Option<(Vec<Position>, SystemTime)>, SourceError> {
        let failed = |source| SourceError::Io { what: "cannot read", path: self.path.clone(), source };
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(failed)?,
        };
        let saved_at = fs::metadata(&self.path).and_then(|metadata| metadata.modified()).map_err(failed)?;
        let advice = "it holds the positions of a file source; put back a copy of it, or remove it to begin as if for the first time";
        let saved: Saved<'_> = serde_json::from_slice(&text).map_err(|error| {
            failed(io::Error::new(io::ErrorKind::InvalidData, format!("{error}; {advice}")))
        })?;
        if saved.version != VERSION {
            let problem = format!("its version is {}, expected {VERSION}; {advice}", saved.version);
            return Err(failed(io::Error::new(io::ErrorKind::InvalidData, problem)));
        }
        Ok(Some((saved.files.into_owned(), saved_at)))
    }

    /// Replaces the file; it is on disk when this returns.
    pub(crate) fn store(&self, source: &Path, files: &[Position]) -> Result<(), SourceError> {
        let saved = Saved { version: VERSION, source: source.to_owned(), files: files.into() };
        let write = || {
            let directory = self.path.parent().unwrap_or(Path::new("."));
            // Somebody may have removed it.
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            file.write_all(&serde_json::to_vec(&saved)?)?;
            file.as_file().sync_data()?;
            file.persist(&self.path)?;
            File::open(directory)?.sync_all()
        };
        write().map_err(|source| SourceError::Io { what: "cannot write", path: self.path.clone(), source })
    }
}
