use std::fmt;

use crate::plain_file::PlainFile;

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub(crate) name: &'a str,
    pub(crate) lines: Lines<'a>,
    /// What stands before the record since then.
    pub(crate) before: &'a [u8],
}

/// What is known of the number of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lines<'a> {
    /// It is this, from 1.
    Number(u64),
    /// It is that of this place.
    Of(&'a PlainFile, u64),
}

impl<'a> Place<'a> {
    /// What messages call the input.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The line that the record begins in, from 1. In a plain file it is counted when it is asked for, from the last one that
    /// was asked for; `None` when the file cannot be read any more.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        let first = match self.lines {
            Lines::Number(number) => number,
            Lines::Of(file, place) => file.line_at(place)?,
        };
        Some(first + memchr::memchr_iter(b'\n', self.before).count() as u64)
    }
}

/// `name:line`
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line() {
            Some(line) => write!(f, "{}:{line}", self.name()),
            None => f.write_str(self.name()),
        }
    }
}
