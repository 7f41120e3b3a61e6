use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::lines::{Line, Lines};
use crate::look::FileLine;
use crate::position::{Position, identity};
use crate::print::{HEAD, Print, TAIL, read_at};

/// How much is read of a file at once, in bytes.
const CHUNK: usize = 256 << 10;

/// One open file, from a position on.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) id: u64,
    file: File,
    pub(crate) identity: (u64, u64),
    generation: Arc<str>,
    path: Arc<str>,
    lines: Lines,
    /// How many lines were read, from where reading began.
    count: u64,
    /// The file's first bytes.
    head: Vec<u8>,
    /// The bytes before what is read next. They are read again each time: other bytes there are another file's.
    before: Vec<u8>,
    /// The last bytes of the last whole line that was read.
    last_line: Vec<u8>,
    committed: Committed,
    pub(crate) length: u64,
    pub(crate) modified: SystemTime,
    unlinked: bool,
    /// Whether another file has its path now.
    pub(crate) rotated: bool,
    /// A place and the file's length, where only zeros are between.
    hole: Option<(u64, u64)>,
    /// Since when nothing was written to it.
    pub(crate) quiet_since: Option<Instant>,
}

/// Up to where its lines are durable.
#[derive(Clone, Debug, Default)]
struct Committed {
    offset: u64,
    lines: u64,
    last_line: Vec<u8>,
}

/// What reading on brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is something to read in a file that was empty: which file it is can be kept now, before anything of it is recorded.
    Begun,
    Read,
    End,
    /// What was read is not there any more: why that is known.
    Replaced(&'static str),
}

pub(crate) const TRUNCATED: &str = "the file was truncated; what had been written to it and was not read yet is lost, and no copy of it was found";
pub(crate) const REWRITTEN: &str = "the file was truncated and written anew, or changed before this place; what had been written to it and \
     was not read yet is lost, and no copy of it was found";
/// What a network file system says of a file that it has lost sight of.
pub(crate) const STALE: &str = "the file has to be opened again";

impl Tail {
    /// A file that is new.
    pub(crate) fn new(id: u64, path: &Path, file: File) -> io::Result<Self> {
        let generation = uuid::Uuid::now_v7().simple().to_string();
        Self::at(id, path, file, &generation, (0, 0), 0)
    }

    /// From the file's end on, or from the end of its last whole line.
    pub(crate) fn from_end(id: u64, path: &Path, file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let mut end = length;
        while end > 0 {
            let from = end.saturating_sub(64 << 10);
            let bytes = read_at(&file, from, (end - from) as usize)?;
            if let Some(newline) = memchr::memrchr(b'\n', &bytes) {
                end = from + newline as u64 + 1;
                break;
            }
            end = from;
        }
        let mut tail = Self::new(id, path, file)?;
        tail.seek(end, end)?;
        Ok(tail)
    }

    /// From where it was read to before.
    pub(crate) fn resume(id: u64, position: &Position, file: File) -> io::Result<Self> {
        Self::at(
            id,
            &position.path,
            file,
            &position.generation,
            (position.offset, position.head.length),
            position.lines,
        )
    }

