use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::file::identity;
use crate::{Segment, SequenceOf, segments};

/// Reads the records of a log in their order, from any number on, while it is being written.
///
/// It goes through rotated segments, compressed or not, and on into the active file, and
/// notices when that is rotated under it. It needs no lock and no writer. Lines without a
/// number, where records have numbers, are somebody else's, and are passed over.
pub struct Reader {
    log: PathBuf,
    sequence_of: Option<SequenceOf>,
    next: u64,
    current: Option<Current>,
    line: Vec<u8>,
    /// The number of the line in `line`, when that was read and may not be given out yet.
    pending: Option<u64>,
    /// What the last call was told to be acknowledged.
    acknowledged: u64,
    /// Where records were missing, and how often the files were looked at again.
    missing: (u64, u8),
}

struct Current {
    source: Source,
    /// How far the file is read, in whole lines.
    offset: u64,
    /// The number of the line that comes next in the file, where lines are counted.
    number: u64,
    place: Place,
}

enum Source {
    Plain(BufReader<File>),
    Packed(Box<BufReader<MultiGzDecoder<BufReader<File>>>>),
}

#[derive(Clone, Copy)]
enum Place {
    /// A rotated segment, and its last record's number.
    Rotated { last: u64 },
    /// The active file: what it is, to see when another takes its place.
    Active { identity: (u64, u64) },
    /// A file that was the active one: what was written to it before it was rotated is still to be read.
    Left,
}

/// How often records are looked for before they are taken for gone.
const LOOKS: u8 = 3;

/// A record as it stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line<'a> {
    /// Its sequence number.
    pub sequence_number: u64,
    /// Its bytes, without the newline.
    pub bytes: &'a [u8],
}

impl Reader {
    /// Begins with record `sequence_number` of the log at `log`, or the first one behind it that is there.
    #[must_use]
    pub fn from_sequence(log: &Path, sequence_number: u64) -> Self {
        let next = sequence_number.max(1);
        Self {
            log: log.to_owned(),
            sequence_of: None,
            next,
            current: None,
            line: Vec::new(),
            pending: None,
            acknowledged: 0,
            missing: (0, 0),
        }
    }

    /// Takes the numbers from the records themselves instead of counting lines.
    #[must_use]
    pub fn numbered_by(mut self, sequence_of: SequenceOf) -> Self {
        self.sequence_of = Some(sequence_of);
        self
    }

