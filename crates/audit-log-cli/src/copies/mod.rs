//! OCSF copies of a log, taken apart for verifying: the lines of the log that they carry, and whether the attributes around
//! a line say what it says.

mod judge;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use audit_config::{Config, Format};
use audit_integrity::{SealedRecord, open_log};
use audit_model::{Value, parse_json};
use audit_ocsf::{ContradictionKind, NativeRecord, Rule, carried_line, contradictions};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tempfile::TempDir;

use crate::output::harmless;

/// The copies among some files.
///
/// Line by line, what a copy carries is put into a temporary file, which is verified as the log itself is; where a record
/// carries nothing, the line stays empty. So what is found in line 7 of that file is found in line 7 of the copy.
#[derive(Debug)]
pub(crate) struct Copies {
    /// None: there is no copy.
    directory: Option<TempDir>,
    copies: Vec<Copy>,
    /// Attributes that were added: how many records have them, and where the first is.
    added: BTreeMap<String, (u64, Place)>,
    edited: Vec<Edited>,
    edited_left_out: u64,
    without_line: Vec<WithoutLine>,
    merged: Vec<Merged>,
}

/// A file that is a copy.
#[derive(Debug)]
struct Copy {
    file: PathBuf,
    /// The file with its lines.
    lines: PathBuf,
    /// Why it cannot be read to its end.
    broken_off: Option<String>,
    /// Why a line is no record at all: the first of them.
    unreadable: BTreeMap<u64, String>,
}

/// Where a record is: the number of its copy, and the line.
type Place = (usize, u64);

/// A record whose attributes are not what its line says.
#[derive(Debug)]
struct Edited {
    place: Place,
    chain: Option<String>,
    sequence: Option<u64>,
    what: String,
}

/// A record that carries no line of the log.
#[derive(Debug)]
struct WithoutLine {
    place: Place,
    chain: Option<String>,
    sequence: Option<u64>,
    is_masked: bool,
}

/// A record that says that it stands for several.
#[derive(Debug)]
struct Merged {
    place: Place,
    chain: Option<String>,
    first: u64,
    last: u64,
}

/// How many of a kind are told.
const MOST: usize = 1000;

/// The longest record that is read, in bytes: an event, and its line with every quotation mark escaped.
const MAX_RECORD: u64 = 128 << 20;

/// What a line is given in the temporary file that is no record, and what a verifier says of it.
const JUNK: &[u8] = b"?";

/// What the destinations of a configuration make of events, if any of them writes OCSF.
pub(crate) fn rules_of(config: &Config) -> Vec<Vec<Rule>> {
    let rules = |format: &Format| match format {
        Format::Ocsf(format) => Some(format.rules()),
        _ => None,
    };
    config.destinations.iter().filter_map(|destination| rules(&destination.format)).collect()
}

impl Copies {
    /// Finds the copies among the files, and puts in the place of each the file with its lines. `rules` are those that the
    /// copies may have been made with.
    pub(crate) fn unwrap(files: &mut [PathBuf], rules: &[Vec<Rule>]) -> anyhow::Result<Self> {
        let mut copies = Self {
            directory: None,
            copies: Vec::new(),
            added: BTreeMap::new(),
            edited: Vec::new(),
            edited_left_out: 0,
            without_line: Vec::new(),
            merged: Vec::new(),
        };
        // Whatever cannot be read is for the verifier to tell.
        let (found, logs): (Vec<_>, Vec<_>) =
            files.iter_mut().partition(|file| is_copy(file).unwrap_or(false));
        let has_content = |file: &&&mut PathBuf| std::fs::metadata(file).is_ok_and(|it| it.len() > 0);
        if let (Some(copy), Some(log)) = (found.first(), logs.iter().find(has_content)) {
            bail!(
                "{} is an OCSF copy, and {} is none: verify each by itself, or else what one lacks is found in the other",
                harmless(&copy.display().to_string()),
                harmless(&log.display().to_string()),
            );
        }
        for file in found {
            let directory = match &copies.directory {
                Some(directory) => directory,
                None => {
                    copies.directory.insert(tempfile::tempdir().context("cannot make a temporary directory")?)
                }
            };
            let lines = directory.path().join(copies.copies.len().to_string());
            let (unreadable, broken_off) = (BTreeMap::new(), None);
            copies.copies.push(Copy { file: file.clone(), lines: lines.clone(), broken_off, unreadable });
            let taken = copies.take(rules);
            taken.with_context(|| format!("cannot take apart {}", file.display()))?;
            *file = lines;
        }
        Ok(copies)
    }

