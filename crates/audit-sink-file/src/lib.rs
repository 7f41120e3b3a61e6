#![doc = include_str!("../README.md")]

use std::path::{Path, PathBuf};

use audit_journal::{Journal, JournalError, Options, Rotation};
use audit_model::Timestamp;
use audit_sink::{Batch, Receipt, SendFuture, Sink, SinkError};

/// Writes records to a local file, one a line, rotated, and on disk before `send` returns.
///
/// The file is written with blocking calls inside the future: run it where a wait for the disk holds up nobody else.
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    journal: Option<Journal>,
    /// The number of the last record that this sink wrote, so that a repeated batch is written once. What the file holds
    /// from before tells nothing: it may be of another chain, and then records would be taken for repeated that are new.
    last_sequence: u64,
    lines: Vec<u8>,
}

impl FileSink {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When another writer has the file, or it cannot be opened or read.
    pub fn open(path: &Path, rotation: Rotation) -> Result<Self, JournalError> {
        let options = Options::default().rotation(rotation);
        let (journal, _) = Journal::open(path, options, Timestamp::now())?;
        Ok(Self { path: path.to_owned(), journal: Some(journal), last_sequence: 0, lines: Vec::new() })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Sink for FileSink {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move {
            let journal = self.journal.as_mut().ok_or(SinkError::Closed)?;
            self.lines.clear();
            let mut fresh = 0;
            for record in batch.records.iter().filter(|record| record.sequence_number > self.last_sequence) {
                self.lines.extend_from_slice(&record.bytes);
                self.lines.push(b'\n');
                fresh += 1;
            }
            if fresh > 0 {
                journal.append(&self.lines, fresh, Timestamp::now()).map_err(SinkError::retryable)?;
                self.last_sequence = batch.records.last().map_or(0, |record| record.sequence_number);
            }
            Ok(Receipt::default())
        })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async move {
            let journal = self.journal.as_mut().ok_or(SinkError::Closed)?;
            journal.check(Timestamp::now()).map_err(SinkError::retryable)
        })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async move {
            let journal = self.journal.take().ok_or(SinkError::Closed)?;
            journal.close().map_err(SinkError::retryable)
        })
    }
}
