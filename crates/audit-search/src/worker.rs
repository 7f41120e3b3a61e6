//! What one thread does: reads, finds, judges, folds.

use std::io::{self, BufReader, Cursor, Read};

use memchr::{memchr, memrchr};

use crate::blocks::{Blocks, Next};
use crate::hit::{BadLine, Hit};
use crate::judge::{Judge, Special, Verdict};
use crate::layout::{Layout, layout};
use crate::outbox::Outbox;
use crate::place::{Lines, Place};
use crate::plain_file::From;
use crate::sieve::Sieve;
use crate::wanted::Wanted;
use crate::{Ends, JsonStream, MAX_VALUE, Visitor};

/// So large may a part grow before it is handed over, of a piece that is not in front.
const PART: usize = 1 << 20;

/// Between two looks at which text is the rarest, in blocks.
const LOOKS: u32 = 64;

/// One of a scan's threads.
pub(crate) struct Worker<'s, V: Visitor> {
    pub(crate) judge: Judge<'s>,
    pub(crate) wanted: Option<&'s Wanted>,
    pub(crate) visitor: &'s V,
    pub(crate) outbox: &'s Outbox<V::Part>,
    pub(crate) chooser: Chooser<'s>,
    pub(crate) buffer: Vec<u8>,
    pub(crate) special: Special,
}

/// Which texts to look for.
#[derive(Debug)]
pub(crate) struct Chooser<'s> {
    sieve: Option<&'s Sieve>,
    /// The group whose texts are the rarest, if they are rare.
    rarest: Option<usize>,
    blocks: u32,
}

/// Where a block is.
#[derive(Clone, Copy)]
struct Where<'w> {
    name: &'w str,
    lines: Lines<'w>,
}

impl<'s> Chooser<'s> {
    pub(crate) fn new(sieve: Option<&'s Sieve>) -> Self {
        Self { sieve, rarest: None, blocks: 0 }
    }

    /// The texts to look for in that block, if it is worth while.
    fn choose(&mut self, block: &[u8]) -> Option<(&'s Sieve, usize)> {
        /// When there is one in that many bytes, its line may as well be read at once.
        const COMMON: usize = 2048;
        let sieve = self.sieve?;
        if self.blocks.is_multiple_of(LOOKS) {
            let common = block.len() / COMMON + 1;
            let counts = (0..sieve.len()).map(|group| (sieve.count(group, block, common), group));
            self.rarest = counts.min().filter(|(count, _)| *count < common).map(|(_, group)| group);
        }
        self.blocks = self.blocks.wrapping_add(1);
        self.rarest.map(|group| (sieve, group))
    }
}