    /// Takes the last of the copies apart.
    fn take(&mut self, rules: &[Vec<Rule>]) -> io::Result<()> {
        let copy = self.copies.len() - 1;
        let Copy { file, lines, .. } = &self.copies[copy];
        let mut reader = BufReader::with_capacity(128 << 10, open_log(file)?);
        let mut writer = BufWriter::with_capacity(128 << 10, File::create(lines)?);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if let Err(error) = read_whole(&mut reader, &mut line) {
                self.copies[copy].broken_off = Some(format!("cannot be decompressed from here on: {error}"));
                writer.write_all(JUNK)?;
                break;
            }
            if line.is_empty() {
                break;
            }
            let has_end = line.pop_if(|byte| *byte == b'\n').is_some();
            if !line.trim_ascii().is_empty() {
                self.take_line((copy, number), &line, rules, &mut writer)?;
            }
            // A copy's last line may lack its end, and be whole: then it can be read.
            if has_end || serde_json::from_slice::<IgnoredAny>(&line).is_ok() {
                writer.write_all(b"\n")?;
            }
        }
        writer.flush()
    }

    /// Writes the line of the log, on one line.
    fn take_line(
        &mut self,
        place: Place,
        line: &[u8],
        rules: &[Vec<Rule>],
        to: &mut impl io::Write,
    ) -> io::Result<()> {
        let record = match parse_json(line) {
            Ok(record) => record,
            Err(error) => {
                let reason = format!("no OCSF record: {} at column {}", error.message(), error.column());
                self.unreadable(place, reason);
                return to.write_all(JUNK);
            }
        };
        if record.get("class_uid").is_none() && carried_line(&record).is_none() {
            // The log's own, perhaps, among copies of others: the verifier knows.
            return to.write_all(line);
        }
        let text = |path| record.pointer(path).and_then(Value::as_str);
        let number = |path| record.pointer(path).and_then(whole);
        let chain = || text("/metadata/log_name").map(str::to_owned);
        let carried = carried_line(&record).filter(|line| {
            let is_own = text("/metadata/log_provider") == Some("audit-log");
            !line.trim().is_empty() && (is_own || NativeRecord::parse(line.as_bytes()).is_ok())
        });
        let Some(carried) = carried else {
            self.without_line.push(WithoutLine {
                place,
                chain: chain(),
                sequence: number("/metadata/sequence"),
                is_masked: record.pointer("/unmapped/audit_log/raw_data_omitted").is_some(),
            });
            return Ok(());
        };
        // A line has no break; and one that has would be proven as another than it is compared as.
        if carried.contains(['\n', '\r']) {
            self.unreadable(place, "raw_data holds a line break, which no line of a log does".to_owned());
            return to.write_all(JUNK);
        }
        self.compare(place, &record, carried, rules);
        // Its own number is the line's: what the record says may be anything.
        let first = NativeRecord::parse(carried.as_bytes()).ok().and_then(|native| native.sequence_number);
        if let Some((first, last)) = first.zip(number("/unmapped/audit_log/last_sequence")) {
            self.merged.push(Merged { place, chain: chain(), first, last });
        }
        to.write_all(carried.as_bytes())
    }

    fn unreadable(&mut self, (copy, line): Place, reason: String) {
        let unreadable = &mut self.copies[copy].unreadable;
        if unreadable.len() < MOST {
            unreadable.insert(line, reason);
        }
    }

    fn compare(&mut self, place: Place, record: &Value, carried: &str, rules: &[Vec<Rule>]) {
        let is_edit = |kind| kind != ContradictionKind::Added;
        let none = [Vec::new()];
        let candidates = if rules.is_empty() { &none } else { rules };
        let mut compared = Ok(None);
        for rules in candidates {
            // Whose product it was may have changed since.
            compared = contradictions(record, rules, None);
            if matches!(&compared, Ok(Some(found)) if !found.iter().any(|it| is_edit(it.kind))) {
                break;
            }
        }
        let what = match compared {
            Ok(Some(found)) => {
                let (edits, added): (Vec<_>, Vec<_>) = found.into_iter().partition(|it| is_edit(it.kind));
                for it in added {
                    if self.added.len() < MOST || self.added.contains_key(&it.path) {
                        self.added.entry(it.path).or_insert((0, place)).0 += 1;
                    }
                }
                let told: Vec<String> = edits.iter().take(5).map(ToString::to_string).collect();
                let more = edits.len() - told.len();
                match (told.is_empty(), more) {
                    (true, _) => return,
                    (_, 0) => told.join("; "),
                    _ => format!("{}; and {more} more", told.join("; ")),
                }
            }
            // The verifier says so of a line that was never sealed, or is no record.
            Ok(None) | Err(_) if SealedRecord::parse(carried.as_bytes()).is_err() => return,
            Ok(None) => "nothing in it can be compared with raw_data".to_owned(),
            Err(error) => format!("raw_data: {error}"),
        };
        if self.edited.len() == MOST {
            self.edited_left_out += 1;
            return;
        }
        let native = NativeRecord::parse(carried.as_bytes()).ok();
        let (chain, sequence) = native.map_or((None, None), |it| (it.chain_id, it.sequence_number));
        self.edited.push(Edited { place, chain, sequence, what: harmless(&what) });
    }
}

