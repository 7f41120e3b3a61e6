//! The files that records are read from.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, bail};
use audit_model::{JsonError, Value, parse_json};
use audit_search::{Ends, JsonStream, MAX_VALUE, Piece};
use audit_source::other_than_utf8;

use crate::output::{complain, describe, harmless};

/// A file that is open, or standard input.
pub(crate) struct Source {
    /// What messages call it.
    pub(crate) name: String,
    pub(crate) reader: BufReader<Box<dyn Read + Send>>,
}

/// What is no JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotJson {
    /// Where, from 1.
    pub(crate) line: u64,
    pub(crate) message: String,
}

impl Source {
    /// Opens a file, plain, gzip or zstd; `-` is standard input.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        Self::open_counted(path, &Arc::default())
    }

    /// The same, and counts the bytes that are read of the file.
    pub(crate) fn open_counted(path: &Path, read: &Arc<AtomicU64>) -> anyhow::Result<Self> {
        let name = name(path);
        let cannot_read = || format!("cannot read {name}");
        let raw: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            let file = File::open(path).with_context(cannot_read)?;
            if file.metadata().with_context(cannot_read)?.is_dir() {
                bail!("cannot read {name}: it is a directory");
            }
            Box::new(file)
        };
        let counted = Counted { raw, read: Arc::clone(read) };
        let plain = audit_integrity::decompress(BufReader::with_capacity(128 << 10, counted));
        let reader = BufReader::with_capacity(128 << 10, plain.with_context(cannot_read)?);
        Ok(Self { name, reader })
    }

    /// Calls `take` with every JSON value and the line that it begins in. The error is where and why it cannot be read on.
    pub(crate) fn each_value(
        self,
        mut take: impl FnMut(u64, Result<Parsed, NotJson>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Result<(), NotJson>> {
        let mut stream = JsonStream::new(self.reader);
        loop {
            match stream.next_piece() {
                Ok(Some(piece)) => take(piece.line, parse(&piece))?,
                Ok(None) => return Ok(Ok(())),
                Err(error) => {
                    let message = format!("cannot be read from here on: {error}");
                    return Ok(Err(NotJson { line: stream.line(), message }));
                }
            }
        }
    }
}

/// Counts what is read.
struct Counted<R> {
    raw: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.raw.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// What messages call a file.
pub(crate) fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { harmless(&path.display().to_string()) }
}

/// Standard input, if no file is named.
pub(crate) fn or_standard_input(files: &[PathBuf]) -> Vec<PathBuf> {
    if files.is_empty() { vec![PathBuf::from("-")] } else { files.to_vec() }
}

/// Opens one after another and calls `take`; a file that cannot be opened is told, and the rest goes on.
/// Returns how many could be, and whether all.
pub(crate) fn each(
    files: &[PathBuf],
    mut take: impl FnMut(Source) -> anyhow::Result<()>,
) -> anyhow::Result<(u64, bool)> {
    let (mut opened, mut all) = (0, true);
    for path in or_standard_input(files) {
        match Source::open(&path) {
            Ok(source) => {
                opened += 1;
                take(source)?;
            }
            Err(error) => {
                all = false;
                complain(&format!("error: {}", describe(&error)));
            }
        }
    }
    Ok((opened, all))
}

/// A value that is JSON.
#[derive(Debug, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) value: Value,
    /// What a strict reader refuses about it, as a log does: a repeated name, or a number that would lose digits.
    pub(crate) refused: Option<NotJson>,
}

fn parse(piece: &Piece) -> Result<Parsed, NotJson> {
    let Piece { line, text, ends } = piece;
    if *ends == Ends::TooLong {
        let message = format!("longer than {MAX_VALUE} bytes");
        return Err(NotJson { line: *line, message });
    }
    let error = match parse_json(text) {
        Ok(value) => return Ok(Parsed { value, refused: None }),
        Err(error) => error,
    };
    let refused = not_json(piece, &error);
    match serde_json::from_slice(text) {
        // As deep as the schema's server reads, and not as deep as we do.
        Ok(_) if error.message().starts_with("nested") => Err(refused),
        Ok(value) => Ok(Parsed { value, refused: Some(refused) }),
        Err(_) => Err(refused),
    }
}

fn not_json(piece: &Piece, error: &JsonError) -> NotJson {
    let within = error.line() as u64 - 1;
    let line = piece.line + within;
    if let Some(encoding) = other_than_utf8(&piece.text) {
        return NotJson { line: piece.line, message: encoding.to_owned() };
    }
    let begun =
        if within > 0 { format!(" (the value begins in line {})", piece.line) } else { String::new() };
    let at = piece.text.split(|byte| *byte == b'\n').nth(error.line() - 1).unwrap_or_default();
    let rest = at.get(error.column().saturating_sub(1)..).unwrap_or_default().trim_ascii_start();
    let is_comment = rest.starts_with(b"//") || rest.starts_with(b"/*") || rest.starts_with(b"#");
    let message = if is_comment {
        "JSON has no comments".to_owned()
    } else if error.message().starts_with("EOF") || error.message().starts_with("control character") {
        format!("{} at column {}: the value has no end", error.message(), error.column())
    } else {
        format!("{} at column {}", error.message(), error.column())
    };
    NotJson { line, message: message + &begun }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Parsed, NotJson> {
        let piece = JsonStream::new(text.as_bytes()).next_piece().unwrap().unwrap();
        parse(&piece)
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let told = |text: &str| parsed(text).unwrap_err();
        let not = |line, message: &str| NotJson { line, message: message.to_owned() };
        assert_eq!(
            told("{\n  // a comment\n  \"a\": 1\n}"),
            not(2, "JSON has no comments (the value begins in line 1)")
        );
        assert_eq!(told("# a comment"), not(1, "JSON has no comments"));
        assert_eq!(told("hello"), not(1, "expected value at column 1"));
        assert_eq!(
            told("\n\n{\"a\":"),
            not(3, "EOF while parsing a value at column 5: the value has no end")
        );
        assert_eq!(told("\u{feff}{}"), not(1, "begins with a byte order mark; expected UTF-8 without one"));
        assert!(
            told(&format!("{}{}", "[[".repeat(63), "]]".repeat(63)))
                .message
                .starts_with("nested more than 120 deep")
        );
    }

    #[test]
    fn what_a_log_refuses_is_json_all_the_same() {
        let parsed = parsed("{\"a\": 1,\n \"a\": 2}").unwrap();
        assert_eq!(parsed.value["a"], 2);
        let refused = parsed.refused.unwrap();
        assert_eq!(refused.line, 2);
        assert!(refused.message.starts_with("the name `a` occurs twice in one object"), "{refused:?}");
    }
}
