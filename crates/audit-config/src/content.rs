//! What a file holds already.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// The format of the records in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Native,
    Ocsf,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Ocsf => "OCSF",
        })
    }
}

/// A longer line is left to whoever reads the file.
const MAX_LINE: u64 = 16 << 20;

impl Content {
    /// Going by the first line that is not empty. `None` where there is none, where it is something else, and where it cannot
    /// be read: whoever opens the file says why.
    pub(crate) fn of(file: &Path) -> Option<Self> {
        // A pipe would be waited for, and what is read from it is gone.
        if !fs::metadata(file).ok()?.is_file() {
            return None;
        }
        let mut lines = BufReader::new(File::open(file).ok()?.take(MAX_LINE));
        let mut line = Vec::new();
        while line.trim_ascii().is_empty() {
            line.clear();
            if lines.read_until(b'\n', &mut line).ok()? == 0 {
                return None;
            }
        }
        Self::of_line(&line)
    }

    fn of_line(line: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Line {
            event_type: Option<IgnoredAny>,
            event: Option<IgnoredAny>,
            integrity: Option<IgnoredAny>,
            class_uid: Option<IgnoredAny>,
        }
        let line: Line = serde_json::from_slice(line).ok()?;
        let is_sealed = line.event.is_some() && line.integrity.is_some();
        if is_sealed || line.event_type.is_some() {
            return Some(Self::Native);
        }
        line.class_uid.map(|_| Self::Ocsf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_with_something_on_it_tells() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("a.log");
        assert_eq!(Content::of(&file), None, "not there");
        assert_eq!(Content::of(directory.path()), None, "no file");
        for (text, expected) in [
            ("", None),
            ("\n \n", None),
            ("not JSON\n{\"class_uid\":6003}\n", None),
            ("{\"class_uid\":60", None),
            ("{\"message\":\"hello\"}\n", None),
            ("{\"event\":{},\"integrity\":{}}\nnot JSON", Some(Content::Native)),
            ("{\"event_type\":\"a.b\",\"class_uid\":1}\n", Some(Content::Native)),
            ("\n{\"class_uid\":6003}", Some(Content::Ocsf)),
        ] {
            fs::write(&file, text).expect("written");
            assert_eq!(Content::of(&file), expected, "{text}");
        }
    }
}
