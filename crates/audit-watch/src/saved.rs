//! What a watch keeps from one start to the next.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use audit_alert::State;
use audit_model::Event;
use serde::{Deserialize, Serialize};

/// The watch's file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// The chain, or the log, that `through` is of.
    pub(crate) chain_id: String,
    /// The last record that was looked at.
    pub(crate) through: u64,
    /// What the rules remember.
    pub(crate) state: State,
    /// Alerts that were not seen in the log yet.
    pub(crate) unrecorded: Vec<Event>,
}

impl Saved {
    /// `None` when there is no file.
    pub(crate) fn load(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }

    /// Replaces the file. Synced where an alert depends on it: it would be told twice, or not at all, after a power failure.
    pub(crate) fn store(&self, path: &Path, sync: bool) -> io::Result<()> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        // For the owner alone: it holds parts of events.
        let mut file = tempfile::NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))?;
        file.write_all(&serde_json::to_vec(self)?)?;
        if sync {
            file.as_file().sync_data()?;
        }
        file.persist(path)?;
        if let Some(directory) = directory.filter(|_| sync) {
            fs::File::open(directory)?.sync_all()?;
        }
        Ok(())
    }
}