/// A whole number, also one that is written as `9.0`.
fn whole(number: &Value) -> Option<u64> {
    let float = || number.as_f64().filter(|float| float.fract() == 0.0 && (0.0..9e15).contains(float));
    number.as_u64().or_else(|| float().map(|float| float as u64))
}

/// Whether a file is a copy, by its first line.
fn is_copy(file: &Path) -> io::Result<bool> {
    let mut reader = BufReader::with_capacity(64 << 10, open_log(file)?);
    let mut line = Vec::new();
    while line.trim_ascii().is_empty() {
        line.clear();
        read_whole(&mut reader, &mut line)?;
        if line.is_empty() {
            return Ok(false);
        }
    }
    // Nearly every log.
    if line.starts_with(b"{\"event\":") {
        return Ok(false);
    }
    Ok(serde_json::from_slice::<Shape>(&line).is_ok_and(|shape| shape.is_ocsf()))
}

/// What tells an OCSF record from a log's own.
#[derive(Deserialize)]
struct Shape {
    class_uid: Option<IgnoredAny>,
    integrity: Option<IgnoredAny>,
    metadata: Option<IgnoredAny>,
}

impl Shape {
    /// Whoever enriches a record may add an `event` to it.
    fn is_ocsf(&self) -> bool {
        self.class_uid.is_some() && self.metadata.is_some() && self.integrity.is_none()
    }
}

/// Appends a line with its end; of one that is longer than a record can be, the beginning.
fn read_whole(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<()> {
    reader.take(MAX_RECORD).read_until(b'\n', line)?;
    let mut rest = Vec::new();
    while line.len() as u64 == MAX_RECORD && line.last() != Some(&b'\n') {
        rest.clear();
        if reader.take(MAX_RECORD).read_until(b'\n', &mut rest)? == 0 || rest.last() == Some(&b'\n') {
            line.push(b'\n');
        }
    }
    Ok(())
}
