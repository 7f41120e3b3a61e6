//! Blocks of whole lines out of a reader.

use std::io::{self, Read};

use memchr::{memchr, memrchr};

use crate::MAX_VALUE;

/// Takes lines from a reader, many at once.
#[derive(Debug)]
pub(crate) struct Blocks<'b, R> {
    reader: R,
    buffer: &'b mut Vec<u8>,
    /// What was handed out ends here.
    start: usize,
    filled: usize,
    /// Where the buffer begins in what is read.
    offset: u64,
    /// Lines that begin from here on are not taken.
    end: u64,
    /// Whether it is in a line that is not wanted.
    is_skipping: bool,
    is_over: bool,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<'n> {
    /// Lines with their newlines.
    Lines(&'n [u8]),
    /// What stands behind the last newline.
    Last(&'n [u8]),
    /// The beginning of a line that is longer than [`MAX_VALUE`].
    TooLong(&'n [u8]),
}

/// What is shown of a line that is too long.
const SHOWN: usize = 1024;

/// Behind the end, only the rest of a line is wanted.
const REST: usize = 16 << 10;

impl<'b, R: Read> Blocks<'b, R> {
    /// All lines of a reader.
    pub(crate) fn new(reader: R, buffer: &'b mut Vec<u8>) -> Self {
        let offset = 0;
        Self {
            reader,
            buffer,
            start: 0,
            filled: 0,
            offset,
            end: u64::MAX,
            is_skipping: false,
            is_over: false,
        }
    }

    /// The lines that begin in a range of what is read, of which the reader begins one byte earlier, if there is one.
    pub(crate) fn within(reader: R, buffer: &'b mut Vec<u8>, start: u64, end: u64) -> Self {
        let is_skipping = start > 0;
        let offset = start.saturating_sub(1);
        Self { reader, buffer, start: 0, filled: 0, offset, end, is_skipping, is_over: false }
    }

    /// The next lines, and where they begin.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u64, Next<'_>)>> {
        loop {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.offset += self.start as u64;
            self.filled -= self.start;
            self.start = 0;
            if self.is_over || self.offset >= self.end {
                return Ok(None);
            }
            if self.filled == self.buffer.len() {
                if self.filled > MAX_VALUE {
                    let offset = self.offset;
                    self.is_skipping = true;
                    self.start = self.filled;
                    return Ok(Some((offset, Next::TooLong(&self.buffer[..SHOWN]))));
                }
                let length = self.buffer.len() * 2;
                self.buffer.resize(length, 0);
            }
            let before = self.filled;
            let left = self.end.saturating_sub(self.offset + before as u64);
            let wanted = before.saturating_add(usize::try_from(left).unwrap_or(usize::MAX).max(REST));
            let wanted = wanted.min(self.buffer.len());
            let read = match self.reader.read(&mut self.buffer[before..wanted]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            self.filled += read;
            if read == 0 {
                self.is_over = true;
                let last = &self.buffer[..self.filled];
                let is_none = self.is_skipping || last.is_empty();
                return Ok((!is_none).then_some((self.offset, Next::Last(last))));
            }
            let mut from = 0;
            if self.is_skipping {
                let Some(newline) = memchr(b'\n', &self.buffer[..self.filled]) else {
                    self.start = self.filled;
                    continue;
                };
                self.is_skipping = false;
                from = newline + 1;
                self.start = from;
            }
            let Some(last) = memrchr(b'\n', &self.buffer[before.max(from)..self.filled]) else { continue };
            let mut cut = before.max(from) + last + 1;
            if self.offset + cut as u64 > self.end {
                if self.offset + from as u64 >= self.end {
                    self.is_over = true;
                    return Ok(None);
                }
                let end = usize::try_from(self.end - 1 - self.offset).unwrap_or(usize::MAX).min(cut - 1);
                cut = memchr(b'\n', &self.buffer[end..cut]).map_or(cut, |newline| end + newline + 1);
                self.is_over = true;
            }
            self.start = cut;
            return Ok(Some((self.offset + from as u64, Next::Lines(&self.buffer[from..cut]))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a few bytes at a time.
    struct Slow<'t>(&'t [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(buffer.len()).min(self.0.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn taken(blocks: &mut Blocks<'_, Slow<'_>>, found: &mut Vec<(u64, String)>) {
        while let Some((mut offset, next)) = blocks.next().unwrap() {
            let (Next::Lines(text) | Next::Last(text)) = next else { panic!("{next:?}") };
            for line in text.split_inclusive(|byte| *byte == b'\n') {
                found.push((offset, String::from_utf8(line.to_vec()).unwrap()));
                offset += line.len() as u64;
            }
        }
    }

    #[test]
    fn every_line_is_in_one_range_however_it_is_cut() {
        for text in ["", "\n", "a", "a\nbcd\n\nefghijklmnopqrst\nu", "\n\na\n", "abcdefgh\n"] {
            let mut at = 0;
            let lines: Vec<(u64, String)> = text
                .split_inclusive('\n')
                .map(|line| {
                    at += line.len() as u64;
                    (at - line.len() as u64, line.to_owned())
                })
                .collect();
            let length = text.len() as u64;
            for size in 1..=length + 1 {
                for (slow, buffer) in [(1, 1), (3, 2), (100, 4), (100, 100)] {
                    let mut found = Vec::new();
                    let mut start = 0;
                    while start < length {
                        let end = start + size;
                        let reader = Slow(&text.as_bytes()[start.saturating_sub(1) as usize..], slow);
                        let mut buffer = vec![0; buffer];
                        taken(&mut Blocks::within(reader, &mut buffer, start, end), &mut found);
                        start = end;
                    }
                    assert_eq!(found, lines, "{text:?} by {size}");
                }
            }
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_the_next_is_found() {
        let long = format!("a\n{}\nb\n", "x".repeat(3 * MAX_VALUE));
        let mut buffer = vec![0; 1 << 20];
        let mut blocks = Blocks::new(long.as_bytes(), &mut buffer);
        assert_eq!(blocks.next().unwrap(), Some((0, Next::Lines(b"a\n"))));
        assert!(matches!(blocks.next().unwrap(), Some((2, Next::TooLong(_)))));
        let last = 3 + 3 * MAX_VALUE as u64;
        assert_eq!(blocks.next().unwrap(), Some((last, Next::Lines(b"b\n"))));
        assert_eq!(blocks.next().unwrap(), None);
    }
}
