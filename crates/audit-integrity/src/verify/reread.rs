//! Reading a file a second time, for what the runs do not keep: a signature from the middle of one, say.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::block::{MAX_LINE, Run};
use crate::record::{Integrity, SealedRecord};
use crate::source::open_log;

/// The lines of a file, in order. It ends where the file cannot be read on, as it did the first time.
pub(crate) struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    number: u64,
    line: Vec<u8>,
}

impl Lines {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { reader: BufReader::with_capacity(128 << 10, open_log(path)?), number: 0, line: Vec::new() })
    }

    /// The next whole line and its number, from 1; of one that is too long to be a record, the beginning.
    pub(crate) fn next(&mut self) -> Option<(u64, &[u8])> {
        self.line.clear();
        loop {
            let bytes = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok([]) | Err(_) => return None,
                Ok(bytes) => bytes,
            };
            let newline = memchr::memchr(b'\n', bytes);
            let taken = newline.map_or(bytes.len(), |at| at + 1);
            if self.line.len() < MAX_LINE {
                self.line.extend_from_slice(&bytes[..taken]);
            }
            self.reader.consume(taken);
            if newline.is_some() {
                self.number += 1;
                return Some((self.number, &self.line));
            }
        }
    }

    /// The seals of a run, in order, each with its line.
    pub(crate) fn seals_of(mut self, run: &Run) -> impl Iterator<Item = (u64, Integrity)> {
        std::iter::from_fn(move || {
            loop {
                let (number, line) = self.next().filter(|(number, _)| *number < run.line + run.lines)?;
                if number >= run.line
                    && let Ok(record) = SealedRecord::parse(line)
                    && record.integrity.chain_id == run.chain
                {
                    return Some((number, record.integrity));
                }
            }
        })
    }
}
