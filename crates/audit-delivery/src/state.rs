use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use audit_model::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a destination is: the file `NAME.json` in the directory of the delivery's state.
///
/// It is written with every batch, and not synced: after a power failure it may be an older one, and records are
/// delivered once more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct State {
    /// The chain, or the log, that the numbers are of.
    pub chain_id: String,
    /// All records up to this number have been accepted, are in the dead letters, or were not selected.
    pub acknowledged: u64,
    /// The batch that is on its way. After a crash the same batch is sent again, so that a place that recognises a batch
    /// by its first and last record does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<InFlight>,
    /// How many of the acknowledged records were accepted.
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

/// A batch that is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InFlight {
    /// Once it is accepted, all records up to this number are.
    pub through: u64,
    /// How many records it has.
    pub records: u64,
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
    /// Whether somebody was told of it as an [`Outage`](crate::Outage).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_record: bool,
}

impl State {
    /// Reads a destination's state; `None` when there is none yet.
    ///
    /// # Errors
    /// When the file cannot be read or is no such state.
    pub fn load(directory: &Path, destination: &str) -> io::Result<Option<Self>> {
        let path = path_of(directory, destination);
        let read = || match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged: {error}", path.display()))
            }),
        };
        // It may be written this very moment.
        read().or_else(|_| read())
    }

    /// Keeps a state that is of no use any more, for whoever wants to know what it was.
    pub(crate) fn set_aside(directory: &Path, destination: &str) -> io::Result<()> {
        let path = path_of(directory, destination);
        fs::rename(&path, path.with_extension("json.before"))
    }
}

/// Where a state is kept. Overwritten in place, in one write of one page: a file that is replaced takes part in every
/// sync of the log beside it.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    file: Option<File>,
}

/// As long as any state, so that the file's length never changes.
const PAGE: usize = 4096;

impl StateFile {
    pub(crate) fn of(directory: &Path, destination: &str) -> Self {
        Self { path: path_of(directory, destination), file: None }
    }

    pub(crate) fn store(&mut self, state: &State) -> io::Result<()> {
        let mut text = serde_json::to_vec(state).expect("numbers and strings are JSON");
        if text.len() >= PAGE {
            let mut short = state.clone();
            if let Some(failure) = &mut short.failure {
                "a message too long to be kept".clone_into(&mut failure.message);
            }
            text = serde_json::to_vec(&short).expect("numbers and strings are JSON");
        }
        text.resize(PAGE - 1, b' ');
        text.push(b'\n');
        let mut file = match self.file.take() {
            Some(file) => file,
            None => open_private(&self.path)?,
        };
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&text)?;
        self.file = Some(file);
        Ok(())
    }
}

fn path_of(directory: &Path, destination: &str) -> PathBuf {
    directory.join(format!("{destination}.json"))
}

/// Errors of a place may quote what was sent: nobody else's business.
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    options.open(path)
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
        let failure =
            |message: String| Failure { since: Timestamp::now(), attempts: 2, message, on_record: true };
        let mut file = StateFile::of(directory.path(), "kafka");
        for message in ["no route".to_owned(), "\u{1}".repeat(1000), String::new()] {
            let state = State {
                chain_id: "c".into(),
                acknowledged: 7,
                in_flight: Some(InFlight { through: 9, records: 2 }),
                failure: Some(failure(message.clone())),
                ..State::default()
            };
            file.store(&state).expect("written");
            let read = State::load(directory.path(), "kafka").expect("read").expect("there");
            assert_eq!((read.acknowledged, read.in_flight), (7, Some(InFlight { through: 9, records: 2 })));
            let kept = read.failure.expect("there").message;
            assert!(kept == message || kept == "a message too long to be kept", "{kept}");
        }
        fs::write(directory.path().join("kafka.json"), "{\"acknow").expect("written");
        let error = State::load(directory.path(), "kafka").expect_err("a torn file").to_string();
        assert!(error.contains("kafka.json is damaged"), "{error}");
    }
}
