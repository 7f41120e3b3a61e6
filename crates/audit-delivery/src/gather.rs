//! From the log to batches.

use std::io;

use audit_journal::Reader;
use audit_sink::{Batch, Record};

use crate::Destination;
use crate::InFlight;
use crate::record::Read;

/// Reads the log for one destination.
#[derive(Debug)]
pub(crate) struct Gatherer {
    reader: Reader,
    /// All records up to this number were read, and are in a batch, `held`, or not for this destination.
    pub(crate) read_through: u64,
    /// What did not fit into the last batch.
    held: Option<Record>,
    /// The batch that was on its way at a crash.
    pub(crate) repeats: Option<InFlight>,
    /// Records that are gone from the log, and that this destination never got.
    pub(crate) gone: Option<(u64, u64)>,
}

impl Gatherer {
    pub(crate) fn new(reader: Reader, read_through: u64, repeats: Option<InFlight>) -> Self {
        Self { reader, read_through, held: None, repeats, gone: None }
    }

    /// Adds what there is up to record `durable`; true when the batch is full.
    pub(crate) fn fill(
        &mut self,
        batch: &mut Batch,
        size: &mut usize,
        to: &Destination,
        durable: u64,
    ) -> io::Result<bool> {
        if let Some(record) = self.held.take() {
            *size += record.bytes.len();
            batch.records.push(record);
        }
        loop {
            let is_full = match self.repeats {
                Some(repeated) => batch.records.len() as u64 >= repeated.records.max(1),
                None => batch.records.len() >= to.limits.records.max(1) || *size >= to.limits.bytes.max(1),
            };
            if is_full {
                self.repeats = None;
                return Ok(true);
            }
            let end = self.repeats.map_or(durable, |repeated| repeated.through.min(durable));
            let Some(line) = self.reader.next_until(end)? else {
                match self.repeats.take() {
                    None => return Ok(false),
                    // All of a repeated batch is there, as far as the log still has it.
                    Some(_) if !batch.records.is_empty() => return Ok(true),
                    // Nothing of it is: the next one is an ordinary one.
                    Some(_) => continue,
                }
            };
            let number = line.sequence_number;
            if number > self.read_through + 1 {
                self.gone = Some((self.gone.map_or(self.read_through + 1, |(first, _)| first), number - 1));
            }
            self.read_through = number;
            let read = Read::of(line.bytes);
            if !to.selects(read.event_type()) {
                continue;
            }
            let record = read.into_record(number);
            if to.only.as_ref().is_some_and(|only| !only.0(&record)) {
                continue;
            }
            let fits = batch.records.is_empty() || *size + record.bytes.len() <= to.limits.bytes;
            if !fits && self.repeats.is_none() {
                self.held = Some(record);
                return Ok(true);
            }
            *size += record.bytes.len();
            batch.records.push(record);
        }
    }

    /// The last record that a batch made of what was read so far speaks for.
    pub(crate) fn covers(&self) -> u64 {
        // What is held was read, but is in no batch.
        self.held.as_ref().map_or(self.read_through, |held| held.sequence_number - 1)
    }
}
