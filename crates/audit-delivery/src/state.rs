use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use audit_model::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a destination is: the file `NAME.json` in the directory of the delivery's state.
///
/// It is replaced after every batch, by renaming, and not synced: after a power failure it may be an older one, and
/// records are delivered once more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct State {
    /// The chain, or the log, that the numbers are of.
    pub chain_id: String,
    /// All records up to this number have been accepted, are in the dead letters, or were not selected.
    pub acknowledged: u64,
    /// The last record of a batch that is on its way. After a crash the same batch is sent again, so that a place that
    /// recognises a batch by its first and last record does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u64>,
    /// How many records were accepted.
    pub delivered: u64,
    /// How many batches were sent more than once, each time counted.
    pub retried: u64,
    /// How many records went to the dead letters.
    pub dead_lettered: u64,
    /// When a batch was last accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<Timestamp>,
    /// Why the present batch is not accepted; absent while all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Why a batch is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// When it was first refused.
    pub since: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What came back the last time.
    pub message: String,
}

impl State {
    /// Reads a destination's state; `None` when there is none yet.
    ///
    /// # Errors
    /// When the file cannot be read or is no such state.
    pub fn load(directory: &Path, destination: &str) -> io::Result<Option<Self>> {
        let path = file(directory, destination);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged: {error}", path.display()))
            }),
        }
    }

    pub(crate) fn store(&self, directory: &Path, destination: &str) -> io::Result<()> {
        let path = file(directory, destination);
        let beside = directory.join(format!(".{destination}.json.new"));
        let text = serde_json::to_vec(self).expect("numbers and strings are JSON");
        write_private(&beside, &text)?;
        fs::rename(&beside, &path)
    }
}

fn file(directory: &Path, destination: &str) -> PathBuf {
    directory.join(format!("{destination}.json"))
}

/// Errors of a place may quote what was sent: nobody else's business.
fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    private(&mut options);
    io::Write::write_all(&mut options.open(path)?, text)
}

pub(crate) fn private(options: &mut fs::OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_was_written() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(State::load(directory.path(), "kafka").expect("no file is no error"), None);
        let state = State { chain_id: "c".into(), acknowledged: 7, in_flight: Some(9), ..State::default() };
        state.store(directory.path(), "kafka").expect("written");
        assert_eq!(State::load(directory.path(), "kafka").expect("read"), Some(state));
        fs::write(directory.path().join("kafka.json"), "{\"acknow").expect("written");
        let error = State::load(directory.path(), "kafka").expect_err("a torn file").to_string();
        assert!(error.contains("kafka.json is damaged"), "{error}");
    }
}
