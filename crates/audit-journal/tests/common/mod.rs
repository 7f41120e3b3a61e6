//! A journal in a directory of its own, whose records are lines that carry their number.

#![allow(dead_code, reason = "each test uses a part")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use audit_journal::{Journal, Options, Reader, Recovery, Tampering, segments};
use audit_model::Timestamp;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(1_700_000_000_000 + seconds * 1000).unwrap()
}

/// The number of a line that `record` made.
pub(crate) fn number_of(line: &[u8]) -> Option<u64> {
    std::str::from_utf8(line.strip_prefix(b"record ")?).ok()?.split(' ').next()?.parse().ok()
}

pub(crate) fn record(number: u64, padding: usize) -> String {
    format!("record {number} {}\n", "x".repeat(padding))
}

pub(crate) fn records(numbers: impl IntoIterator<Item = u64>) -> String {
    numbers.into_iter().map(|number| record(number, 10)).collect()
}

pub(crate) struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory().join("audit.log")
    }

    pub(crate) fn open(&self, options: Options) -> (Journal, Recovery) {
        Journal::open(&self.log(), options, at(0)).unwrap()
    }

    /// All that is in segments and the active file.
    pub(crate) fn content(&self) -> String {
        let mut files: Vec<PathBuf> = segments(&self.log()).unwrap().into_iter().map(|s| s.path).collect();
        files.extend(self.log().exists().then(|| self.log()));
        files.iter().map(|file| text(file)).collect()
    }

    pub(crate) fn read_from(&self, first: u64, numbered: bool) -> Vec<(u64, String)> {
        let mut reader = Reader::from_sequence(&self.log(), first);
        if numbered {
            reader = reader.numbered_by(number_of);
        }
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            lines.push((line.sequence_number, String::from_utf8(line.bytes.to_vec()).unwrap()));
        }
        lines
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub(crate) fn text(file: &Path) -> String {
    let bytes = fs::read(file).unwrap();
    let mut text = String::new();
    if file.extension().is_some_and(|extension| extension == "gz") {
        flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text
}

/// As `echo … >>` does.
pub(crate) fn write_into(path: &Path, foreign: &str) {
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap()
        .write_all(foreign.as_bytes())
        .unwrap();
}

/// As `truncate -s` does.
pub(crate) fn truncate(path: &Path, length: u64) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

pub(crate) fn tampering(journal: &mut Journal) -> Vec<Tampering> {
    let of = |incident| match incident {
        audit_journal::Incident::Tampered(tampering) => tampering,
        other => panic!("{other:?}"),
    };
    journal.take_incidents().into_iter().map(of).collect()
}
