use std::io;

use audit_source::MAX_EVENT;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// How much is kept of a line that is longer than an event may be.
const FIRST_PART: usize = 64 << 10;

/// Reads lines of bounded length. What is dropped half-way goes on when it is asked again.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    text: Vec<u8>,
    length: u64,
}

/// A line without its newline.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its text, or the first part of it.
    pub(crate) text: Vec<u8>,
    /// How long it is.
    pub(crate) length: u64,
}

impl Lines {
    /// The next line; one without a newline at the end counts. `None` at the end.
    pub(crate) async fn next(&mut self, from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Line>> {
        loop {
            let bytes = from.fill_buf().await?;
            if bytes.is_empty() {
                return Ok((self.length > 0).then(|| self.end()));
            }
            let newline = memchr::memchr(b'\n', bytes);
            let (piece, taken) = newline.map_or((bytes, bytes.len()), |at| (&bytes[..at], at + 1));
            self.length += piece.len() as u64;
            if self.length <= MAX_EVENT as u64 {
                self.text.extend_from_slice(piece);
            } else if self.text.len() != FIRST_PART {
                let missing = FIRST_PART.saturating_sub(self.text.len()).min(piece.len());
                self.text.extend_from_slice(&piece[..missing]);
                self.text.truncate(FIRST_PART);
                self.text.shrink_to_fit();
            }
            from.consume(taken);
            if newline.is_some() {
                return Ok(Some(self.end()));
            }
        }
    }

    fn end(&mut self) -> Line {
        Line { text: std::mem::take(&mut self.text), length: std::mem::take(&mut self.length) }
    }
}

impl Line {
    /// Whether there is nothing to read in it.
    pub(crate) fn is_blank(&self) -> bool {
        !self.is_cut() && self.text.trim_ascii().is_empty()
    }

    /// Whether there was more of it than was kept.
    pub(crate) fn is_cut(&self) -> bool {
        self.text.len() as u64 != self.length
    }
}
