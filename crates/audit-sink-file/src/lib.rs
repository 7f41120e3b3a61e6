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
    /// The batch that this sink wrote last, so that it is written once if it is repeated. What the file holds from before
    /// tells nothing: it may be of another chain.
    last: Option<Identity>,
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
        Ok(Self { path: path.to_owned(), journal: Some(journal), last: None, lines: Vec::new() })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What tells a batch from another: its chain, and its first and last record.
type Identity = (String, u64, u64);

fn identity(batch: &Batch) -> Option<Identity> {
    let (first, last) = (batch.records.first()?, batch.records.last()?);
    Some((batch.chain_id.clone(), first.sequence_number, last.sequence_number))
}

impl Sink for FileSink {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move {
            let journal = self.journal.as_mut().ok_or(SinkError::Closed)?;
            let identity = identity(batch);
            if identity.is_none() || identity == self.last {
                return Ok(Receipt::default());
            }
            self.lines.clear();
            for record in &batch.records {
                self.lines.extend_from_slice(&record.bytes);
                self.lines.push(b'\n');
            }
            let records = batch.records.len() as u64;
            journal.append(&self.lines, records, Timestamp::now()).map_err(SinkError::retryable)?;
            self.last = identity;
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
