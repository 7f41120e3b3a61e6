//! Which files a path stands for: a log with its rotated files, a directory of logs.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use audit_journal::segments;

/// The files that the paths stand for, in the order in which they are to be read, each once: of a log its rotated files
/// first, the oldest before all.
pub(crate) fn files(paths: &[PathBuf], only: bool) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Found::default();
    for path in paths {
        let cannot_read = || format!("cannot read {}", path.display());
        if path == Path::new("-") {
            found.files.push(path.clone());
        } else if path.is_dir() {
            of_directory(path).with_context(cannot_read)?.iter().for_each(|log| found.add_log(log));
        } else if only {
            found.add(path);
        } else {
            found.add_log(&real_log(path.clone()));
        }
    }
    Ok(found.files)
}

#[derive(Default)]
struct Found {
    files: Vec<PathBuf>,
    real: HashSet<PathBuf>,
}

impl Found {
    fn add(&mut self, file: &Path) {
        let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        if self.real.insert(real) {
            self.files.push(file.to_owned());
        }
    }

    fn add_log(&mut self, log: &Path) {
        let rotated = segments(log).unwrap_or_default();
        // A log that was just rotated has no file of its own; one that is not there at all is told when it is opened.
        let is_there = rotated.is_empty() || log.exists();
        rotated.iter().for_each(|segment| self.add(&segment.path));
        if is_there {
            self.add(log);
        }
    }
}

/// The logs that were written in a directory, by their head files; where none is, all files.
pub(crate) fn of_directory(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<io::Result<Vec<PathBuf>>>()?;
    entries.sort();
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let logs: Vec<PathBuf> = entries
        .iter()
        .filter_map(|entry| Some(name(entry).strip_prefix('.')?.strip_suffix(".head")?.to_owned()))
        .map(|log| directory.join(log))
        .collect();
    if logs.is_empty() {
        entries.retain(|entry| entry.is_file() && !name(entry).starts_with('.'));
        return Ok(entries);
    }
    Ok(logs)
}

/// What a link to a log stands for: the rotated files are beside that.
pub(crate) fn real_log(path: PathBuf) -> PathBuf {
    if path.is_symlink() { path.canonicalize().unwrap_or(path) } else { path }
}

/// Whether it is a log that this program writes, or wrote, or a copy of one: it is rotated under whoever reads it.
pub(crate) fn is_ours(log: &Path) -> bool {
    let any_segment = || segments(log).is_ok_and(|segments| !segments.is_empty());
    beside(log, ".head").exists() || beside(log, ".lock").exists() || any_segment()
}

/// Whether its rotated files are named by the numbers in its records. Those of a copy, which may have only some of the records
/// and has no head, are named by the count of its lines.
pub(crate) fn is_numbered(log: &Path) -> bool {
    fs::metadata(beside(log, ".head")).is_ok_and(|head| head.len() > 0)
}

/// A hidden file beside the log whose name is the log's with that end.
pub(crate) fn beside(log: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(log.file_name().unwrap_or_default());
    name.push(end);
    log.with_file_name(name)
}