    fn at(
        id: u64,
        path: &Path,
        file: File,
        generation: &str,
        (offset, head): (u64, u64),
        count: u64,
    ) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let mut tail = Self {
            id,
            file,
            identity: identity(&metadata),
            generation: generation.into(),
            path: path.to_string_lossy().into(),
            lines: Lines::new(0),
            count,
            head: Vec::new(),
            before: Vec::new(),
            last_line: Vec::new(),
            committed: Committed::default(),
            length: metadata.len(),
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            unlinked: false,
            rotated: false,
            hole: None,
            quiet_since: None,
        };
        tail.seek(offset, head)?;
        Ok(tail)
    }

    /// Goes on from the beginning of a line; so much of the file's beginning is known.
    fn seek(&mut self, offset: u64, head: u64) -> io::Result<()> {
        let before = offset.min(TAIL as u64);
        self.head = read_at(&self.file, 0, offset.max(head).min(HEAD as u64) as usize)?;
        self.before = read_at(&self.file, offset - before, before as usize)?;
        self.last_line.clone_from(&self.before);
        self.lines = Lines::new(offset);
        self.committed = Committed { offset, lines: self.count, last_line: self.before.clone() };
        Ok(())
    }

    /// Reads the next piece.
    pub(crate) fn step(&mut self, into: &mut Vec<FileLine>) -> io::Result<Step> {
        match self.step_on(into) {
            Err(error) if error.kind() == io::ErrorKind::StaleNetworkFileHandle => Ok(Step::Replaced(STALE)),
            step => step,
        }
    }

    fn step_on(&mut self, into: &mut Vec<FileLine>) -> io::Result<Step> {
        let metadata = self.file.metadata()?;
        let position = self.lines.position();
        self.length = metadata.len();
        if self.length < position {
            return Ok(Step::Replaced(TRUNCATED));
        }
        self.unlinked = metadata.nlink() == 0;
        self.modified = metadata.modified().unwrap_or(self.modified);
        if self.length == position {
            return Ok(Step::End);
        }
        let known = self.before.len();
        // With the bytes before in one call, so that no truncation fits between looking at them and reading on.
        let bytes = read_at(&self.file, position - known as u64, known + CHUNK)?;
        let Some((before, new)) = bytes.split_at_checked(known) else {
            return Ok(Step::Replaced(TRUNCATED));
        };
        if before != self.before {
            return Ok(Step::Replaced(REWRITTEN));
        }
        // Room that the writer has made for itself, or a hole that a truncation left before its next line.
        let new = &new[..new.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)];
        if new.is_empty() {
            return self.pass_hole(position, into);
        }
        if position == 0 {
            if !new.starts_with(&self.head) {
                return Ok(Step::Replaced(REWRITTEN));
            }
            let first = self.head.is_empty();
            self.head = new[..new.len().min(HEAD)].to_vec();
            if first {
                return Ok(Step::Begun);
            }
        } else if self.head.len() < HEAD && self.head.len() as u64 == position {
            self.head.extend_from_slice(&new[..new.len().min(HEAD - self.head.len())]);
        }
        let mut lines = Vec::new();
        self.lines.feed(new, &mut lines);
        let read = &bytes[..known + new.len()];
        self.before = read[read.len().saturating_sub(TAIL)..].to_vec();
        self.quiet_since = None;
        for line in lines {
            self.last_line = last_bytes(&line, true);
            into.push(self.found(line));
        }
        Ok(Step::Read)
    }

    /// Goes on behind the zeros at `position`, if anything is behind them.
    fn pass_hole(&mut self, position: u64, into: &mut Vec<FileLine>) -> io::Result<Step> {
        let mut at = position;
        if self.hole == Some((position, self.length)) {
            return Ok(Step::End);
        }
        while at < self.length {
            let bytes = read_at(&self.file, at, CHUNK)?;
            match bytes.iter().position(|byte| *byte != 0) {
                Some(data) => {
                    at += data as u64;
                    self.finish(into);
                    self.lines.skip_to(at);
                    self.before =
                        read_at(&self.file, at - TAIL.min(at as usize) as u64, TAIL.min(at as usize))?;
                    return Ok(Step::Read);
                }
                None if bytes.is_empty() => break,
                None => at += bytes.len() as u64,
            }
        }
        self.hole = Some((position, self.length));
        Ok(Step::End)
    }

    /// Takes a last line without its newline as it is.
    pub(crate) fn finish(&mut self, into: &mut Vec<FileLine>) {
        if let Some(line) = self.lines.finish() {
            self.last_line = last_bytes(&line, false);
            into.push(self.found(line));
        }
    }

    fn found(&mut self, line: Line) -> FileLine {
        self.count += 1;
        let (path, generation) = (Arc::clone(&self.path), Arc::clone(&self.generation));
        FileLine { tail: self.id, path, generation, number: self.count, line }
    }

    /// Lines up to here are durable.
    pub(crate) fn commit(&mut self, offset: u64, lines: u64, last_line: Vec<u8>) {
        self.committed = Committed { offset, lines, last_line };
    }

    /// How much is not durable yet, in bytes.
    pub(crate) fn lag(&self) -> u64 {
        self.length.saturating_sub(self.committed.offset)
    }

    /// Whether nothing of it was read, and something was written to it.
    pub(crate) fn is_to_begin(&self) -> bool {
        let written = |metadata: std::fs::Metadata| {
            metadata.len() > 0 || metadata.modified().is_ok_and(|modified| modified != self.modified)
        };
        self.head.is_empty() && self.lines.position() == 0 && self.file.metadata().is_ok_and(written)
    }

    /// Whether another file begins as this one does.
    pub(crate) fn begins_as(&self, other: &File) -> io::Result<bool> {
        let (ours, theirs) = (read_at(&self.file, 0, HEAD)?, read_at(other, 0, HEAD)?);
        let length = ours.len().min(theirs.len());
        Ok(length > 0 && ours[..length] == theirs[..length])
    }

    pub(crate) fn is_within_line(&self) -> bool {
        self.lines.is_within_line()
    }

    pub(crate) fn is_unlinked(&self) -> bool {
        self.unlinked
    }

    /// Whether all that is in it is durable.
    pub(crate) fn is_complete(&self) -> bool {
        self.rotated && self.committed.offset == self.lines.position() && self.length <= self.committed.offset
    }

    /// Whether all that was read is durable.
    pub(crate) fn is_settled(&self) -> bool {
        self.committed.offset == self.lines.position()
    }

    /// Up to where it is durable.
    pub(crate) fn position(&self) -> Position {
        self.position_at(self.committed.offset, self.committed.lines, &self.committed.last_line)
    }

    /// Up to where its whole lines were read.
    pub(crate) fn read_position(&self) -> Position {
        self.position_at(self.lines.start(), self.count, &self.last_line)
    }

    fn position_at(&self, offset: u64, lines: u64, last_line: &[u8]) -> Position {
        Position {
            path: Path::new(&*self.path).to_owned(),
            generation: self.generation.to_string(),
            device: self.identity.0,
            inode: self.identity.1,
            offset,
            lines,
            head: Print::of(&self.head),
            tail: Print::of(last_line),
            complete: self.is_complete(),
        }
    }
}

/// The last bytes of a line, of which all are known; none of one that was too long.
pub(crate) fn last_bytes(line: &Line, newline: bool) -> Vec<u8> {
    if line.text.len() as u64 != line.length {
        return Vec::new();
    }
    let mut bytes = line.text[line.text.len().saturating_sub(TAIL - 1)..].to_vec();
    bytes.extend(newline.then_some(b'\n'));
    bytes
}
