use std::fmt;
use std::io;

/// A text that takes no more than so many bytes; what is beyond is left out and noticed.
#[derive(Debug)]
pub(crate) struct Bounded {
    text: String,
    limit: usize,
    is_full: bool,
}

impl Bounded {
    pub(crate) fn new(limit: usize) -> Self {
        Self { text: String::new(), limit, is_full: false }
    }

    /// Adds all of it or nothing: an entity or an escape is never cut in half.
    pub(crate) fn push_whole(&mut self, piece: &str) {
        if self.is_full || piece.len() > self.limit - self.text.len() {
            self.is_full = true;
        } else {
            self.text.push_str(piece);
        }
    }

    pub(crate) fn push(&mut self, c: char) {
        self.push_whole(c.encode_utf8(&mut [0; 4]));
    }

    pub(crate) fn push_str(&mut self, piece: &str) {
        if self.is_full {
            return;
        }
        let mut end = piece.len().min(self.limit - self.text.len());
        self.is_full = end < piece.len();
        while !piece.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(&piece[..end]);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    pub(crate) fn into_string(self) -> String {
        self.text
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.push_str(piece);
        Ok(())
    }
}

/// For `serde_json`, which writes whole characters; an error tells it to stop.
impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.push_str(piece);
        if self.is_full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
