#![doc = include_str!("../README.md")]

use std::path::{Path, PathBuf};

use audit_journal::{Incident, Journal, JournalError, Options, Rotation};
use audit_model::Timestamp;
use audit_sink::{Batch, Receipt, SendFuture, Sink, SinkError};

/// Writes records to a local file, one a line, rotated, and on disk before `send` returns.
///
/// The file is written with blocking calls inside the future: run it where a wait for the disk holds up nobody else.
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    /// How the file is to be opened, until it is.
    unopened: Option<Rotation>,
    journal: Option<Journal>,
    /// The batch that this sink wrote last, so that it is written once if it is repeated. What the file holds from before
    /// tells nothing: it may be of another chain.
    last: Option<Identity>,
    /// The lines of that batch: other ones are another batch, whatever their numbers.
    written: Vec<u8>,
    lines: Vec<u8>,
}

impl FileSink {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When another writer has the file, or it cannot be opened or read.
    pub fn open(path: &Path, rotation: Rotation) -> Result<Self, JournalError> {
        let mut sink = Self::later(path, rotation);
        sink.journal()?;
        Ok(sink)
    }

    /// Opens the file, or makes it, when there is something to be written: for the successor of a sink that still has it.
    #[must_use]
    pub fn later(path: &Path, rotation: Rotation) -> Self {
        Self {
            path: path.to_owned(),
            unopened: Some(rotation),
            journal: None,
            last: None,
            written: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// The open file; `None` when it was closed.
    fn journal(&mut self) -> Result<Option<&mut Journal>, JournalError> {
        if let Some(rotation) = &self.unopened {
            let options = Options::default().rotation(rotation.clone());
            let (journal, _) = Journal::open(&self.path, options, Timestamp::now())?;
            (self.journal, self.unopened) = (Some(journal), None);
        }
        Ok(self.journal.as_mut())
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Deletes the files that are too many. What a copy held is on record in the log that it is a copy of.
fn prune(journal: &mut Journal) {
    for incident in journal.take_incidents() {
        if let Incident::PruneDue(due) = incident {
            // If it cannot be deleted, the next opening finds that it is one too many.
            let _ = journal.prune(&due);
        }
    }
}

/// What tells a batch from another, beside its lines: its chain, and its first and last record.
type Identity = (String, u64, u64);

fn identity(batch: &Batch) -> Option<Identity> {
    let (first, last) = (batch.records.first()?, batch.records.last()?);
    Some((batch.chain_id.clone(), first.sequence_number, last.sequence_number))
}

impl Sink for FileSink {
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move {
            let is_closed = self.journal().map_err(SinkError::retryable)?.is_none();
            let identity = identity(batch);
            self.lines.clear();
            for record in &batch.records {
                self.lines.extend_from_slice(&record.bytes);
                self.lines.push(b'\n');
            }
            let is_repeated = identity == self.last && self.lines == self.written;
            if !is_closed && (identity.is_none() || is_repeated) {
                return Ok(Receipt::default());
            }
            let records = batch.records.len() as u64;
            let journal = self.journal.as_mut().ok_or(SinkError::Closed)?;
            journal.append(&self.lines, records, Timestamp::now()).map_err(SinkError::retryable)?;
            self.last = identity;
            std::mem::swap(&mut self.written, &mut self.lines);
            prune(journal);
            Ok(Receipt::default())
        })
    }

    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async move {
            let journal = self.journal().map_err(SinkError::retryable)?.ok_or(SinkError::Closed)?;
            journal.check(Timestamp::now()).map_err(SinkError::retryable)
        })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async move {
            if self.unopened.take().is_some() {
                return Ok(());
            }
            let journal = self.journal.take().ok_or(SinkError::Closed)?;
            journal.close().map_err(SinkError::retryable)
        })
    }
}
