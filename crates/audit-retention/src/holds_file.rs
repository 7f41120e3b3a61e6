use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};

use audit_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Hold, HoldEvent, Holds, Release};

/// The file that holds are kept in, `holds.json` beside the log's state, and what of them is not yet on record.
///
/// Holds are placed while another process writes the log. So what happened is written down here together with the hold, and
/// that process picks it up ([`HoldsFile::unrecorded`]), records it, and says so ([`HoldsFile::recorded`]).
///
/// Each change is made under a lock that other processes wait for, and takes effect as a whole or not at all, whenever the
/// process or the machine stops: the new content is on disk before it gets the file's name.
#[derive(Clone, Debug)]
pub struct HoldsFile {
    path: PathBuf,
}

/// Why holds could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HoldsFileError {
    /// The operating system refused something.
    #[error("{what} `{path}`: {source}", path = path.display())]
    Io {
        /// What could not be done.
        what: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is a file, and it is none of holds. Nobody knows what is held, so nothing may be deleted.
    #[error(
        "`{path}` is not a file of holds: {source}. Nothing is deleted while it is so. Restore it from a backup, or move it \
         away and place again what the log's records audit.hold_placed say and audit.hold_released do not lift",
        path = path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with line and column.
        source: serde_json::Error,
    },
    /// Holds were kept in the file, and it is gone. Nobody knows what is held, so nothing may be deleted.
    #[error(
        "`{path}`, which holds were kept in, is gone. Nothing is deleted while it is so. Restore it from a backup; or delete `{lock}` \
         as well, and place again what the log's records audit.hold_placed say and audit.hold_released do not lift",
        path = path.display(),
        lock = lock.display()
    )]
    Gone {
        /// The file.
        path: PathBuf,
        /// The file that says so.
        lock: PathBuf,
    },
    /// An active hold has the same id.
    #[error(
        "there is a hold `{id}` already, placed by {placed_by} on {placed}; expected another id, or release that one first"
    )]
    Taken {
        /// The id.
        id: String,
        /// Who placed the one that is there.
        placed_by: String,
        /// And when.
        placed: Timestamp,
    },
    /// No hold has that id.
    #[error("there is no hold `{id}`; {known}")]
    Unknown {
        /// The id.
        id: String,
        /// Which there are, the nearest first.
        known: String,
    },
    /// The hold, or its release, cannot be.
    #[error("{field}: {message}")]
    Invalid {
        /// What of it: `id`, `until`.
        field: &'static str,
        /// What was found, and what was expected.
        message: String,
    },
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    holds: Holds,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unrecorded: Vec<HoldEvent>,
}

impl HoldsFile {
    /// The file at that path. Nothing is read or made yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All holds that were placed and not released, also those that have ended by themselves. None when there never was a file.
    ///
    /// # Errors
    /// When the file cannot be read, is broken, or was deleted. Then nothing may be deleted, since nobody knows what is held.
    pub fn read(&self) -> Result<Holds, HoldsFileError> {
        Ok(self.content()?.holds)
    }

    /// Places a hold, from the moment on when this returns. One of the same id that has ended by itself is replaced.
    ///
    /// # Errors
    /// When an active hold has that id; when the id, who placed it or the reason is empty or holds control characters, when it ends
    /// before it is placed, or covers no time; and as [`HoldsFile::read`], or when the file cannot be written. Then nothing has
    /// changed, unless it is the directory that cannot be synced: then it has, and a power loss may undo it.
    pub fn place(&self, hold: Hold) -> Result<(), HoldsFileError> {
        check(&hold)?;
        self.change(|content| {
            if let Some(other) = content.holds.active(hold.placed).find(|other| other.id == hold.id) {
                return Err(HoldsFileError::Taken {
                    id: hold.id.clone(),
                    placed_by: other.placed_by.clone(),
                    placed: other.placed,
                });
            }
            content.holds.0.retain(|other| other.id != hold.id);
            content.holds.0.push(hold.clone());
            content.unrecorded.push(HoldEvent::placed(hold));
            Ok(())
        })
    }

    /// Releases a hold, and returns it.
    ///
    /// # Errors
    /// When there is none of that id, or nobody or no reason is named; and as [`HoldsFile::place`].
    pub fn release(&self, id: &str, by: &str, reason: &str, now: Timestamp) -> Result<Hold, HoldsFileError> {
        check_text("released by", by)?;
        check_text("reason", reason)?;
        self.change(|content| {
            let holds = &mut content.holds.0;
            let Some(index) = holds.iter().position(|hold| hold.id == id) else {
                return Err(unknown(id, holds));
            };
            let hold = holds.remove(index);
            let release = Release { by: by.to_owned(), reason: reason.to_owned(), at: now };
            content.unrecorded.push(HoldEvent::released(hold.clone(), release));
            Ok(hold)
        })
    }

    /// What happened to holds and is not yet on record, in order.
    ///
    /// # Errors
    /// As [`HoldsFile::read`].
    pub fn unrecorded(&self) -> Result<Vec<HoldEvent>, HoldsFileError> {
        Ok(self.content()?.unrecorded)
    }

