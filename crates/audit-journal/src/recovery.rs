//! Finding the end of a log that may have ended badly.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};

use crate::SequenceOf;

/// In what state the journal was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// Bytes of a half-written line that were cut off the end. It was never acknowledged.
    pub torn_bytes: u64,
    /// Whole lines at the end that are no records: somebody else wrote them. They are kept in the segment
    /// that they were found in, or, where there was no record before them, in a file `….before-…`.
    pub foreign_lines: u64,
    /// The last record, without its newline; `None` in a new log.
    pub last_line: Option<Vec<u8>>,
    /// The number of the last record; 0 in a new log.
    pub last_sequence: u64,
}

/// Which lines are records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records {
    pub(crate) sequence_of: Option<SequenceOf>,
    /// The number that the records are behind: an older file put in the log's place holds none of its records.
    pub(crate) after: u64,
}

impl Records {
    pub(crate) fn is(&self, line: &[u8]) -> bool {
        match self.sequence_of {
            Some(of) => of(line).is_some_and(|number| number > self.after && number < u64::MAX),
            // Of lines without numbers only these are surely none: a crash leaves NULs where data was to come.
            None => !line.is_empty() && !line.contains(&0),
        }
    }
}

/// The end of a file of lines.
pub(crate) struct Tail {
    /// The length up to and with the last newline.
    pub(crate) whole: u64,
    /// How many lines there are up to and with the last record.
    pub(crate) records: u64,
    /// Whole lines behind it.
    pub(crate) foreign: u64,
    /// The last record, without its newline.
    pub(crate) last_record: Option<Vec<u8>>,
    /// And its number.
    pub(crate) last_sequence: u64,
}

/// Reads a file of lines from its beginning to its end, in constant memory.
pub(crate) fn scan(file: &mut File, records: Records) -> io::Result<Tail> {
    file.seek(SeekFrom::Start(0))?;
    let (mut whole, mut lines, mut offset) = (0, 0, 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            break;
        }
        let block = &buffer[..read];
        lines += memchr::memchr_iter(b'\n', block).count() as u64;
        if let Some(newline) = memchr::memrchr(b'\n', block) {
            whole = offset + newline as u64 + 1;
        }
        offset += read as u64;
    }
    // From the last line backwards, to the last one that is a record.
    let mut foreign = 0;
    let mut end = whole;
    let mut last_record = None;
    while end > 0 && last_record.is_none() {
        let line = line_before(file, end)?;
        end -= line.len() as u64;
        match line.strip_suffix(b"\n") {
            Some(line) if records.is(line) => last_record = Some(line.to_vec()),
            _ => foreign += 1,
        }
    }
    let number = records.sequence_of.zip(last_record.as_deref()).and_then(|(of, line)| of(line));
    let last_sequence = number.unwrap_or(records.after + lines - foreign);
    Ok(Tail { whole, records: lines - foreign, foreign, last_record, last_sequence })
}

/// The last record among lines, without its newline.
pub(crate) fn last_record(
    mut lines: impl BufRead,
    sequence_of: Option<SequenceOf>,
) -> io::Result<Option<Vec<u8>>> {
    let records = Records { sequence_of, after: 0 };
    let (mut last, mut line) = (None, Vec::new());
    while lines.read_until(b'\n', &mut line)? > 0 {
        line.pop_if(|byte| *byte == b'\n');
        if records.is(&line) {
            std::mem::swap(last.get_or_insert_default(), &mut line);
        }
        line.clear();
    }
    Ok(last)
}

/// The line, with its newline, that ends at `end`.
fn line_before(file: &mut File, end: u64) -> io::Result<Vec<u8>> {
    let mut chunks = Vec::new();
    let mut start = end;
    let mut step = 4096;
    while start > 0 {
        let length = start.min(step);
        start -= length;
        let mut chunk = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut chunk)?;
        // The line's own newline is not the one before it.
        let searched = if chunks.is_empty() { chunk.len() - 1 } else { chunk.len() };
        let newline = memchr::memrchr(b'\n', &chunk[..searched]);
        chunk.drain(..newline.map_or(0, |at| at + 1));
        chunks.push(chunk);
        if newline.is_some() {
            break;
        }
        step *= 2;
    }
    chunks.reverse();
    Ok(chunks.concat())
}
