//! JSON values out of a text, however it is laid out: one a line, spread over lines, several after one another, in an array.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use audit_model::MAX_DEPTH;

/// The longest value that is taken, in bytes: an event of 16 MiB, and in its OCSF record its line once more.
pub const MAX_VALUE: usize = 64 << 20;

/// Takes a text apart into its values, without reading them. It holds one value at a time, however long the text is.
#[derive(Debug)]
pub struct JsonStream<R> {
    reader: R,
    /// Read already, and to be read again.
    ahead: VecDeque<u8>,
    /// Where it is, from 1.
    line: u64,
    /// How many blanks the line begins with, as long as there is nothing else in it.
    indent: Option<usize>,
    array: Array,
}

/// Where in an array it is, at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Array {
    No,
    /// Behind its bracket: a value or its end is next.
    Begun,
    /// Behind a comma: a value is next.
    Comma,
    /// Behind a value: a comma or its end is next.
    Value,
    /// Behind a value without an end, which has been told: whatever comes is taken.
    Lost,
}

/// A value, or what stands where one was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The line that it begins in, from 1.
    pub line: u64,
    /// Its bytes.
    pub text: Vec<u8>,
    /// How it ends.
    pub ends: Ends,
}

/// How a piece ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Where the value does; or, of what is none, the line.
    Whole,
    /// Somewhere in it, the text cannot be JSON any more. What follows is passed over, to a line that begins like a value.
    Broken,
    /// Its end is left out: it is longer than [`MAX_VALUE`].
    TooLong,
}

impl<R: BufRead> JsonStream<R> {
    /// Of a text that has been decompressed.
    #[must_use]
    pub fn new(reader: R) -> Self {
        Self { reader, ahead: VecDeque::new(), line: 1, indent: Some(0), array: Array::No }
    }

