use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use audit_model::Timestamp;
use audit_sink::Record;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::record::record;
use crate::state::private;

/// Records that a place will never take: the file `NAME.dead-letter.ndjson` in the directory of the delivery's state.
///
/// Each line is `{"chain_id":…,"sequence_number":…,"time":…,"reason":…,"record":…}`, with the record
/// as the log holds it, whatever format it was sent in.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    path: PathBuf,
}

/// A record that a place would not take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The chain that the record is of, or what else its log is called.
    pub chain_id: String,
    /// The record, as the log holds it.
    pub record: Record,
    /// When it was given up.
    pub time: Timestamp,
    /// Why, in the place's words.
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    #[serde(default)]
    chain_id: std::borrow::Cow<'a, str>,
    sequence_number: u64,
    time: Timestamp,
    reason: std::borrow::Cow<'a, str>,
    /// The record's own bytes where they are JSON: they stay as they were signed.
    #[serde(borrow)]
    record: &'a RawValue,
}

impl DeadLetters {
    /// Those of a destination.
    #[must_use]
    pub fn of(directory: &Path, destination: &str) -> Self {
        Self { path: directory.join(format!("{destination}.dead-letter.ndjson")) }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds records, and returns when they are on disk.
    ///
    /// # Errors
    /// When the file cannot be written, and [`WouldBlock`](io::ErrorKind::WouldBlock) while somebody
    /// [retries](Self::retry).
    pub fn add<'a>(
        &self,
        chain_id: &str,
        letters: impl IntoIterator<Item = (&'a Record, &'a str)>,
    ) -> io::Result<()> {
        let time = Timestamp::now();
        let mut lines = Vec::new();
        for (record, reason) in letters {
            write_line(&mut lines, chain_id, record, time, reason)?;
        }
        self.open()?.append(&lines).map_err(|error| self.told(&error))
    }

    /// All of them, in the order in which they were given up. What is no dead letter is an error that names the line.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub fn list(&self) -> io::Result<Vec<DeadLetter>> {
        match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.told(&error)),
            Ok(file) => self.read(&file),
        }
    }

    /// Has `send` deliver what is there, and keeps the letters that it returns. Nobody else changes the file meanwhile.
    ///
    /// # Errors
    /// When the file cannot be read or written, somebody else has it, or `send` fails; then all stay.
    pub fn retry<E: From<io::Error>>(
        &self,
        send: impl FnOnce(Vec<DeadLetter>) -> Result<Vec<DeadLetter>, E>,
    ) -> Result<(), E> {
        if self.list()?.is_empty() {
            return Ok(());
        }
        let locked = self.open()?;
        let left = send(self.list()?)?;
        let mut lines = Vec::new();
        for letter in &left {
            write_line(&mut lines, &letter.chain_id, &letter.record, letter.time, &letter.reason)?;
        }
        let beside = Self { path: self.path.with_extension("ndjson.new") };
        match fs::remove_file(&beside.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(beside.told(&error).into()),
            _ => beside.open()?.append(&lines).map_err(|error| beside.told(&error))?,
        }
        fs::rename(&beside.path, &self.path).map_err(|error| self.told(&error))?;
        drop(locked);
        Ok(())
    }

    /// The file, locked, to be appended to.
    fn open(&self) -> io::Result<Locked> {
        loop {
            let mut options = OpenOptions::new();
            options.read(true).append(true).create(true);
            private(&mut options);
            let file = options.open(&self.path).map_err(|error| self.told(&error))?;
            file.try_lock().map_err(|error| match error {
                TryLockError::WouldBlock => {
                    let message = format!("{} is in use by another process", self.path.display());
                    io::Error::new(io::ErrorKind::WouldBlock, message)
                }
                TryLockError::Error(error) => self.told(&error),
            })?;
            // Another may have put a new one in its place before this one was locked.
            if is_same(&file, &self.path)? {
                return Ok(Locked { file });
            }
        }
    }

    fn told(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("{}: {error}", self.path.display()))
    }

    fn read(&self, file: &File) -> io::Result<Vec<DeadLetter>> {
        let mut letters = Vec::new();
        let mut file = BufReader::new(file);
        for number in 1_u64.. {
            let mut line = Vec::new();
            file.read_until(b'\n', &mut line).map_err(|error| self.told(&error))?;
            // What has no newline was never whole, and its record is not acknowledged.
            if line.pop_if(|byte| *byte == b'\n').is_none() {
                break;
            }
            let damaged = |error: serde_json::Error| {
                let path = self.path.display();
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!(
                        "{path}:{number}: found no dead letter: {error}; take the line out and try again"
                    ),
                )
            };
            let Line { chain_id, sequence_number, time, reason, record: raw } =
                serde_json::from_slice(&line).map_err(damaged)?;
            letters.push(DeadLetter {
                chain_id: chain_id.into_owned(),
                record: record(sequence_number, raw.get().as_bytes()),
                time,
                reason: reason.into_owned(),
            });
        }
        Ok(letters)
    }
}