impl<V: Visitor> Worker<'_, V> {
    /// Reads the lines that begin in a range of a file.
    pub(crate) fn range(&mut self, piece: u64, reader: From<'_>, start: u64, end: u64) -> io::Result<()> {
        let file = reader.file;
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut blocks = Blocks::within(reader, &mut buffer, start, end);
        let lines = |offset| Where { name: &file.name, lines: Lines::Of(file, offset) };
        let mut part = V::Part::default();
        let outcome = loop {
            match blocks.next() {
                Ok(Some((offset, next))) => {
                    self.next(&next, lines(offset), &mut part);
                    if !self.hand_over(piece, &mut part, false) {
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.hand_over(piece, &mut part, true);
        self.buffer = buffer;
        outcome
    }

    /// Reads all of a reader, whose text is not compressed.
    pub(crate) fn stream(
        &mut self,
        piece: u64,
        name: &str,
        reader: impl Read,
        layout_known: Option<Layout>,
    ) -> io::Result<()> {
        let mut part = V::Part::default();
        let outcome = self.stream_into(piece, name, reader, layout_known, &mut part);
        self.hand_over(piece, &mut part, true);
        outcome
    }

    fn stream_into(
        &mut self,
        piece: u64,
        name: &str,
        mut reader: impl Read,
        mut known: Option<Layout>,
        part: &mut V::Part,
    ) -> io::Result<()> {
        if known == Some(Layout::Spread) {
            return self.spread(piece, name, reader, part);
        }
        let mut begun = Vec::new();
        if known.is_none() {
            let mut chunk = vec![0; 16 << 10];
            while known.is_none() {
                let read = match reader.read(&mut chunk) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    other => other?,
                };
                begun.extend_from_slice(&chunk[..read]);
                known = layout(&begun, read == 0);
            }
        }
        let reader = Cursor::new(begun).chain(reader);
        if known == Some(Layout::Spread) {
            return self.spread(piece, name, reader, part);
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut blocks = Blocks::new(reader, &mut buffer);
        let mut line = 1;
        let outcome = loop {
            match blocks.next() {
                Ok(Some((_, next))) => {
                    self.next(&next, Where { name, lines: Lines::Number(line) }, part);
                    line += match next {
                        Next::Lines(lines) => memchr::memchr_iter(b'\n', lines).count() as u64,
                        Next::TooLong(_) => 1,
                        Next::Last(_) => 0,
                    };
                    if !self.hand_over(piece, part, false) {
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.buffer = buffer;
        outcome
    }

    /// Hands over the part if it is time; false when no more is wanted.
    fn hand_over(&self, piece: u64, part: &mut V::Part, is_last: bool) -> bool {
        if self.outbox.is_stopped() {
            return false;
        }
        let size = self.visitor.size(part);
        if is_last || self.outbox.is_front(piece) || size >= PART {
            self.outbox.push(piece, std::mem::take(part), size);
        }
        true
    }

    fn next(&mut self, next: &Next<'_>, at: Where<'_>, part: &mut V::Part) {
        match next {
            Next::Lines(lines) => self.lines(lines, at, part),
            Next::Last(line) => {
                // It may be torn, and then only reading all of it tells.
                if !line.trim_ascii().is_empty() {
                    let verdict = self.judge.thorough(line);
                    let place = Place { name: at.name, lines: at.lines, before: &[] };
                    visit(self.visitor, None, verdict, line, place, part);
                }
            }
            Next::TooLong(line) => {
                let place = Place { name: at.name, lines: at.lines, before: &[] };
                let why = format!("longer than {MAX_VALUE} bytes");
                self.visitor.bad_line(part, &BadLine { text: line, why, place });
            }
        }
    }

    /// Lines, each with its newline.
    fn lines(&mut self, block: &[u8], at: Where<'_>, part: &mut V::Part) {
        let is_special = self.special.is_in(block);
        let mut from = 0;
        match self.chooser.choose(block) {
            Some((sieve, group)) if !is_special => {
                while let Some(found) = sieve.next(group, block, from) {
                    let start =
                        memrchr(b'\n', &block[from..found]).map_or(from, |newline| from + newline + 1);
                    let end = memchr(b'\n', &block[found..]).map_or(block.len(), |newline| found + newline);
                    if sieve.lets_pass(&block[start..end], Some(group)) {
                        self.line(block, start, end, false, at, part);
                    }
                    from = end + 1;
                }
            }
            Some((sieve, _)) => {
                while from < block.len() {
                    let end = memchr(b'\n', &block[from..]).map_or(block.len(), |newline| from + newline);
                    let line = &block[from..end];
                    let is_special = self.special.is_in(line);
                    if is_special || sieve.lets_pass(line, None) {
                        self.line(block, from, end, is_special, at, part);
                    }
                    from = end + 1;
                }
            }
            None => {
                while from < block.len() {
                    let end = memchr(b'\n', &block[from..]).map_or(block.len(), |newline| from + newline);
                    self.line(block, from, end, is_special, at, part);
                    from = end + 1;
                }
            }
        }
    }

    #[inline]
    fn line(
        &mut self,
        block: &[u8],
        start: usize,
        end: usize,
        may_be_special: bool,
        at: Where<'_>,
        part: &mut V::Part,
    ) {
        let line = &block[start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.first().is_none_or(u8::is_ascii_whitespace) && line.trim_ascii().is_empty() {
            return;
        }
        let (visitor, wanted) = (self.visitor, self.wanted);
        let place = Place { name: at.name, lines: at.lines, before: &block[..start] };
        self.judge.judge(line, may_be_special, |verdict| visit(visitor, wanted, verdict, line, place, part));
    }

    /// Values that are laid out in any way, one after another.
    fn spread(&mut self, piece: u64, name: &str, reader: impl Read, part: &mut V::Part) -> io::Result<()> {
        let mut stream = JsonStream::new(BufReader::with_capacity(64 << 10, reader));
        let mut since = 0;
        while let Some(value) = stream.next_piece()? {
            let place = Place { name, lines: Lines::Number(value.line), before: &[] };
            if value.ends == Ends::TooLong {
                let why = format!("longer than {MAX_VALUE} bytes");
                self.visitor.bad_line(part, &BadLine { text: &value.text, why, place });
            } else {
                let (visitor, wanted) = (self.visitor, self.wanted);
                let text = &value.text;
                if value.ends == Ends::Whole {
                    self.judge
                        .judge(text, true, |verdict| visit(visitor, wanted, verdict, text, place, part));
                } else {
                    visit(visitor, None, self.judge.thorough(text), text, place, part);
                }
            }
            since += value.text.len();
            if since > PART / 4 {
                since = 0;
                if !self.hand_over(piece, part, false) {
                    break;
                }
            }
        }
        Ok(())
    }
}

#[inline]
fn visit<V: Visitor>(
    visitor: &V,
    wanted: Option<&Wanted>,
    verdict: Verdict<'_>,
    line: &[u8],
    place: Place<'_>,
    part: &mut V::Part,
) {
    match verdict {
        Verdict::No => {}
        Verdict::Yes(tokens) => {
            if let Some(wanted) = wanted {
                visitor.hit(part, &Hit::found(line, place, wanted, tokens));
            }
        }
        Verdict::Whole(event) => visitor.hit(part, &Hit::whole(line, place, *event)),
        Verdict::NoEvent(why) => {
            visitor.bad_line(part, &BadLine { text: line, why: why.to_string(), place });
        }
    }
}
