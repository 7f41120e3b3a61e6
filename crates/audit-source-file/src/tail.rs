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
    /// The same of the file that is at the path: what came and went before it is to be looked for first.
    ToBegin,
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
        if self.length < position.max(self.head.len() as u64) {
            return Ok(Step::Replaced(TRUNCATED));
        }
        self.unlinked = metadata.nlink() == 0;
        let is_begun = self.is_begun();
        let modified = metadata.modified().ok().filter(|_| is_begun || self.rotated).unwrap_or(self.modified);
        if self.length == position {
            // Another content may be as long.
            if modified != self.modified && !self.has_before()? {
                return Ok(Step::Replaced(REWRITTEN));
            }
            self.modified = modified;
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
        if position > 0 || bytes.starts_with(&self.head) {
            self.modified = modified;
        }
        // Room that the writer has made for itself, or a hole that a truncation left before its next line.
        let new = trim_zeros(new);
        if new.is_empty() {
            return self.pass_hole(position, into);
        }
        if position == 0 {
            if !new.starts_with(&self.head) {
                return Ok(Step::Replaced(REWRITTEN));
            }
            if !is_begun {
                return Ok(match self.beginning(new) {
                    [] => Step::End,
                    _ if !self.rotated => Step::ToBegin,
                    beginning => {
                        self.head = beginning.to_vec();
                        Step::Begun
                    }
                });
            }
            self.head = new[..new.len().min(HEAD)].to_vec();
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
                    // The rest of a line may have come since the zeros were read.
                    if read_at(&self.file, position, 1)? != [0] {
                        return Ok(Step::Read);
                    }
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

    fn has_before(&self) -> io::Result<bool> {
        let from = self.lines.position() - self.before.len() as u64;
        Ok(read_at(&self.file, from, self.before.len())? == self.before)
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

    /// Whether it is known by which bytes it begins.
    pub(crate) fn is_begun(&self) -> bool {
        !self.head.is_empty() || self.lines.position() > 0
    }

    /// Notes by which bytes it begins, if it has as much as tells it from others: from now on it is noticed when it begins with others.
    pub(crate) fn begin(&mut self) -> io::Result<bool> {
        if self.is_begun() {
            return Ok(false);
        }
        let bytes = read_at(&self.file, 0, HEAD)?;
        self.head = self.beginning(trim_zeros(&bytes)).to_vec();
        Ok(!self.head.is_empty())
    }

    /// As much of these first bytes as tells a file from others, which half a line may not.
    fn beginning<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let bytes = &bytes[..bytes.len().min(HEAD)];
        match self.rotated || bytes.len() == HEAD || bytes.contains(&b'\n') {
            true => bytes,
            false => &[],
        }
    }

    /// When the file, of which nothing was read, was emptied again since it was seen first.
    pub(crate) fn emptied_again(&self) -> Option<SystemTime> {
        let metadata = self.file.metadata().ok().filter(|metadata| metadata.len() == 0)?;
        metadata.modified().ok().filter(|modified| *modified != self.modified)
    }

    /// Whether another file has this one's first bytes, or as many of them as it has bytes at all. Of holes nobody can tell.
    pub(crate) fn begins_as(&self, other: &File) -> io::Result<bool> {
        let theirs = read_at(other, 0, self.head.len())?;
        let is_telling = theirs.len() == self.head.len() || theirs.contains(&b'\n');
        Ok(is_telling && self.head.starts_with(&theirs) && !trim_zeros(&theirs).is_empty())
    }

    /// Whether another file is a copy of this one that goes to this position at least, though not as far as this one's first bytes.
    pub(crate) fn is_within(&self, other: &File, position: &Position) -> io::Result<bool> {
        Ok((position.offset..self.head.len() as u64).contains(&other.metadata()?.len())
            && self.begins_as(other)?)
    }

    /// Whether it holds lines of another beginning than the one that was read.
    pub(crate) fn holds_another(&self) -> io::Result<bool> {
        let bytes = read_at(&self.file, 0, HEAD)?;
        let is_telling = bytes.len() == HEAD || bytes.contains(&b'\n');
        Ok(self.is_begun() && is_telling && !self.begins_as(&self.file)?)
    }

    /// Whether it was rotated away, read to its end and then written over, as a copy is by the next one. Nothing of it is missing.
    pub(crate) fn was_overwritten(&self) -> io::Result<bool> {
        if !self.rotated || !self.is_settled() || !self.was_read_to_its_end() {
            return Ok(false);
        }
        let metadata = self.file.metadata()?;
        let is_as_before = metadata.len() == self.length && metadata.modified()? == self.modified;
        Ok(!is_as_before && self.holds_another()?)
    }

    /// Up to where anything of it was seen.
    pub(crate) fn seen(&self) -> u64 {
        self.lines.position().max(self.head.len() as u64)
    }

    /// Whether all that was found in it, when it was looked at last, was read.
    pub(crate) fn was_read_to_its_end(&self) -> bool {
        self.quiet_since.is_some() && !self.is_within_line()
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

/// Without the zeros at the end.
pub(crate) fn trim_zeros(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)]
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::os::unix::fs::FileExt as _;

    use super::{Step, Tail};

    #[test]
    fn a_line_that_goes_on_where_zeros_were_is_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.log");
        let writer = OpenOptions::new().write(true).create_new(true).open(&path).unwrap();
        writer.write_all_at(b"one\ntw", 0).unwrap();
        writer.set_len(4096).unwrap();
        let mut tail = Tail::new(1, &path, File::open(&path).unwrap()).unwrap();
        assert!(tail.begin().unwrap());
        let mut found = Vec::new();
        assert_eq!(tail.step(&mut found).unwrap(), Step::Read);
        assert_eq!(tail.step(&mut found).unwrap(), Step::End);
        // Between one call and the next.
        writer.write_all_at(b"o\n", 6).unwrap();
        tail.hole = None;
        assert_eq!(tail.pass_hole(6, &mut found).unwrap(), Step::Read);
        assert_eq!(tail.step(&mut found).unwrap(), Step::Read);
        let lines: Vec<_> =
            found.iter().map(|found| (found.line.start, found.line.text.as_slice())).collect();
        assert_eq!(lines, [(0, b"one".as_slice()), (4, b"two")]);
    }
}