/// The file of dead letters while nobody else may change it.
struct Locked {
    file: File,
}

impl Locked {
    /// Adds whole lines, or nothing.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        // A write that broke off leaves half a line, which was never acknowledged.
        let whole = end_of_last_line(&mut self.file)?;
        self.file.set_len(whole)?;
        let written = self.file.write_all(lines).and_then(|()| self.file.sync_data());
        written.inspect_err(|_| drop(self.file.set_len(whole)))
    }
}

fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 4096;
    let mut end = file.metadata()?.len();
    while end > 0 {
        let from = end.saturating_sub(STEP);
        let mut part = vec![0; usize::try_from(end - from).unwrap_or(0)];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut part)?;
        if let Some(newline) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(from + newline as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

fn write_line(
    lines: &mut Vec<u8>,
    chain_id: &str,
    record: &Record,
    time: Timestamp,
    reason: &str,
) -> io::Result<()> {
    let text = String::from_utf8_lossy(&record.bytes);
    let raw = RawValue::from_string(text.to_string()).or_else(|_| serde_json::value::to_raw_value(&text))?;
    let chain_id = chain_id.into();
    let line =
        Line { chain_id, sequence_number: record.sequence_number, time, reason: reason.into(), record: &raw };
    serde_json::to_writer(&mut *lines, &line)?;
    lines.push(b'\n');
    Ok(())
}

#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let (opened, named) = (file.metadata()?, fs::metadata(path));
    Ok(named.is_ok_and(|named| (named.dev(), named.ino()) == (opened.dev(), opened.ino())))
}

#[cfg(not(unix))]
fn is_same(_: &File, path: &Path) -> io::Result<bool> {
    path.try_exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(directory: &Path) -> DeadLetters {
        DeadLetters::of(directory, "siem")
    }

    #[test]
    fn are_listed_as_they_were_added_and_tried_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let letters = letters(directory.path());
        assert_eq!(letters.list().expect("no file is no error"), []);
        let line = br#"{"event_id":"evt_1","event_type":"auth.login", "n": 1.50,"timestamp":"2026-01-02T03:04:05.006Z"}"#;
        let (first, second) = (record(3, line), record(5, b"not JSON"));
        letters.add("c", [(&first, "too large"), (&second, "no JSON")]).expect("added");
        let listed = letters.list().expect("listed");
        assert_eq!((&listed[0].record, listed[0].reason.as_str()), (&first, "too large"), "byte for byte");
        assert_eq!(listed[1].record.bytes, b"\"not JSON\"", "as a JSON string");
        letters
            .retry(|mut sent| {
                let busy = letters.add("c", [(&first, "meanwhile")]).expect_err("it is being tried");
                assert_eq!(busy.kind(), io::ErrorKind::WouldBlock);
                assert_eq!(sent.remove(0).record, first);
                sent[0].reason = "still no JSON".to_owned();
                Ok::<_, io::Error>(sent)
            })
            .expect("tried");
        let left = letters.list().expect("listed");
        assert_eq!((left.len(), left[0].reason.as_str()), (1, "still no JSON"));
        letters.retry(|_| Ok::<_, io::Error>(Vec::new())).expect("tried");
        assert_eq!(letters.list().expect("listed"), []);
        letters.retry(|_| Err(io::Error::other("is not called"))).expect("nothing to do");
    }

    #[test]
    fn half_a_line_spoils_no_other() {
        let directory = tempfile::tempdir().expect("a directory");
        let letters = letters(directory.path());
        for (before, whole) in [("", 0), ("one", 1), ("two", 2)] {
            let text =
                fs::read_to_string(letters.path()).unwrap_or_default() + "{\"sequence_nu" + &"x".repeat(9000);
            fs::write(letters.path(), text).expect("written");
            assert_eq!(letters.list().expect("what is whole").len(), whole, "{before}");
            letters.add("c", [(&record(1, b"{}"), "why")]).expect("added");
            assert_eq!(letters.list().expect("what is whole").len(), whole + 1);
        }
    }

    #[test]
    fn a_foreign_line_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let letters = letters(directory.path());
        letters.add("c", [(&record(1, b"{}"), "why")]).expect("added");
        fs::write(letters.path(), "{\"not\":\"one\"}\n").expect("written");
        assert!(
            letters.list().expect_err("no dead letter").to_string().contains("siem.dead-letter.ndjson:1: ")
        );
    }
}
