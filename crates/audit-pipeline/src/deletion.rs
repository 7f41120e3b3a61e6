//! Deleting a log's rotated file by policy: on record first.

use std::io::{self, BufRead, Read as _};
use std::path::{Path, PathBuf};

use audit_integrity::SealedRecord;
use audit_journal::Segment;
use audit_model::{Event, Timestamp};

use crate::{EmitError, lifecycle};

/// Longer lines are no records of ours.
const LONGEST_LINE: u64 = 64 << 20;

/// A rotated file that is to be deleted by policy.
#[derive(Clone, Copy, Debug)]
pub struct Deletion<'a> {
    /// The log that it is a part of.
    pub log: &'a Path,
    /// The file.
    pub segment: &'a Segment,
    /// What it is deleted by, such as `retention.max_days`.
    pub rule: &'a str,
    /// The destination that keeps this log, if it is a copy and not the log of record.
    pub destination: Option<&'a str>,
}

/// Why a file was not deleted by policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeletionError {
    /// The operating system said no.
    #[error("{what} {}: {source}", path.display())]
    File {
        /// What could not be done.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be put on record.
    #[error("a deletion cannot be put on record: {0}")]
    Record(#[from] EmitError),
    /// Meanwhile somebody forbade it.
    #[error("{}: a hold was placed or released meanwhile; plan again", .0.display())]
    Forbidden(PathBuf),
}

impl Deletion<'_> {
    /// The record of one that failed behind the first.
    pub(crate) fn failed(&self, now: Timestamp, why: &str) -> Event {
        lifecycle::retention_failed(now, self.log, self.segment, self.rule, why)
    }

    /// The record of it. Of a copy, which numbers lines, it has the records' own numbers.
    pub(crate) fn record(&self, now: Timestamp) -> io::Result<Event> {
        let (first, last) = ends(self.segment.open()?)?;
        let numbers = match self.destination {
            None => Some((self.segment.first_sequence, self.segment.last_sequence)),
            Some(_) => sequence_of(&first).zip(sequence_of(&last)),
        };
        let event = lifecycle::retention_applied(now, self.log, self.segment, numbers, &last, self.rule);
        Ok(match self.destination {
            None => event,
            Some(destination) => event.detail("destination", destination),
        })
    }
}

fn sequence_of(line: &[u8]) -> Option<u64> {
    SealedRecord::parse(line).ok().map(|record| record.integrity.sequence_number)
}

/// The first and the last line that is not blank.
fn ends(mut lines: impl BufRead) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (mut first, mut last, mut line) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        line.clear();
        if lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok((first, last));
        }
        let text = line.trim_ascii_end();
        if text.is_empty() {
            continue;
        }
        if first.is_empty() {
            first = text.to_vec();
        }
        last.clear();
        last.extend_from_slice(text);
    }
}
