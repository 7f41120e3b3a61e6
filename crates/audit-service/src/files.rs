//! Files that are read again when they change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use audit_config::Change;
use audit_model::Value;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Files, and what they looked like. A ConfigMap is changed by swapping a symbolic link to a directory above the file, so it is what
/// the path leads to that counts; and a poll of a few paths a second costs nothing, where notifications would have to follow every link.
#[derive(Debug, Default)]
pub(crate) struct Files {
    seen: Vec<(PathBuf, Option<Looks>)>,
}

#[derive(Debug, PartialEq, Eq)]
struct Looks {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Files {
    /// These files, as they are now.
    pub(crate) fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            seen: paths
                .into_iter()
                .map(|path| {
                    let looks = look(&path);
                    (path, looks)
                })
                .collect(),
        }
    }

    /// Looks at these from now on. One that is new counts as changed: nobody knows whether it did since it was read.
    pub(crate) fn follow(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        let mut known = std::mem::take(&mut self.seen);
        for path in paths {
            let index = known.iter().position(|(seen, _)| *seen == path);
            self.seen.push(index.map_or((path, None), |index| known.swap_remove(index)));
        }
    }

    /// Whether one of them is not what it was when this was last asked. One that is gone is no change: it may be about to be replaced.
    pub(crate) fn have_changed(&mut self) -> bool {
        let mut changed = false;
        for (path, seen) in &mut self.seen {
            let now = look(path);
            if now.is_some() && now != *seen {
                *seen = now;
                changed = true;
            }
        }
        changed
    }
}

fn look(path: &PathBuf) -> Option<Looks> {
    let file = fs::metadata(path).ok()?;
    Some(Looks {
        device: file.dev(),
        inode: file.ino(),
        size: file.size(),
        // The time of change, which nobody can set, and not that of modification.
        changed: (file.ctime(), file.ctime_nsec()),
    })
}

/// What is in files that all may know, as far as it is told: each under the configuration's key that names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents(BTreeMap<String, (PathBuf, String)>);

impl Contents {
    /// As they are now, those that can be read.
    pub(crate) fn of(files: impl IntoIterator<Item = (String, PathBuf)>) -> Self {
        let read = |(key, path): (String, PathBuf)| {
            let content = fs::read(&path).ok()?;
            Some((key, (path, fingerprint(&content))))
        };
        Self(files.into_iter().filter_map(read).collect())
    }

    /// The same files with something else in them.
    pub(crate) fn changes_since(&self, before: &Self) -> Vec<Change> {
        let told = |path: &Path, print: &str| -> Value {
            json!({"file": path.display().to_string(), "fingerprint": print})
        };
        let changed = self.0.iter().filter_map(|(key, (path, now))| {
            let (known, was) = before.0.get(key)?;
            (known == path && was != now).then(|| Change::new(key, told(path, was), told(path, now)))
        });
        changed.collect()
    }
}

/// Enough of a SHA-256 to tell two contents apart.
pub(crate) fn fingerprint(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    let first: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{first}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use std::fs;
    use std::os::unix::fs::symlink;

    use super::Files;

    #[test]
    fn a_swapped_link_above_the_file_is_a_change() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for (version, text) in [("v1", "a"), ("v2", "b")] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("audit.yaml"), text).unwrap();
        }
        symlink(at("v1"), at("data")).unwrap();
        symlink("data/audit.yaml", at("audit.yaml")).unwrap();
        let mut files = Files::new([at("audit.yaml"), at("is not there")]);
        assert!(!files.have_changed());
        symlink(at("v2"), at("data.new")).unwrap();
        fs::rename(at("data.new"), at("data")).unwrap();
        assert!(files.have_changed());
        assert!(!files.have_changed(), "each is told once");
        fs::remove_file(at("v2").join("audit.yaml")).unwrap();
        assert!(!files.have_changed(), "one that is gone may come again");
        fs::write(at("v2").join("audit.yaml"), "c").unwrap();
        assert!(files.have_changed());
        fs::write(at("is not there"), "d").unwrap();
        assert!(files.have_changed());
    }
}
