use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use audit_model::Timestamp;
use audit_sink::Record;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::record::record;
use crate::state::private;

/// Records that a place will never take: the file `NAME.dead-letter.ndjson` in the directory of the delivery's state.
///
/// Each line is `{"sequence_number":…,"time":…,"reason":…,"record":…}`, with the record as it was sent.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    path: PathBuf,
}

/// A record that a place would not take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The record.
    pub record: Record,
    /// When it was given up.
    pub time: Timestamp,
    /// Why, in the place's words.
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
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
    /// When the file cannot be written.
    pub fn add<'a>(&self, letters: impl IntoIterator<Item = (&'a Record, &'a str)>) -> io::Result<()> {
        let time = Timestamp::now();
        let mut lines = Vec::new();
        for (record, reason) in letters {
            let text = String::from_utf8_lossy(&record.bytes);
            let raw = RawValue::from_string(text.to_string())
                .or_else(|_| serde_json::value::to_raw_value(&text))?;
            let line =
                Line { sequence_number: record.sequence_number, time, reason: reason.into(), record: &raw };
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
        }
        let mut file = self.open()?;
        file.write_all(&lines)?;
        file.sync_data()
    }

    /// All of them, in the order in which they were given up. What is no dead letter is an error that names the line.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub fn list(&self) -> io::Result<Vec<DeadLetter>> {
        match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(file) => self.read(&file),
        }
    }

    /// Has `send` deliver what is there, and keeps what it does not return as delivered. Nobody else changes the file
    /// meanwhile: who wants to add to it waits.
    ///
    /// # Errors
    /// When the file cannot be read or written, or `send` fails; then all stay.
    pub fn retry<E: From<io::Error>>(
        &self,
        send: impl FnOnce(&[DeadLetter]) -> Result<Vec<(u64, String)>, E>,
    ) -> Result<(), E> {
        if self.list()?.is_empty() {
            return Ok(());
        }
        let file = self.open()?;
        let letters = self.read(&File::open(&self.path)?)?;
        if letters.is_empty() {
            return Ok(());
        }
        let refused = send(&letters)?;
        let left = letters.iter().filter_map(|letter| {
            let again = refused.iter().find(|(number, _)| *number == letter.record.sequence_number);
            again.map(|(_, reason)| (&letter.record, reason.as_str()))
        });
        let beside = Self { path: self.path.with_extension("ndjson.new") };
        match fs::remove_file(&beside.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => beside.add(left)?,
        }
        fs::rename(&beside.path, &self.path)?;
        drop(file);
        Ok(())
    }

    /// The file, locked, to be appended to.
    fn open(&self) -> io::Result<File> {
        loop {
            let mut options = OpenOptions::new();
            options.append(true).create(true);
            private(&mut options);
            let file = options.open(&self.path)?;
            file.lock()?;
            // Another may have put a new one in its place while this one was waited for.
            if is_same(&file, &self.path)? {
                return Ok(file);
            }
        }
    }

    fn read(&self, file: &File) -> io::Result<Vec<DeadLetter>> {
        let mut letters = Vec::new();
        for (number, line) in (1_u64..).zip(BufReader::new(file).split(b'\n')) {
            let line = line?;
            let damaged = |error: serde_json::Error| {
                let path = self.path.display();
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!(
                        "{path}:{number}: found no dead letter: {error}; take the line out and try again"
                    ),
                )
            };
            let Line { sequence_number, time, reason, record: raw } =
                serde_json::from_slice(&line).map_err(damaged)?;
            letters.push(DeadLetter {
                record: record(sequence_number, raw.get().as_bytes()),
                time,
                reason: reason.into_owned(),
            });
        }
        Ok(letters)
    }
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
        letters.add([(&first, "too large"), (&second, "no JSON")]).expect("added");
        let listed = letters.list().expect("listed");
        assert_eq!((&listed[0].record, listed[0].reason.as_str()), (&first, "too large"), "byte for byte");
        assert_eq!(listed[1].record.bytes, b"\"not JSON\"", "as a JSON string");
        letters
            .retry(|sent| {
                assert_eq!(sent.len(), 2);
                Ok::<_, io::Error>(vec![(5, "still no JSON".to_owned())])
            })
            .expect("tried");
        let left = letters.list().expect("listed");
        assert_eq!((left.len(), left[0].reason.as_str()), (1, "still no JSON"));
        letters.retry(|_| Ok::<_, io::Error>(Vec::new())).expect("tried");
        assert_eq!(letters.list().expect("listed"), []);
        letters.retry(|_| Err(io::Error::other("is not called"))).expect("nothing to do");
    }

    #[test]
    fn a_foreign_line_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let letters = letters(directory.path());
        letters.add([(&record(1, b"{}"), "why")]).expect("added");
        fs::write(letters.path(), "{\"not\":\"one\"}\n").expect("written");
        assert!(
            letters.list().expect_err("no dead letter").to_string().contains("siem.dead-letter.ndjson:1: ")
        );
    }
}
