//! Finding records: what they say, how many there are, and what is appended.

mod cell;
mod complaints;
mod csv;
mod follow;
pub(crate) mod place;
mod rows;
mod s3;
pub(crate) mod sweep;
mod table;
mod tally;
mod terms;

use std::io::{self, IsTerminal as _};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::bail;
use audit_condition::Path;
use audit_model::Timestamp;
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use self::complaints::Complaints;
use self::place::{Place, expanded, places};
use self::rows::{Output, Rows, Shape};
use self::sweep::{Sweep, Swept};
use self::tally::{Count, CountPart, Groups, GroupsPart, Tally};
use self::terms::{Terms, paths};
use crate::output::{complain, print};
use crate::progress;
use crate::verify::{Keys, Task, verify};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Logs (with their rotated files), OCSF copies, or any files with one event a line (plain, gzip, zstd); patterns,
    /// directories, `s3://bucket/prefix`, or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    terms: Terms,
    /// Stop after so many records, in the order of the files; with --group-by, show so many groups
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
    /// Print how many there are, and nothing else
    #[arg(long, conflicts_with_all = ["group_by", "fields", "follow"])]
    count: bool,
    /// Count by the values of these fields, and print the groups, the largest first: event_type,actor.id
    #[arg(long, value_name = "FIELDS", conflicts_with_all = ["fields", "follow"])]
    group_by: Option<String>,
    /// Print these fields and nothing else: timestamp,actor.id,details.reason
    #[arg(long, value_name = "FIELDS")]
    fields: Option<String>,
    /// How to print [default: table on a terminal, ndjson elsewhere]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Go on with what is appended, across rotation, until a signal ends it; `--since now` leaves out what is there already
    #[arg(long, short, conflicts_with = "verify")]
    follow: bool,
    /// Verify the logs first, and print nothing unless all are intact
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    keys: Keys,
    /// Search just the files named, without the rotated ones beside them
    #[arg(long)]
    only: bool,
    /// How many threads; 0 takes all cores
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    threads: usize,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people; on a terminal they fit its width
    Table,
    /// One array
    Json,
    /// A record a line, just as it stands in its file
    Ndjson,
    /// With a header (RFC 4180); texts that a spreadsheet would take for formulas begin with '
    Csv,
}

/// What is shown of a record where only some fields can be.
const COLUMNS: &str = "timestamp,event_type,actor.id,resource.id,action.result";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let is_terminal = io::stdout().is_terminal();
    let format = arguments.format.unwrap_or(if is_terminal { Format::Table } else { Format::Ndjson });
    let columns = columns(arguments, format)?;
    let (query, warnings) = arguments.terms.query(columns.clone().unwrap_or_default())?;
    let is_in_s3 = arguments.paths.iter().any(|path| path.starts_with("s3:"));
    if !arguments.verify && !arguments.keys.are_none() && !is_in_s3 {
        bail!(
            "--key-file, --key-env and --config are for --verify, which was not given; --config also for s3:// paths"
        );
    }
    let (named, mut problems) = expanded(&arguments.paths);
    let standard_input = match arguments.verify {
        true if named.is_empty() => None,
        true => match verified(arguments, &named)? {
            Some(standard_input) => standard_input,
            None => return Ok(ExitCode::from(2)),
        },
        false => None,
    };
    let (mut places, unreadable) = places(&named, arguments.only);
    problems.extend(unreadable);
    for place in &mut places {
        if let (Place::StandardInput(spooled), Some(file)) = (place, &standard_input) {
            *spooled = Some(file.path().to_owned());
        }
    }
    let is_summary = arguments.count || arguments.group_by.is_some();
    let bar = Some(())
        .filter(|()| !arguments.follow && (is_summary || !is_terminal))
        .and_then(|()| progress::bar(&places.iter().flat_map(Place::files).collect::<Vec<_>>()));
    let complaints = Complaints::beside(bar.clone());
    warnings.iter().for_each(|warning| complaints.tell(warning));
    problems.iter().for_each(|problem| complaints.tell(&format!("error: {problem}")));
    let read = AtomicU64::new(0);
    let threads = match arguments.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let search = Search {
        arguments,
        places: &places,
        sweep: Sweep {
            query: &query,
            now: Timestamp::now(),
            threads,
            read: &read,
            config: arguments.keys.config.as_deref(),
            // Whoever may write there could have noted wrong times.
            trusts_times: !arguments.verify,
        },
        complaints: &complaints,
        bar: bar.as_ref(),
    };
    let terminal = is_terminal.then(width);
    let (found, all_read) = match columns {
        Some(by) if arguments.group_by.is_some() => search.groups(&by, format, terminal)?,
        _ if arguments.count => search.count()?,
        columns => search.rows(&Shape { format, columns, limit: arguments.limit, terminal })?,
    };
    complaints.finish();
    Ok(match (problems.is_empty() && all_read, found) {
        (false, _) => ExitCode::from(2),
        (true, 0) => ExitCode::FAILURE,
        (true, _) => ExitCode::SUCCESS,
    })
}

