//! The rotated files of a local log, and what is done to them.

use std::io::{self, BufRead, Read as _};
use std::path::{Path, PathBuf};

use audit_delivery::event_of;
use audit_journal::{Segment, segments};
use audit_model::{Timestamp, Value};
use audit_pipeline::{Deletion, Recorder};
use audit_retention::files::{Change, File, Files, plan};
use audit_retention::{Holds, Plan, Policy};

/// A log in local files: the log of record, or a copy that a destination keeps.
#[derive(Clone, Debug)]
pub(crate) struct LocalLog {
    pub(crate) path: PathBuf,
    pub(crate) max_files: Option<usize>,
    /// What keeps it; none, if it is the log of record.
    pub(crate) destination: Option<String>,
}

/// Longer lines are no records of ours.
const LONGEST_LINE: u64 = 64 << 20;

impl LocalLog {
    pub(crate) fn plan(
        &self,
        policy: &Policy,
        holds: &Holds,
        acknowledged: u64,
        now: Timestamp,
    ) -> io::Result<Plan<Change>> {
        let Looked { files, problems, numbered } = self.files(acknowledged, now)?;
        let mut planned = plan(policy, holds, &files, now);
        planned.problems.extend(problems);
        if !numbered
            && let Some(newest) = files.rotated.last()
            && planned
                .changes
                .pop_if(|last| matches!(last, Change::Delete { name, .. } if *name == newest.name))
                .is_some()
        {
            let why = "its name says at which number the file behind it begins, where records carry none";
            planned.notes.push(format!("`{}` stays until there is a newer one: {why}", newest.name));
        }
        Ok(planned)
    }

    fn files(&self, acknowledged: u64, now: Timestamp) -> io::Result<Looked> {
        let mut before: Option<Timestamp> = None;
        let (mut rotated, mut problems) = (Vec::new(), Vec::new());
        for segment in listed(&self.path)? {
            let (name, newest) = (name(&segment.path), segment.rotated);
            if newest.as_milliseconds() > now.as_milliseconds() + AHEAD {
                problems.push(format!(
                    "`{name}` says that it was closed at {newest}, which is to come: it stays until it is old enough by that \
                     time, and all behind it; see whether the clock was wrong, and rename it"
                ));
            }
            // A file gets its first record when the one before it is closed. Of the first, its first record tells.
            let oldest = match before.replace(newest) {
                Some(closed) => closed.min(newest),
                None => match segment.open().and_then(first_record) {
                    Ok(first) => first.time.unwrap_or(newest).min(newest),
                    Err(error) => {
                        problems.push(format!("cannot read `{name}`: {error}; its age is that of its name"));
                        newest
                    }
                },
            };
            rotated.push(File {
                name,
                first_sequence: segment.first_sequence,
                last_sequence: segment.last_sequence,
                oldest,
                newest,
                bytes: std::fs::metadata(&segment.path).map_or(0, |file| file.len()),
            });
        }
        let active = match std::fs::File::open(&self.path) {
            Ok(file) => first_record(io::BufReader::new(file))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => First::default(),
            Err(error) => return Err(error),
        };
        let is_copy = self.destination.is_some();
        let active_time = active.time.map(|first| before.map_or(first, |closed| first.max(closed)).min(now));
        let files = Files {
            rotated,
            // Whoever delivers to a copy rotates it, by the age that the configuration gives it.
            active: active_time.filter(|_| !is_copy),
            max_files: self.max_files,
            // A copy is behind whoever writes it, and nobody reads it for anybody else.
            delivered: if is_copy { u64::MAX } else { acknowledged },
        };
        Ok(Looked { files, problems, numbered: active.is_sealed && !is_copy })
    }

    /// How many rotated files there are: whether one has come.
    pub(crate) fn count(&self) -> usize {
        listed(&self.path).map_or(0, |segments| segments.len())
    }

    pub(crate) fn apply(
        &self,
        change: &Change,
        recorder: &Recorder,
        may: &dyn Fn() -> bool,
    ) -> Result<(), String> {
        match change {
            Change::Rotate => recorder.rotate().map_err(|error| error.to_string()),
            Change::Delete { name: wanted, rule, .. } => {
                let segments = listed(&self.path).map_err(|error| error.to_string())?;
                // It may have been compressed meanwhile.
                let plain = |name: &str| name.strip_suffix(".gz").unwrap_or(name).to_owned();
                let is_wanted = |segment: &&Segment| plain(&name(&segment.path)) == plain(wanted);
                let Some(segment) = segments.iter().find(is_wanted) else { return Ok(()) };
                let destination = self.destination.as_deref();
                let deletion = Deletion { log: &self.path, segment, rule: &rule.to_string(), destination };
                recorder.delete(&deletion, may).map_err(|error| error.to_string())
            }
        }
    }
}

/// So much may a clock have been ahead, in milliseconds.
const AHEAD: i64 = 24 * 60 * 60 * 1000;

/// What is there.
struct Looked {
    files: Files,
    problems: Vec<String>,
    /// Whether records carry their own numbers, so that the names of files are not needed to go on.
    numbered: bool,
}

/// What the first record of a file tells.
#[derive(Default)]
struct First {
    time: Option<Timestamp>,
    is_sealed: bool,
}

fn listed(log: &Path) -> io::Result<Vec<Segment>> {
    match segments(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The first record, native or OCSF.
fn first_record(mut lines: impl BufRead) -> io::Result<First> {
    let mut line = Vec::new();
    while lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? > 0 {
        if let Some(time) = time_of(&line) {
            let record = serde_json::from_slice::<Value>(&line).unwrap_or_default();
            return Ok(First {
                time: Some(time),
                is_sealed: record.pointer("/integrity/sequence_number").is_some(),
            });
        }
        line.clear();
    }
    Ok(First::default())
}

fn time_of(line: &[u8]) -> Option<Timestamp> {
    if let Some(event) = event_of(line) {
        let logged = event.extra.get("logged_time").and_then(Value::as_str);
        return logged.and_then(|time| time.parse().ok()).or(Some(event.timestamp));
    }
    let ocsf: Value = serde_json::from_slice(line).ok()?;
    Timestamp::from_milliseconds(ocsf.get("time")?.as_i64()?).ok()
}