    /// The next record, or `None` when there is none yet: it can be asked again later.
    ///
    /// Of a log that is being written this may be a record that is not acknowledged yet, and if it cannot be made
    /// durable, never will be: see [`next_until`](Self::next_until).
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.next_until(u64::MAX)
    }

    /// The next record, if its number is not beyond `last`, the last acknowledged one: what is not may still be
    /// replaced in the file, and nothing of it is read ahead.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn next_until(&mut self, last: u64) -> io::Result<Option<Line<'_>>> {
        match self.advance(last) {
            Ok(Some(sequence_number)) => Ok(Some(Line { sequence_number, bytes: &self.line })),
            Ok(None) => Ok(None),
            Err(error) => {
                // Whatever was half read is read again, from a file that is opened anew.
                self.current = None;
                self.pending = None;
                Err(error)
            }
        }
    }

    /// Reads the next record into `line`, and returns its number.
    fn advance(&mut self, last: u64) -> io::Result<Option<u64>> {
        if self.pending.is_none() && (self.next > last || self.acknowledged < last) {
            // What was read ahead when less was acknowledged may have been cut off and written again since.
            self.current.iter_mut().try_for_each(Current::forget_what_was_read_ahead)?;
        }
        self.acknowledged = last;
        if self.next > last {
            return Ok(None);
        }
        if let Some(number) = self.pending {
            if number > last {
                return Ok(None);
            }
            self.pending = None;
            self.next = number.saturating_add(1);
            return Ok(Some(number));
        }
        loop {
            if self.current.is_none() {
                self.current = self.open()?;
            }
            let Some(current) = &mut self.current else { return Ok(None) };
            self.line.clear();
            let read = current.source.read_line(&mut self.line)?;
            if self.line.pop_if(|byte| *byte == b'\n').is_some() {
                let counted = current.number;
                current.number += 1;
                current.offset += read as u64;
                let number = match self.sequence_of {
                    Some(of) => of(&self.line),
                    None => Some(counted),
                };
                let is_wanted = |number: &u64| *number >= self.next && *number <= current.place.last();
                let Some(number) = number.filter(is_wanted) else { continue };
                if number > self.next && self.missing != (self.next, LOOKS) {
                    // A file may have been renamed or compressed while it was looked for.
                    let looks = if self.missing.0 == self.next { self.missing.1 } else { 0 };
                    self.missing = (self.next, looks + 1);
                    self.current = None;
                    continue;
                }
                if number > last {
                    match current.source {
                        // There is no way back in it, and nothing in it is written again.
                        Source::Packed(_) => self.pending = Some(number),
                        Source::Plain(_) => {
                            current.number -= 1;
                            current.offset -= read as u64;
                            current.forget_what_was_read_ahead()?;
                        }
                    }
                    return Ok(None);
                }
                self.next = number.saturating_add(1);
                return Ok(Some(number));
            }
            match current.place {
                Place::Active { identity: opened } => {
                    current.forget_what_was_read_ahead()?;
                    match std::fs::metadata(&self.log) {
                        Ok(now) if identity(&now) == opened && now.len() >= current.offset => {
                            return Ok(None);
                        }
                        _ => current.place = Place::Left,
                    }
                    continue;
                }
                // However few lines a damaged segment has, the next file is another one.
                Place::Rotated { last } => self.next = self.next.max(last.saturating_add(1)),
                Place::Left => {}
            }
            self.current = None;
        }
    }

    fn open(&self) -> io::Result<Option<Current>> {
        let missing_is_none =
            |error: io::Error| if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) };
        loop {
            let rotated = match segments(&self.log) {
                Ok(rotated) => rotated,
                Err(error) => return missing_is_none(error),
            };
            if let Some(segment) = rotated.iter().find(|segment| segment.last_sequence >= self.next) {
                if segment.first_sequence > self.next && segments(&self.log)? != rotated {
                    // The missing one may have been compressed while the directory was read.
                    continue;
                }
                match Source::open(segment) {
                    Ok(source) => {
                        let place = Place::Rotated { last: segment.last_sequence };
                        return Ok(Some(Current {
                            source,
                            offset: 0,
                            number: segment.first_sequence,
                            place,
                        }));
                    }
                    // It was compressed, or deleted, since the directory was read.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
            }
            // Opening a FIFO would wait for somebody to write to it.
            if !self.log.is_file() {
                return Ok(None);
            }
            let file = match File::open(&self.log) {
                Ok(file) => file,
                Err(error) => return missing_is_none(error),
            };
            // Unchanged segments mean that the file just opened is the one behind them.
            if segments(&self.log)? == rotated {
                let number = rotated.last().map_or(1, |segment| segment.last_sequence + 1);
                let place = Place::Active { identity: identity(&file.metadata()?) };
                let source = Source::Plain(BufReader::with_capacity(1 << 17, file));
                return Ok(Some(Current { source, offset: 0, number, place }));
            }
        }
    }
}

impl Current {
    /// What stands behind the last whole line may be cut off and written again.
    fn forget_what_was_read_ahead(&mut self) -> io::Result<()> {
        match &mut self.source {
            Source::Plain(file) => file.seek(SeekFrom::Start(self.offset)).map(drop),
            Source::Packed(_) => Ok(()),
        }
    }
}

impl Place {
    /// The last number that may be there.
    fn last(self) -> u64 {
        match self {
            Self::Rotated { last } => last,
            Self::Active { .. } | Self::Left => u64::MAX,
        }
    }
}

impl Source {
    fn open(segment: &Segment) -> io::Result<Self> {
        let file = BufReader::with_capacity(1 << 17, File::open(&segment.path)?);
        Ok(if segment.is_compressed() {
            Self::Packed(Box::new(BufReader::with_capacity(1 << 17, MultiGzDecoder::new(file))))
        } else {
            Self::Plain(file)
        })
    }

    fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read_until(b'\n', line),
            Self::Packed(file) => file.read_until(b'\n', line),
        }
    }
}

/// Opens a segment for reading, compressed or not.
pub(crate) fn open_segment(segment: &Segment) -> io::Result<Box<dyn BufRead + Send>> {
    Ok(match Source::open(segment)? {
        Source::Plain(file) => Box::new(file),
        Source::Packed(file) => file,
    })
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("log", &self.log).field("next", &self.next).finish_non_exhaustive()
    }
}