/// The fields that are needed; none where the records themselves are.
fn columns(arguments: &Arguments, format: Format) -> anyhow::Result<Option<Vec<Path>>> {
    Ok(match (&arguments.group_by, &arguments.fields) {
        _ if arguments.count => None,
        (Some(fields), _) => Some(paths("--group-by", fields)?),
        (None, Some(fields)) => Some(paths("--fields", fields)?),
        (None, None) if matches!(format, Format::Table | Format::Csv) => Some(paths("--fields", COLUMNS)?),
        (None, None) => None,
    })
}

/// Says what the logs are. Nothing unless they are intact; else what standard input was put into, if it was.
fn verified(
    arguments: &Arguments,
    paths: &[PathBuf],
) -> anyhow::Result<Option<Option<tempfile::NamedTempFile>>> {
    if let Some(address) = paths.iter().find(|path| path.starts_with("s3:")) {
        bail!("{}: --verify is for files; fetch the objects first", address.display());
    }
    let Arguments { keys, only, threads, .. } = arguments;
    let verified = verify(&Task { paths, keys, heads: &[], only: *only, threads: *threads })?;
    let is_intact = verified.is_intact();
    let text = verified.to_text();
    // What is wrong in full; of what is not, the verdict.
    let is_worth_it = |line: &str| !is_intact || !line.starts_with(' ') || line.contains("more than once");
    for line in text.lines().filter(|line| is_worth_it(line)) {
        complain(line);
    }
    if !is_intact {
        complain("error: nothing is printed, since not all of it is intact");
        return Ok(None);
    }
    Ok(Some(verified.standard_input))
}

/// The terminal's width, in columns.
fn width() -> usize {
    let known = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    known.filter(|width| *width > 0).unwrap_or(80)
}

/// A search that is about to begin.
struct Search<'a> {
    arguments: &'a Arguments,
    places: &'a [Place],
    sweep: Sweep<'a>,
    complaints: &'a Complaints,
    bar: Option<&'a ProgressBar>,
}

/// How many were found, and whether all could be read.
type Outcome = anyhow::Result<(u64, bool)>;

impl Search<'_> {
    fn count(&self) -> Outcome {
        let mut count = 0;
        let limit = self.arguments.limit.unwrap_or(u64::MAX);
        let mut take = |part: CountPart| {
            self.complaints.take(&part.refused);
            count += part.count;
            if count >= limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let visitor = Count { complaints: self.complaints };
        let all_read = self.sweep(limit, || self.sweep.all(self.places, &visitor, &mut take));
        count = count.min(limit);
        print(&format!("{count}\n"))?;
        Ok((count, all_read))
    }

    fn groups(&self, by: &[Path], format: Format, terminal: Option<usize>) -> Outcome {
        let mut tally = Tally::default();
        let mut take = |part: GroupsPart| {
            self.complaints.take(&part.refused);
            tally.add(part);
            ControlFlow::Continue(())
        };
        let visitor = Groups { by, complaints: self.complaints };
        let all_read = self.sweep(1, || self.sweep.all(self.places, &visitor, &mut take));
        let found = tally.print(by, format, self.arguments.limit, terminal)?;
        Ok((found, all_read))
    }

    fn rows(&self, shape: &Shape) -> Outcome {
        let rows = Rows { shape, complaints: self.complaints };
        let mut output = Output::begin(shape, self.complaints)?;
        let all_read = if self.arguments.follow {
            follow::follow(self.places, &self.sweep, &rows, &mut output, self.complaints)?
        } else {
            let mut take = |part| output.take(part);
            self.sweep(shape.limit.unwrap_or(1), || self.sweep.all(self.places, &rows, &mut take))
        };
        Ok((output.finish()?, all_read))
    }

    /// Reads, and shows how far it is, unless there is nothing to find. Returns whether all could be read.
    fn sweep(&self, limit: u64, work: impl FnOnce() -> Swept) -> bool {
        if limit == 0 {
            return true;
        }
        let is_over = AtomicBool::new(false);
        let swept = std::thread::scope(|scope| {
            if let Some(bar) = self.bar {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        bar.set_position(self.sweep.read.load(Ordering::Relaxed));
                        std::thread::sleep(Duration::from_millis(50));
                    }
                });
            }
            let _over = Over(&is_over);
            work()
        });
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        swept.problems.iter().for_each(|problem| self.complaints.tell(&format!("error: {problem}")));
        swept.problems.is_empty()
    }
}

/// Says that it is over, however it ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
