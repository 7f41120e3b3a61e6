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
        let files = self.files(policy, acknowledged, now)?;
        let mut planned = plan(policy, holds, &files, now);
        if self.destination.is_some() {
            // Whoever delivers there rotates it, by the age that the configuration gives it.
            planned.changes.retain(|change| *change != Change::Rotate);
        }
        Ok(planned)
    }

    fn files(&self, policy: &Policy, acknowledged: u64, now: Timestamp) -> io::Result<Files> {
        let mut before = None;
        let mut rotated = Vec::new();
        for segment in listed(&self.path)? {
            let newest = segment.rotated;
            let lowest = before.replace(newest);
            // What cannot be too old is not looked into.
            let may_be_due = lowest.is_none_or(|lowest| policy.must_delete(lowest, now));
            let first = if may_be_due { segment.open().and_then(first_time)? } else { None };
            rotated.push(File {
                name: name(&segment.path),
                first_sequence: segment.first_sequence,
                last_sequence: segment.last_sequence,
                oldest: within(first, lowest, newest),
                newest,
                bytes: std::fs::metadata(&segment.path).map_or(0, |file| file.len()),
            });
        }
        let active = match std::fs::File::open(&self.path) {
            Ok(file) => first_time(io::BufReader::new(file))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Files {
            rotated,
            active: active.map(|first| within(Some(first), before, now)),
            max_files: self.max_files,
            // A copy is behind whoever writes it, and nobody reads it for anybody else.
            delivered: if self.destination.is_some() { u64::MAX } else { acknowledged },
        })
    }

    /// How many rotated files there are: whether one has come.
    pub(crate) fn count(&self) -> usize {
        listed(&self.path).map_or(0, |segments| segments.len())
    }

    pub(crate) fn apply(&self, change: &Change, recorder: &Recorder) -> Result<(), String> {
        let applied = match change {
            Change::Rotate => recorder.rotate(true),
            Change::Delete { name: wanted, rule, .. } => {
                let segments = listed(&self.path).map_err(|error| error.to_string())?;
                // It may have been compressed meanwhile.
                let plain = |name: &str| name.strip_suffix(".gz").unwrap_or(name).to_owned();
                let is_wanted = |segment: &&Segment| plain(&name(&segment.path)) == plain(wanted);
                let Some(segment) = segments.iter().find(is_wanted) else { return Ok(()) };
                let destination = self.destination.as_deref();
                recorder.delete(&Deletion { log: &self.path, segment, rule: &rule.to_string(), destination })
            }
        };
        applied.map_err(|error| error.to_string())
    }
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

/// An event's own time may be any; it was logged after the file before was rotated, and before its own was.
fn within(first: Option<Timestamp>, lowest: Option<Timestamp>, highest: Timestamp) -> Timestamp {
    let first = first.unwrap_or_else(|| lowest.unwrap_or(highest));
    first.max(lowest.unwrap_or(first)).min(highest)
}

/// The time of the first record, native or OCSF.
fn first_time(mut lines: impl BufRead) -> io::Result<Option<Timestamp>> {
    let mut line = Vec::new();
    while lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? > 0 {
        if let Some(time) = time_of(&line) {
            return Ok(Some(time));
        }
        line.clear();
    }
    Ok(None)
}

fn time_of(line: &[u8]) -> Option<Timestamp> {
    if let Some(event) = event_of(line) {
        let logged = event.extra.get("logged_time").and_then(Value::as_str);
        return logged.and_then(|time| time.parse().ok()).or(Some(event.timestamp));
    }
    let ocsf: Value = serde_json::from_slice(line).ok()?;
    Timestamp::from_milliseconds(ocsf.get("time")?.as_i64()?).ok()
}