    /// The line that comes next, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The next piece, or `None` at the end.
    ///
    /// # Errors
    /// When the text cannot be read on.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        while let Some(byte) = self.peek()? {
            match (byte, self.array) {
                _ if byte.is_ascii_whitespace() => self.skip(byte),
                (b',', Array::Value) => self.go_on(byte, Array::Comma),
                (b',', Array::Lost) => self.skip(byte),
                (b']', Array::Begun | Array::Value | Array::Lost) => self.go_on(byte, Array::No),
                (b'[', Array::No) => self.go_on(byte, Array::Begun),
                (b',', Array::Begun | Array::Comma) => {
                    self.go_on(byte, Array::Comma);
                    return Ok(Some(self.out_of_place(b",")));
                }
                (b']', Array::Comma) => {
                    self.go_on(byte, Array::No);
                    return Ok(Some(self.out_of_place(b"]")));
                }
                (_, Array::Value) => {
                    // Two values without a comma: the second one is none the worse for it.
                    self.array = Array::Comma;
                    return Ok(Some(self.out_of_place(b"")));
                }
                _ => {
                    let piece = if matches!(byte, b'{' | b'[') { self.nested()? } else { self.plain()? };
                    self.array = match (self.array, piece.ends) {
                        (Array::No, _) => Array::No,
                        (Array::Lost, _) | (_, Ends::Broken | Ends::TooLong) => Array::Lost,
                        _ => Array::Value,
                    };
                    return Ok(Some(piece));
                }
            }
        }
        let array = std::mem::replace(&mut self.array, Array::No);
        let is_unfinished = !matches!(array, Array::No | Array::Lost);
        Ok(is_unfinished.then(|| self.out_of_place(b"[")))
    }

    fn go_on(&mut self, byte: u8, array: Array) {
        self.skip(byte);
        self.array = array;
    }

    /// What is not where the array has it, or an array without its end.
    fn out_of_place(&self, text: &[u8]) -> Piece {
        Piece { line: self.line, text: text.to_vec(), ends: Ends::Broken }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        if let Some(byte) = self.ahead.front() {
            return Ok(Some(*byte));
        }
        loop {
            match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(bytes) => return Ok(bytes.first().copied()),
            }
        }
    }

    /// Goes on behind the byte, which is the next.
    fn skip(&mut self, byte: u8) {
        if self.ahead.pop_front().is_none() {
            self.reader.consume(1);
        }
        self.indent = match (byte, self.indent) {
            (b'\n', _) => {
                self.line += 1;
                Some(0)
            }
            (byte, Some(indent)) if byte.is_ascii_whitespace() => Some(indent + 1),
            _ => None,
        };
    }

    /// A number, a word, or no JSON at all: to the end of the line.
    fn plain(&mut self) -> io::Result<Piece> {
        let mut piece = Piece { line: self.line, text: Vec::new(), ends: Ends::Whole };
        while let Some(byte) = self.peek()?.filter(|byte| *byte != b'\n') {
            if self.array != Array::No && matches!(byte, b',' | b']') {
                break;
            }
            self.skip(byte);
            if piece.text.len() < MAX_VALUE {
                piece.text.push(byte);
            } else {
                piece.ends = Ends::TooLong;
            }
        }
        let length = piece.text.trim_ascii_end().len();
        piece.text.truncate(length);
        Ok(piece)
    }

    /// An object or array.
    fn nested(&mut self) -> io::Result<Piece> {
        let indent = self.indent.unwrap_or(0);
        let mut piece = Piece { line: self.line, text: Vec::new(), ends: Ends::Whole };
        let mut open = Vec::new();
        let mut string = InString::No;
        // The last byte that is no blank.
        let mut before = b':';
        loop {
            let byte = match self.peek() {
                Ok(Some(byte)) => byte,
                // An input that cannot be read on is told next time, when there is no value to tell.
                Ok(None) | Err(_) => return Ok(self.broken(piece, indent)),
            };
            let is_blank = byte.is_ascii_whitespace();
            let begins_line = self.indent.is_some() && !piece.text.is_empty() && !is_blank;
            let goes_on = match (string, byte) {
                (InString::Yes, b'\n') | (InString::Escape, b'\n') => false,
                (InString::No, b'{' | b'[') => {
                    let fits =
                        before == b':' || before == b'[' || (before == b',' && open.last() == Some(&b'['));
                    open.push(byte);
                    // The next record stands there, and this one has no end.
                    (fits || !begins_line) && open.len() <= MAX_DEPTH + 8
                }
                _ => true,
            };
            if !goes_on {
                return Ok(self.broken(piece, indent));
            }
            self.skip(byte);
            if piece.text.len() == MAX_VALUE {
                let mut cut = self.broken(piece, indent);
                cut.ends = Ends::TooLong;
                return Ok(cut);
            }
            piece.text.push(byte);
            string = match (string, byte) {
                (InString::No, b'"') | (InString::Escape, _) => InString::Yes,
                (InString::No, _) | (InString::Yes, b'"') => InString::No,
                (InString::Yes, b'\\') => InString::Escape,
                (InString::Yes, _) => InString::Yes,
            };
            if matches!((string, byte), (InString::No, b'}' | b']')) {
                open.pop();
                if open.is_empty() {
                    return Ok(piece);
                }
            }
            if !is_blank {
                before = byte;
            }
        }
    }

    /// Ends the piece here, and goes on where the next may begin: at a line that is not deeper than this one and begins
    /// with a bracket.
    fn broken(&mut self, mut piece: Piece, indent: usize) -> Piece {
        piece.ends = Ends::Broken;
        let mut at = 0;
        let mut lines = 0;
        while let Some(newline) = memchr::memchr(b'\n', &piece.text[at..]) {
            at += newline + 1;
            lines += 1;
            let line = &piece.text[at..];
            let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            if blanks <= indent && matches!(line.get(blanks), Some(b'{' | b'[')) {
                for byte in piece.text.drain(at..).rev() {
                    self.ahead.push_front(byte);
                }
                self.line = piece.line + lines;
                self.indent = Some(0);
                let length = piece.text.trim_ascii_end().len();
                piece.text.truncate(length);
                return piece;
            }
        }
        let length = piece.text.trim_ascii_end().len();
        piece.text.truncate(length);
        // Of a line that is broken in itself, the rest; of an object on several lines, all that still belongs to it.
        let is_one_line = lines == 0;
        while let Ok(Some(byte)) = self.peek() {
            let may_begin = self.indent.is_some_and(|blanks| blanks <= indent) && matches!(byte, b'{' | b'[');
            if may_begin && !is_one_line {
                break;
            }
            self.skip(byte);
            if byte == b'\n' && is_one_line {
                break;
            }
        }
        piece
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum InString {
    No,
    Yes,
    /// Behind a backslash.
    Escape,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<(u64, String, Ends)> {
        let mut stream = JsonStream::new(text.as_bytes());
        let next = || stream.next_piece().unwrap();
        let told = |piece: Piece| (piece.line, String::from_utf8(piece.text).unwrap(), piece.ends);
        std::iter::from_fn(next).map(told).collect()
    }

    fn whole(text: &str) -> Vec<(u64, String)> {
        let whole = |(line, text, ends)| {
            assert_eq!(ends, Ends::Whole, "{text}");
            (line, text)
        };
        pieces(text).into_iter().map(whole).collect()
    }

    #[test]
    fn values_are_found_in_every_layout() {
        let two =
            |first: u64, second: u64| vec![(first, r#"{"a":1}"#.into()), (second, r#"{"b":"]}\""}"#.into())];
        assert_eq!(whole("{\"a\":1}\n{\"b\":\"]}\\\"\"}\n"), two(1, 2));
        assert_eq!(whole("\n\n{\"a\":1}\r\n\n{\"b\":\"]}\\\"\"}"), two(3, 5));
        assert_eq!(whole("[{\"a\":1},{\"b\":\"]}\\\"\"}]"), two(1, 1));
        assert_eq!(whole("[\n  {\"a\":1}\n,\n  {\"b\":\"]}\\\"\"}\n]\n"), two(2, 4));
        assert_eq!(whole("{\"a\":1} {\"b\":\"]}\\\"\"}"), two(1, 1));
        assert_eq!(
            whole("{\n \"a\":\n {\n }\n}\n{\n}"),
            [(1, "{\n \"a\":\n {\n }\n}".into()), (6, "{\n}".into())]
        );
        assert_eq!(whole("[1, true]\n[[2]]"), [(1, "1".into()), (1, "true".into()), (2, "[2]".into())]);
        assert_eq!(whole(" \n[]\n"), []);
        assert_eq!(whole("no JSON\n7 \n{}"), [(1, "no JSON".into()), (2, "7".into()), (3, "{}".into())]);
    }

    #[test]
    fn an_array_that_is_none_is_told_and_its_values_are_taken() {
        for (text, values, wrong) in [
            ("[{},{}", 2, 1),
            ("[{},,{}]", 2, 1),
            ("[{} {}]", 2, 1),
            ("[{},]", 1, 1),
            ("[,{}]", 1, 1),
            ("[", 0, 1),
        ] {
            let found = pieces(text);
            let of = |wanted: Ends| found.iter().filter(|(_, _, ends)| *ends == wanted).count();
            assert_eq!((of(Ends::Whole), of(Ends::Broken)), (values, wrong), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_broken_value_takes_no_other_with_it() {
        let good = |line| (line, r#"{"b":2}"#.to_owned(), Ends::Whole);
        for torn in ["{\"a\":\"x", "{\"a\":\"x\\", "{\"a\"", "{\"a\":1", "{\"a\":1,", "{\"a\":[1]", "{\"a\":"]
        {
            let found = pieces(&format!("{torn}\n{{\"b\":2}}\n{{\"b\":2}}\n"));
            assert_eq!((found[0].0, found[0].2), (1, Ends::Broken), "{torn}: {found:?}");
            assert_eq!(found[1..], [good(2), good(3)], "{torn}");
        }
        // An object on several lines is told once, however much of it is left.
        let spread = "{\n  \"a\": \"x\n  \"b\": {\n  },\n  \"c\": 3\n}\n{\"b\":2}\n";
        let found = pieces(spread);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].0, found[0].2, &found[1]), (1, Ends::Broken, &good(7)));
        assert_eq!(pieces("{\"a\":{\n")[0].2, Ends::Broken);
        let deep = format!("{}\n{{\"b\":2}}\n", "[".repeat(100_000));
        assert!(pieces(&deep).contains(&good(2)));
    }

    #[test]
    fn a_value_that_is_too_long_is_cut_and_the_next_one_found() {
        let long = format!("{{\"a\":\"{}\"}}\n{{\"b\":2}}\n", "x".repeat(MAX_VALUE));
        let found = pieces(&long);
        assert_eq!((found[0].1.len(), found[0].2), (MAX_VALUE, Ends::TooLong));
        assert_eq!(found[1], (2, r#"{"b":2}"#.to_owned(), Ends::Whole));
    }
}
