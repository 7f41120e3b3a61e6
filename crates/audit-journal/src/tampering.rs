//! Noticing that somebody else touched the log's file, and saving what can be saved.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use audit_model::Timestamp;

use crate::file::{create_private_directory, identity, private, sync_directory};
use crate::segment::{beside, unused};

/// What somebody else did to the log's file while it was being written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tampering {
    /// It was deleted or renamed. Its content was still open here and was put back as a segment.
    Removed {
        /// Where its content is now.
        restored: PathBuf,
    },
    /// Another file was put in its place. Its content was put back as a segment.
    Replaced {
        /// Where its content is now.
        restored: PathBuf,
        /// Where the other file is now.
        moved_aside: PathBuf,
    },
    /// It was cut, or overwritten from its beginning.
    Shortened {
        /// Bytes that are gone.
        bytes: u64,
        /// The first and last record that are gone, where any whole one is.
        lost: Option<(u64, u64)>,
    },
    /// Something was written into it.
    Extended {
        /// How many bytes.
        bytes: u64,
        /// Where they are now.
        moved_aside: PathBuf,
    },
}

impl fmt::Display for Tampering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed { restored } => {
                write!(f, "the log's file was removed; its records were restored to {}", restored.display())
            }
            Self::Replaced { restored, moved_aside } => write!(
                f,
                "the log's file was replaced; its records were restored to {}, the other file is at {}",
                restored.display(),
                moved_aside.display()
            ),
            Self::Shortened { bytes, lost: Some((first, last)) } => {
                write!(f, "{bytes} bytes were cut off the log's file: records {first} to {last} are gone")
            }
            Self::Shortened { bytes, lost: None } => write!(f, "{bytes} bytes were cut off the log's file"),
            Self::Extended { bytes, moved_aside } => write!(
                f,
                "somebody else wrote {bytes} bytes into the log's file; they were moved to {}",
                moved_aside.display()
            ),
        }
    }
}

/// What is wrong with the active file, by comparison with what was written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Removed,
    Replaced,
    Length,
}

/// Whether the file at `path` is still ours, and `expected` bytes long. Where files have no identity, the length has to do.
pub(crate) fn look(path: &Path, ours: (u64, u64), expected: u64) -> io::Result<Option<Change>> {
    let named = match fs::metadata(path) {
        // A symbolic link that leads nowhere.
        Err(_) if fs::symlink_metadata(path).is_ok() => return Ok(Some(Change::Replaced)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Change::Removed)),
        other => other?,
    };
    if identity(&named) != ours {
        return Ok(Some(Change::Replaced));
    }
    Ok((named.len() != expected).then_some(Change::Length))
}

/// Where the copy of a file that has lost its name is made.
pub(crate) fn half_restored(log: &Path) -> PathBuf {
    beside(log, ".", ".restoring")
}

/// Copies the first `length` bytes of a file that has lost its name to `target`, durably; what has its name now goes
/// to `moved_aside`. `acknowledged` is how much of it has to be kept when that fails.
pub(crate) fn put_back(
    file: &mut File,
    length: u64,
    acknowledged: u64,
    log: &Path,
    target: &Path,
    moved_aside: Option<&Path>,
) -> io::Result<()> {
    create_private_directory(log)?;
    let half_made = half_restored(log);
    let mut copy = private(&half_made, OpenOptions::new().write(true).create(true).truncate(true))?;
    let mut name_it = |copy: &mut File| {
        file.seek(SeekFrom::Start(0))?;
        io::copy(&mut file.take(length), copy)?;
        copy.sync_all()?;
        if let Some(moved_aside) = moved_aside {
            fs::rename(log, moved_aside)?;
        }
        fs::rename(&half_made, target)?;
        sync_directory(log).inspect_err(|_| drop(fs::rename(target, &half_made)))
    };
    let named = name_it(&mut copy);
    if named.is_err() && copy.metadata().is_ok_and(|copied| copied.len() > acknowledged) {
        // The next attempt copies again; only a crash before that leaves this copy as the only one.
        drop(copy.set_len(acknowledged));
    }
    named
}

/// Where what somebody else wrote is kept: hidden, so that no pattern for the log's files finds it.
pub(crate) fn aside(log: &Path, now: Timestamp) -> PathBuf {
    unused(&beside(log, ".", &format!(".tampered-{}", now.basic_format())))
}

/// Whether the first `size` bytes of `file` are what was written, going by how they ended.
pub(crate) fn is_intact(file: &mut File, size: u64, ending: &[u8]) -> io::Result<bool> {
    if file.metadata()?.len() < size {
        return Ok(false);
    }
    let mut found = vec![0; ending.len()];
    file.seek(SeekFrom::Start(size - ending.len() as u64))?;
    file.read_exact(&mut found)?;
    Ok(found == ending)
}

/// How many bytes and lines at the beginning of `file` satisfy `is_ours`, up to where `batch` begins.
pub(crate) fn own_lines(
    file: &mut File,
    batch: &[u8],
    is_ours: impl Fn(&[u8], u64) -> bool,
) -> io::Result<(u64, u64)> {
    let first_of_batch = batch.split_inclusive(|byte| *byte == b'\n').next();
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(1 << 17, file);
    let (mut bytes, mut lines, mut line) = (0, 0, Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 {
        // Behind a cut in the middle of a line, the batch's first line begins in the middle of one.
        let is_batch = first_of_batch.is_some_and(|first| line.ends_with(first));
        if is_batch || !line.strip_suffix(b"\n").is_some_and(|line| is_ours(line, lines)) {
            break;
        }
        bytes += line.len() as u64;
        lines += 1;
        line.clear();
    }
    Ok((bytes, lines))
}

/// Copies what stands behind the first `own` bytes, and is neither `batch` nor a part of one of our lines, to
/// `target`. Returns how many bytes that is.
pub(crate) fn set_aside(
    file: &mut File,
    own: u64,
    cut: bool,
    batch: &[u8],
    target: &Path,
) -> io::Result<u64> {
    /// As much is searched for the batch; of a larger file somebody else wrote, all behind it is kept unsearched.
    const SEARCHED: u64 = 64 << 20;
    file.seek(SeekFrom::Start(own))?;
    let mut foreign = Vec::new();
    (&*file).take(SEARCHED.max(2 * batch.len() as u64)).read_to_end(&mut foreign)?;
    if let Some(at) = memchr::memmem::rfind(&foreign, batch) {
        foreign.drain(at..at + batch.len());
    }
    let ours = batch.starts_with(&foreign) || (cut && !foreign.contains(&b'\n'));
    if ours {
        return Ok(0);
    }
    let mut kept = private(target, OpenOptions::new().write(true).create_new(true))?;
    kept.write_all(&foreign)?;
    let unsearched = io::copy(file, &mut kept)?;
    kept.sync_all()?;
    Ok(foreign.len() as u64 + unsearched)
}
