use std::fmt;

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub(crate) name: &'a str,
    pub(crate) line: u64,
}

impl<'a> Place<'a> {
    /// What messages call the input.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The line that the record begins in, from 1. In a plain file it may have to be counted, from the last place that was
    /// asked for; `None` when the file cannot be read any more.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        Some(self.line)
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
