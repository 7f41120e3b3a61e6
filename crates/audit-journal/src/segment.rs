use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use audit_model::Timestamp;

use crate::reader::open_segment;

/// A rotated part of the log: which records are in it, and where it is.
///
/// The file's name is the log's, the first and last sequence number in at least twelve digits,
/// and the time of rotation: `audit.log.000000000001-000000004711.20261121T213805Z`, with `.gz`
/// when compressed. So names sort as records do, and a reader knows what is in a file without
/// opening it. Records that the name counts and the file lacks were lost, or left out
/// ([`Journal::skip_to`](crate::Journal::skip_to)); the file may even be empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Segment {
    /// The number of its first record.
    pub first_sequence: u64,
    /// The number of its last record.
    pub last_sequence: u64,
    /// The file.
    pub path: PathBuf,
    /// The end of the second in which the file was closed: whatever is in it was logged before.
    pub rotated: Timestamp,
}

/// What compressed segments end in.
pub(crate) const GZ: &str = ".gz";

impl Segment {
    pub(crate) fn new(log: &Path, first_sequence: u64, last_sequence: u64, rotated: Timestamp) -> Self {
        let name = format!("{first_sequence:012}-{last_sequence:012}.{}", rotated.basic_format());
        let rotated = end_of_second(rotated);
        Self { first_sequence, last_sequence, path: beside(log, "", &format!(".{name}")), rotated }
    }

    /// Whether the file is compressed.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == &GZ[1..])
    }

    /// What it is called when it is not compressed, and when it is.
    pub(crate) fn plain_path(&self) -> PathBuf {
        if self.is_compressed() { self.path.with_extension("") } else { self.path.clone() }
    }

    pub(crate) fn packed_path(&self) -> PathBuf {
        let mut packed = self.plain_path().into_os_string();
        packed.push(GZ);
        packed.into()
    }

    /// Opens the file for reading, whether it is compressed or not.
    ///
    /// # Errors
    /// When it cannot be opened: `NotFound` also when it was compressed since it was listed.
    pub fn open(&self) -> io::Result<Box<dyn BufRead + Send>> {
        open_segment(self)
    }

    /// Deletes the file, whether it has been compressed since or is there both ways. Whoever deletes puts that on record
    /// before, and deletes no segment whose elder is kept.
    ///
    /// # Errors
    /// When it cannot be deleted. One that is gone already is no error.
    pub fn delete(&self) -> io::Result<()> {
        for path in [self.packed_path(), self.plain_path()] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn parse(log_name: &str, path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_prefix(log_name)?.strip_prefix('.')?;
        let (range, time) = name.strip_suffix(GZ).unwrap_or(name).split_once('.')?;
        let (first, last) = range.split_once('-')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let rotated = from_basic_format(time)?;
        let is_range = [first, last].iter().all(|n| n.len() >= 12 && digits(n));
        let (first_sequence, last_sequence) = (first.parse().ok()?, last.parse().ok()?);
        // Names are anybody's: a number that no record can have would leave none for the next one.
        let is_number = last_sequence <= audit_model::MAX_SAFE_INTEGER;
        (is_range && is_number && first_sequence <= last_sequence).then_some(Self {
            first_sequence,
            last_sequence,
            path,
            rotated,
        })
    }
}

/// What [`Timestamp::basic_format`] wrote, to the end of the second. Names are anybody's: it may be any text.
fn from_basic_format(text: &str) -> Option<Timestamp> {
    let part = |range: std::ops::Range<usize>| text.get(range);
    let is_basic = text.len() == 16 && part(8..9)? == "T" && part(15..16)? == "Z";
    let (date, time) =
        ((part(0..4)?, part(4..6)?, part(6..8)?), (part(9..11)?, part(11..13)?, part(13..15)?));
    let extended = format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, time.0, time.1, time.2);
    extended.parse().ok().filter(|_| is_basic).map(end_of_second)
}

fn end_of_second(time: Timestamp) -> Timestamp {
    let milliseconds = time.as_milliseconds();
    Timestamp::from_milliseconds(milliseconds - milliseconds.rem_euclid(1000) + 999).unwrap_or(time)
}

/// The rotated segments of the log at `log`, in the order of their records. Of a segment that is there both plain
/// and compressed, as it is for a moment, the plain one: it is whole, whoever made the other.
///
/// # Errors
/// When the directory cannot be read.
pub fn segments(log: &Path) -> io::Result<Vec<Segment>> {
    let mut found = list(log)?;
    // While files are renamed, a listing may have neither the old name nor the new one.
    for _ in 0..10 {
        let again = list(log)?;
        if again == found {
            break;
        }
        found = again;
    }
    Ok(found)
}

fn list(log: &Path) -> io::Result<Vec<Segment>> {
    let name = file_name(log);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory(log))? {
        let Some(mut segment) = Segment::parse(&name, entry?.path()) else { continue };
        if !segment.path.is_file() && !segment.is_compressed() {
            // It was compressed since its name was read, and the other name may have been too late for the listing.
            segment.path = segment.packed_path();
        }
        found.extend(Some(segment).filter(|segment| segment.path.is_file()));
    }
    found.sort();
    // The plain name is the beginning of the compressed one, so it sorts before it.
    found.dedup_by(|next, kept| next.plain_path() == kept.plain_path());
    Ok(found)
}

/// `path`, or with `-2`, `-3` and so on behind it the first name that is free.
pub(crate) fn unused(path: &Path) -> PathBuf {
    let numbered = (2..).map(|number| path.with_file_name(format!("{}-{number}", file_name(path))));
    let mut names = std::iter::once(path.to_owned()).chain(numbered);
    names.find(|name| fs::symlink_metadata(name).is_err()).unwrap_or_else(|| path.to_owned())
}

/// A file beside the log whose name is the log's between `before` and `behind`.
pub(crate) fn beside(log: &Path, before: &str, behind: &str) -> PathBuf {
    log.with_file_name(format!("{before}{}{behind}", file_name(log)))
}

fn file_name(log: &Path) -> String {
    log.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(crate) fn directory(log: &Path) -> &Path {
    log.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_is_in_the_file() {
        let rotated: Timestamp = "2026-11-21T21:38:05.1Z".parse().unwrap();
        let segment = Segment::new(Path::new("/var/log/audit.log"), 1, 4711, rotated);
        assert_eq!(segment.path, Path::new("/var/log/audit.log.000000000001-000000004711.20261121T213805Z"));
        assert_eq!(segment.rotated.to_string(), "2026-11-21T21:38:05.999Z");
        assert_eq!(Segment::parse("audit.log", segment.path.clone()), Some(segment));
    }

    #[test]
    fn other_files_are_not_segments() {
        for name in [
            "audit.log",
            "audit.log.1",
            "audit.log.1-2.20261121T213805Z",
            "audit.log.gz",
            "xaudit.log",
            "audit.log.000000000001-000000000002.20261121T213805Z.tmp",
            "audit.log.000000000001-18446744073709551615.20261121T213805Z",
            "audit.log.000000000001-000000000002.ééééééééT",
            "audit.log.000000000001-000000000002.€€€€€Z",
            "audit.log.000000000001-000000000002.20261341T213805Z",
            "audit.log.000000000003-000000000002.20261121T213805Z",
        ] {
            assert_eq!(Segment::parse("audit.log", PathBuf::from(name)), None, "{name}");
        }
    }
}
