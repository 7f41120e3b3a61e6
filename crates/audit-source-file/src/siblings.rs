//! The files beside one that is followed: what it was rotated to.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::position::{Position, identity};

/// How many files of a directory are looked at.
const MOST: usize = 10_000;
/// How often a directory is looked through in which files are being renamed.
pub(crate) const LOOKS: u32 = 9;
/// What files that were compressed are called.
const COMPRESSED: [&str; 7] = [".gz", ".zst", ".bz2", ".xz", ".lz4", ".zip", ".Z"];

/// A file beside.
#[derive(Debug)]
pub(crate) struct Sibling {
    pub(crate) path: PathBuf,
    pub(crate) identity: (u64, u64),
    pub(crate) modified: SystemTime,
}

/// A file was renamed since it was listed.
#[derive(Debug)]
pub(crate) struct Renamed;

impl Sibling {
    /// The file, if it is still the one that was listed.
    pub(crate) fn open(&self) -> Option<(File, Metadata)> {
        let file = File::open(&self.path).ok()?;
        let metadata = file.metadata().ok()?;
        (identity(&metadata) == self.identity).then_some((file, metadata))
    }
}

/// All regular files beside `path`, and `path` itself.
pub(crate) fn all(path: &Path) -> Vec<Sibling> {
    let (mut found, _) = list(path);
    // A file that is renamed meanwhile may be missing in a listing, or be there twice.
    for look in 0..LOOKS {
        let (again, is_whole) = list(path);
        let same = is_whole
            && again.len() == found.len()
            && again.iter().zip(&found).all(|(a, b)| a.identity == b.identity && a.path == b.path);
        found = again;
        if same {
            break;
        }
        pause(look);
    }
    found.dedup_by_key(|sibling| sibling.identity);
    found
}

/// Those that are called as a log is after it was rotated, the oldest first.
pub(crate) fn rotated(path: &Path) -> Vec<Sibling> {
    let mut found = all(path);
    found.retain(|sibling| is_rotated_name(path, &sibling.path));
    found.sort_by_key(|sibling| (sibling.modified, std::cmp::Reverse(rotation(&sibling.path))));
    found
}

/// Lets others end what they do to a directory: half a second in all, when it is looked through as often as may be.
pub(crate) fn pause(look: u32) {
    std::thread::sleep(Duration::from_millis(1 << look.min(LOOKS)));
}

/// The file among these that a position is of. Its number says so first; one that was copied or restored has another, and the same
/// content. An error: a file was renamed since it was listed, and may have been it.
pub(crate) fn find(
    position: &Position,
    among: &[Sibling],
    except: impl Fn((u64, u64)) -> bool,
    fits: impl Fn(&File) -> io::Result<bool>,
) -> Result<Option<(File, Metadata)>, Renamed> {
    let mut found: Vec<&Sibling> = among.iter().filter(|sibling| !except(sibling.identity)).collect();
    // Of a file that was empty nothing but the number is known; of one that was read to its end nothing more is of interest.
    if position.complete || position.offset == 0 && position.head.length == 0 {
        found.retain(|sibling| sibling.identity == (position.device, position.inode));
    }
    found.sort_by_key(|sibling| (sibling.identity.1 != position.inode, std::cmp::Reverse(sibling.modified)));
    let mut renamed = false;
    for sibling in found {
        match sibling.open() {
            Some((file, metadata)) if fits(&file).unwrap_or(false) => {
                return Ok(Some((file, metadata)));
            }
            Some(_) => {}
            None => renamed = true,
        }
    }
    if renamed { Err(Renamed) } else { Ok(None) }
}

/// As [`find`], looking again: a file that is renamed between listing and opening is where nobody looks.
pub(crate) fn find_again(
    position: &Position,
    except: impl Fn((u64, u64)) -> bool + Copy,
    fits: impl Fn(&File) -> io::Result<bool> + Copy,
) -> Option<(File, Metadata)> {
    for look in 0..LOOKS {
        match find(position, &all(&position.path), except, fits) {
            Ok(found) => return found,
            Err(Renamed) => pause(look),
        }
    }
    None
}

/// Whether a file's name says that it was compressed.
pub(crate) fn is_compressed(path: &Path) -> bool {
    let name = path.as_os_str().as_encoded_bytes();
    COMPRESSED.iter().any(|suffix| name.ends_with(suffix.as_bytes()))
}

/// What is there, and whether that is all: whether nothing was renamed or removed while it was listed.
fn list(path: &Path) -> (Vec<Sibling>, bool) {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = fs::read_dir(directory) else { return (Vec::new(), true) };
    let (mut found, mut is_whole) = (Vec::new(), true);
    for entry in entries.flatten().take(MOST) {
        let path = entry.path();
        let Ok(metadata) = fs::metadata(&path) else {
            is_whole &= fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink());
            continue;
        };
        if let Ok(modified) = metadata.modified()
            && metadata.is_file()
        {
            found.push(Sibling { path, identity: identity(&metadata), modified });
        }
    }
    found.sort_by(|a, b| (a.identity, &a.path).cmp(&(b.identity, &b.path)));
    (found, is_whole)
}

/// `app.log.1`, `app.log-20261122`, `app.log.old`, `app-2026-11-22.log`, `app.1.log` for `app.log`.
pub(crate) fn is_rotated_name(path: &Path, sibling: &Path) -> bool {
    let (Some(name), Some(other)) = (file_name(path), file_name(sibling)) else { return false };
    if is_compressed(sibling) {
        return false;
    }
    if other.strip_prefix(name).is_some_and(marks_rotation) {
        return true;
    }
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let middle = other.strip_prefix(stem).and_then(|rest| rest.strip_suffix(extension)?.strip_suffix('.'));
    middle.is_some_and(marks_rotation)
}

fn marks_rotation(rest: &str) -> bool {
    let Some(mark) = rest.strip_prefix(['.', '-', '_']) else { return false };
    mark.starts_with(|c: char| c.is_ascii_digit()) || ["old", "bak", "prev"].contains(&mark)
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// The number at the name's end, which grows with age; 0 where there is a date.
fn rotation(path: &Path) -> u64 {
    let number = path.extension().and_then(|extension| extension.to_str());
    number.filter(|number| number.len() < 6).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::is_rotated_name;

    #[test]
    fn what_a_log_is_rotated_to() {
        let is = |name: &str| is_rotated_name(Path::new("/x/app.log"), &Path::new("/x").join(name));
        for name in ["app.log.1", "app.log-20261122", "app.log.old", "app-2026-11-22.log", "app.1.log"] {
            assert!(is(name), "{name}");
        }
        for name in ["app.log", "app.log.1.gz", "app.log.lock", "apple.log", "other.log.1", "app-errors.log"]
        {
            assert!(!is(name), "{name}");
        }
        assert!(is_rotated_name(Path::new("audit"), Path::new("audit.1")));
    }
}
