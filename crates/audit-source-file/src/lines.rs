//! Bytes into lines, with the place of each.

use audit_source::MAX_EVENT;

/// How much is kept of a line that is longer than an event may be.
const FIRST_PART: usize = 64 << 10;

/// A line of a file, without its newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where its first byte is in the file.
    pub(crate) start: u64,
    /// Where the next line begins.
    pub(crate) end: u64,
    /// Its text, or the first part of it.
    pub(crate) text: Vec<u8>,
    /// How long it is.
    pub(crate) length: u64,
}

/// Splits what is read from a file into lines; what has no newline yet waits.
#[derive(Debug)]
pub(crate) struct Lines {
    start: u64,
    position: u64,
    partial: Vec<u8>,
    length: u64,
}

impl Lines {
    /// From this place in the file, where a line begins.
    pub(crate) fn new(start: u64) -> Self {
        Self { start, position: start, partial: Vec::new(), length: 0 }
    }

    /// Up to where the file was read.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Where the line begins that has not ended.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Whether a line has begun and not ended.
    pub(crate) fn is_within_line(&self) -> bool {
        self.length > 0
    }

    /// Takes what comes next.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], into: &mut Vec<Line>) {
        while !bytes.is_empty() {
            if self.length == 0 {
                // A writer without O_APPEND leaves a hole before its next line when its file was truncated.
                let hole = bytes.iter().take_while(|byte| **byte == 0).count();
                bytes = &bytes[hole..];
                self.position += hole as u64;
                self.start = self.position;
            }
            let (piece, ends) = match memchr::memchr(b'\n', bytes) {
                Some(at) => (&bytes[..at], true),
                None => (bytes, false),
            };
            self.keep(piece);
            self.position += piece.len() as u64;
            bytes = &bytes[piece.len()..];
            if ends {
                bytes = &bytes[1..];
                self.position += 1;
                into.push(self.end());
            }
        }
    }

    /// Goes on from there, where a line begins.
    pub(crate) fn skip_to(&mut self, position: u64) {
        *self = Self::new(position);
    }

    /// The last line, whose newline will not come.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        self.is_within_line().then(|| self.end())
    }

    fn keep(&mut self, piece: &[u8]) {
        self.length += piece.len() as u64;
        if self.length <= MAX_EVENT as u64 {
            self.partial.extend_from_slice(piece);
        } else if self.partial.len() != FIRST_PART {
            let missing = FIRST_PART.saturating_sub(self.partial.len()).min(piece.len());
            self.partial.extend_from_slice(&piece[..missing]);
            self.partial.truncate(FIRST_PART);
            self.partial.shrink_to_fit();
        }
    }

    fn end(&mut self) -> Line {
        let line = Line {
            start: self.start,
            end: self.position,
            text: std::mem::take(&mut self.partial),
            length: std::mem::take(&mut self.length),
        };
        self.start = self.position;
        line
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST_PART, Line, Lines};
    use audit_source::MAX_EVENT;
    use proptest::prelude::*;

    fn split(chunks: &[&[u8]]) -> (Vec<Line>, Lines) {
        let (mut lines, mut found) = (Lines::new(100), Vec::new());
        for chunk in chunks {
            lines.feed(chunk, &mut found);
        }
        (found, lines)
    }

    #[test]
    fn a_line_waits_for_its_newline_or_for_the_end() {
        let (found, mut lines) = split(&[b"on", b"e\ntw"]);
        assert_eq!(found, [Line { start: 100, end: 104, text: b"one".to_vec(), length: 3 }]);
        assert!(lines.is_within_line());
        assert_eq!(lines.finish(), Some(Line { start: 104, end: 106, text: b"tw".to_vec(), length: 2 }));
        assert_eq!(lines.finish(), None);
    }

    #[test]
    fn a_hole_is_no_part_of_a_line() {
        let (found, _) = split(&[b"\0\0\0", b"\0{}\n"]);
        assert_eq!(found, [Line { start: 104, end: 107, text: b"{}".to_vec(), length: 2 }]);
    }

    #[test]
    fn of_a_line_that_is_too_long_the_first_part_is_kept() {
        for size in [1000, 1 << 20] {
            let (mut lines, mut found) = (Lines::new(0), Vec::new());
            let chunk = vec![b'x'; size];
            let mut fed = 0;
            while fed <= MAX_EVENT {
                lines.feed(&chunk, &mut found);
                fed += size;
                assert!(lines.partial.capacity() < 3 * MAX_EVENT);
            }
            lines.feed(b"\nnext\n", &mut found);
            assert_eq!((found[0].text.len(), found[0].length), (FIRST_PART, fed as u64));
            assert_eq!((found[1].text.as_slice(), found[1].start), (b"next".as_slice(), fed as u64 + 1));
        }
        let (mut lines, mut found) = (Lines::new(0), Vec::new());
        lines.feed(&vec![b'x'; MAX_EVENT], &mut found);
        lines.feed(b"\n", &mut found);
        assert_eq!(found[0].text.len(), MAX_EVENT);
    }

    proptest! {
        #[test]
        fn wherever_it_is_cut_the_lines_are_the_same(text in "[ab\n]{0,60}", cuts in prop::collection::vec(0_usize..60, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let (mut lines, mut found) = (Lines::new(0), Vec::new());
            let mut from = 0;
            for cut in cuts.into_iter().chain([text.len()]) {
                lines.feed(&text.as_bytes()[from..cut], &mut found);
                from = cut;
            }
            found.extend(lines.finish());
            let expected: Vec<&str> = text.split_terminator('\n').collect();
            prop_assert_eq!(found.iter().map(|line| std::str::from_utf8(&line.text).unwrap()).collect::<Vec<_>>(), expected);
            for line in &found {
                prop_assert_eq!(&text.as_bytes()[line.start as usize..][..line.text.len()], &line.text[..]);
            }
            prop_assert_eq!(lines.position(), text.len() as u64);
        }
    }
}
