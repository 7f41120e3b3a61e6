//! Between which times the events of rotated segments happened, so that who looks for a time need not read them all.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};

use audit_model::{Timestamp, Value, parse_json};

use crate::file::private;
use crate::reader::open_segment;
use crate::segment::beside;
use crate::{Segment, segments};

/// Tells when the event in a line happened; `None` when nobody knows.
pub type TimeOf = fn(&[u8]) -> Option<Timestamp>;

/// Between which times the events of a rotated segment happened: all of them, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentTimes {
    /// The segment. Its file may have been compressed since.
    pub segment: Segment,
    /// When the earliest of its events happened.
    pub earliest: Timestamp,
    /// When the latest of its events happened.
    pub latest: Timestamp,
}

/// The rotated segments of the log at `log` of which it is known when their events happened, in the order of their records.
///
/// They are noted in `.audit.log.times` when a segment was rotated, by a journal with
/// [`Options::times_by`](crate::Options::times_by). A segment that is not there has to be read: it was not yet looked through, or one of its
/// lines did not say. What of the file is torn, or not understood, is as if it were not there. Whoever may write to the
/// directory can put wrong times into it, as into everything else there; so what is to be proved needs all segments.
///
/// # Errors
/// When the directory or the file cannot be read.
pub fn times(log: &Path) -> io::Result<Vec<SegmentTimes>> {
    let noted = Noted::read(log)?;
    let known = |segment: Segment| {
        let Span { earliest, latest } = noted.spans.get(&Key::of(&segment)?).copied().flatten()?;
        Some(SegmentTimes { segment, earliest, latest })
    };
    Ok(segments(log)?.into_iter().filter_map(known).collect())
}

/// Looks through those of `segments` that it has not yet been done for, the newest first, until `is_interrupted`; but at least
/// one, so that it comes to an end however often that is.
pub(crate) fn note<'a>(
    log: &Path,
    segments: impl DoubleEndedIterator<Item = &'a Segment>,
    time_of: TimeOf,
    is_interrupted: impl Fn() -> bool,
) -> io::Result<()> {
    let mut noted = Noted::read(log)?;
    for segment in segments.rev() {
        let Some(key) = Key::of(segment).filter(|key| !noted.spans.contains_key(key)) else { continue };
        let span = match span_of(segment, time_of) {
            Ok(span) => span,
            // It was pruned, or compressed, since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            // What cannot be unpacked today cannot be tomorrow.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) =>
            {
                None
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(error),
        };
        noted.add(log, key, span)?;
        if is_interrupted() {
            break;
        }
    }
    Ok(())
}

/// Drops what is noted of segments that are gone, when that is as much as of those that are there.
pub(crate) fn tidy(log: &Path, segments: &[Segment]) -> io::Result<()> {
    let noted = Noted::read(log)?;
    if noted.lines <= 2 * segments.len().max(8) {
        return Ok(());
    }
    let mut text = String::new();
    for key in segments.iter().filter_map(Key::of) {
        if let Some(span) = noted.spans.get(&key) {
            text.push_str(&line(&key, *span));
        }
    }
    // A hidden name of its own, so that a reader sees the old file or the new one.
    let half_made = beside(log, ".", ".times.new");
    let written = private(&half_made, OpenOptions::new().write(true).create(true).truncate(true))
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&half_made, path(log)));
    written.inspect_err(|_| drop(fs::remove_file(&half_made)))
}

/// Which segment: by its name without the log's, which tells it also from one of the same numbers in an earlier log.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    first_sequence: u64,
    last_sequence: u64,
    rotated: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Span {
    earliest: Timestamp,
    latest: Timestamp,
}

/// What is in the file: of segments that were looked through the span, or that it is not known.
struct Noted {
    spans: HashMap<Key, Option<Span>>,
    lines: usize,
    is_torn: bool,
}

impl Noted {
    fn read(log: &Path) -> io::Result<Self> {
        let text = match fs::read(path(log)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            text => text?,
        };
        let mut noted =
            Self { spans: HashMap::new(), lines: 0, is_torn: text.last().is_some_and(|byte| *byte != b'\n') };
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            noted.lines += 1;
            let Some((key, span)) = parse(line) else { continue };
            // Two that differ are worth none.
            let known = noted.spans.entry(key).or_insert(span);
            if *known != span {
                *known = None;
            }
        }
        Ok(noted)
    }

    fn add(&mut self, log: &Path, key: Key, span: Option<Span>) -> io::Result<()> {
        let mut text = line(&key, span);
        if self.is_torn {
            text.insert(0, '\n');
        }
        // What is written of it when it fails is torn, until it is known that all was.
        self.is_torn = true;
        private(&path(log), OpenOptions::new().append(true).create(true))?.write_all(text.as_bytes())?;
        self.is_torn = false;
        self.spans.insert(key, span);
        Ok(())
    }
}

impl Key {
    fn of(segment: &Segment) -> Option<Self> {
        let rotated = segment.plain_path().extension()?.to_str()?.to_owned();
        Some(Self { first_sequence: segment.first_sequence, last_sequence: segment.last_sequence, rotated })
    }
}

fn path(log: &Path) -> PathBuf {
    beside(log, ".", ".times")
}

fn line(key: &Key, span: Option<Span>) -> String {
    let Key { first_sequence, last_sequence, rotated } = key;
    let mut line = format!(
        r#"{{"first_sequence":{first_sequence},"last_sequence":{last_sequence},"rotated":"{rotated}""#
    );
    if let Some(Span { earliest, latest }) = span {
        write!(line, r#","earliest":"{earliest}","latest":"{latest}""#).expect("a string takes all");
    }
    line + "}\n"
}

fn parse(line: &[u8]) -> Option<(Key, Option<Span>)> {
    let value = parse_json(line).ok()?;
    let number = |name: &str| value.get(name)?.as_u64();
    let key = Key {
        first_sequence: number("first_sequence")?,
        last_sequence: number("last_sequence")?,
        rotated: value.get("rotated")?.as_str()?.to_owned(),
    };
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    let span = match (value.get("earliest"), value.get("latest")) {
        (None, None) => None,
        (earliest, latest) => Some(Span { earliest: time(earliest?)?, latest: time(latest?)? }),
    };
    span.is_none_or(|span| span.earliest <= span.latest).then_some((key, span))
}

/// `None` when a line does not say when its event happened, or there is none.
fn span_of(segment: &Segment, time_of: TimeOf) -> io::Result<Option<Span>> {
    let mut lines = open_segment(segment)?;
    let (mut span, mut line) = (None::<Span>, Vec::new());
    while lines.read_until(b'\n', &mut line)? > 0 {
        line.pop_if(|byte| *byte == b'\n');
        let Some(time) = time_of(&line) else { return Ok(None) };
        span = Some(match span {
            None => Span { earliest: time, latest: time },
            Some(Span { earliest, latest }) => {
                Span { earliest: earliest.min(time), latest: latest.max(time) }
            }
        });
        line.clear();
    }
    Ok(span)
}