    /// Notes that this is on record now, so that it is not recorded again. To be called after it is durable: what a crash
    /// comes between is recorded twice, under the same event id.
    ///
    /// # Errors
    /// As [`HoldsFile::read`], or when the file cannot be written.
    pub fn recorded(&self, event: &HoldEvent) -> Result<(), HoldsFileError> {
        self.change(|content| {
            content.unrecorded.retain(|other| other.event_id != event.event_id);
            Ok(())
        })
    }

    fn content(&self) -> Result<Content, HoldsFileError> {
        let lock = self.lock_path();
        // Looked at before the file, which may be made in between.
        let was_there = fs::metadata(&lock).is_ok_and(|metadata| metadata.len() > 0);
        match fs::read(&self.path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|source| HoldsFileError::Broken { path: self.path.clone(), source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound && was_there => {
                Err(HoldsFileError::Gone { path: self.path.clone(), lock })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Content::default()),
            Err(source) => Err(self.io("cannot read", &self.path)(source)),
        }
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Content) -> Result<T, HoldsFileError>,
    ) -> Result<T, HoldsFileError> {
        let directory = self.directory();
        create_private_directory(directory).map_err(self.io("cannot make the directory", directory))?;
        // The lock is a file of its own, since the other one is replaced. The file being closed unlocks it.
        let lock_path = self.lock_path();
        let mut lock = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(&lock_path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(self.io("cannot lock", &lock_path))?;
        self.give_to_owner(&lock_path);
        let mut content = self.content()?;
        let result = change(&mut content)?;
        let mut text = serde_json::to_vec_pretty(&content)
            .map_err(|source| HoldsFileError::Broken { path: self.path.clone(), source })?;
        text.push(b'\n');
        self.replace(&text)?;
        // From now on a file that is missing was deleted. Should this fail, the next change does it.
        if lock.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            let _ = lock.write_all(b"the file of holds exists\n");
        }
        Ok(result)
    }

    fn replace(&self, text: &[u8]) -> Result<(), HoldsFileError> {
        let new = self.beside(".new");
        // What a crash left there may have any owner and any permissions.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(self.io("cannot remove", &new)(error));
            }
            _ => {}
        }
        let written = private(OpenOptions::new().write(true).create_new(true))
            .open(&new)
            .and_then(|mut file| file.write_all(text).and_then(|()| file.sync_all()));
        written.inspect_err(|_| drop(fs::remove_file(&new))).map_err(self.io("cannot write", &new))?;
        self.give_to_owner(&new);
        fs::rename(&new, &self.path).map_err(self.io("cannot replace", &self.path))?;
        // A new name is durable only once its directory is. Systems other than Unix open no directories.
        if cfg!(unix) {
            let directory = self.directory();
            File::open(directory)
                .and_then(|file| file.sync_all())
                .map_err(self.io("cannot sync the directory", directory))?;
        }
        Ok(())
    }

    /// Whoever writes the log has to read what root places here, and the directory is theirs. Without the right to it, the file
    /// is theirs already, or they are told that they cannot read it, and delete nothing.
    fn give_to_owner(&self, file: &Path) {
        #[cfg(unix)]
        if let Ok(directory) = fs::metadata(self.directory()) {
            let _ = std::os::unix::fs::chown(file, Some(directory.uid()), Some(directory.gid()));
        }
        #[cfg(not(unix))]
        let _ = file;
    }

    fn directory(&self) -> &Path {
        self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn lock_path(&self) -> PathBuf {
        self.beside(".lock")
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let dot = if name.starts_with('.') { "" } else { "." };
        self.path.with_file_name(format!("{dot}{name}{ending}"))
    }

    fn io(&self, what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> HoldsFileError + use<> {
        let path = path.to_owned();
        move |source| HoldsFileError::Io { what, path, source }
    }
}

fn check(hold: &Hold) -> Result<(), HoldsFileError> {
    for (field, text) in [("id", &hold.id), ("placed by", &hold.placed_by), ("reason", &hold.reason)] {
        check_text(field, text)?;
    }
    if let Some(until) = hold.until.filter(|until| *until <= hold.placed) {
        let message = format!("found {until}, expected a time after {}, when it is placed", hold.placed);
        return Err(HoldsFileError::Invalid { field: "until", message });
    }
    if let (Some(from), Some(to)) = (hold.from, hold.to)
        && from > to
    {
        let message = format!("found {to}, expected a time not before `from`, {from}");
        return Err(HoldsFileError::Invalid { field: "to", message });
    }
    Ok(())
}

/// These texts come to terminals and into records.
fn check_text(field: &'static str, text: &str) -> Result<(), HoldsFileError> {
    let message = if text.trim().is_empty() {
        "found nothing, expected a text".to_owned()
    } else if text.contains(char::is_control) {
        format!("found {text:?}, expected a text without control characters")
    } else {
        return Ok(());
    };
    Err(HoldsFileError::Invalid { field, message })
}

fn unknown(id: &str, holds: &[Hold]) -> HoldsFileError {
    let mut ids: Vec<&str> = holds.iter().map(|hold| hold.id.as_str()).collect();
    ids.sort_by_key(|other| strsim::damerau_levenshtein(id, other));
    let known = match ids[..] {
        [] => "there are none".to_owned(),
        _ => format!("there are `{}`", ids.join("`, `")),
    };
    HoldsFileError::Unknown { id: id.to_owned(), known }
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    options.mode(0o600);
    options
}

fn create_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(directory)
}
