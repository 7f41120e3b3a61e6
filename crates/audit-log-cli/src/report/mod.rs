//! `audit-log report`: a period's events, counted, and the verdict on the log that they stand in.

mod counting;
mod signature;
mod verdict;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use audit_config::process_environment;
use audit_model::Timestamp;
use audit_report::{Period, Report, Soundness};
use audit_retention::{Holds, HoldsFile, Policy};
use clap::{Args, ValueEnum};
use tempfile::NamedTempFile;

use crate::config::load;
use crate::logs;
use crate::moment::moment;
use crate::output::{complain, harmless, path, print};
use crate::verify::{Keys, Task, Verified, verify};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Logs (with their rotated files), OCSF copies, other files of events, or directories of them; `-` is standard input
    #[arg(required_unless_present = "check", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The period's first moment: a time, a date (UTC), or how long ago, such as `7d`
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// The first moment behind the period [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "from")]
    to: Option<Timestamp>,
    /// A month, such as `2026-10` [default: the last that is over, when no other period is given]
    #[arg(long, value_name = "MONTH", conflicts_with_all = ["from", "last"])]
    month: Option<Period>,
    /// The period up to now, such as `30d`
    #[arg(long, value_name = "DURATION", conflicts_with = "from", value_parser = ago)]
    last: Option<Timestamp>,
    /// What the report is called [default: Audit report]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// The report's form [default: by the ending of --output; otherwise text]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write the report to this file, which only its owner can read, instead of printing it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Sign the report with the key in this file: FILE.sig says what the report's digest is and where the chains end
    #[arg(long, value_name = "KEYFILE", requires = "output")]
    sign: Option<PathBuf>,
    /// Say whether a report is as it was signed, by REPORT.sig, instead of making one
    #[arg(long, value_name = "REPORT",
        conflicts_with_all = ["paths", "from", "to", "month", "last", "title", "format", "output", "sign", "only", "threads"])]
    check: Option<PathBuf>,
    #[command(flatten)]
    keys: Keys,
    /// Read just the files named, without the rotated ones beside them
    #[arg(long)]
    only: bool,
    /// How many threads; 0 takes all cores
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    threads: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal of 100 columns
    Text,
    /// One file that needs no other, for a browser or a printer
    Html,
    /// For programs: everything
    Json,
    /// For spreadsheets: one flat table
    Csv,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(report) = &arguments.check {
        return signature::check(report, &arguments.keys.ring()?);
    }
    let now = Timestamp::now();
    let period = arguments.period(now)?;
    // Told before hours are spent on the log.
    let signing_key = arguments.sign.as_deref().map(signature::read_key).transpose()?;
    let Arguments { paths, keys, only, threads, .. } = arguments;
    let verified = verify(&Task { paths, keys, heads: &[], only: *only, threads: *threads })?;
    let standard_input = verified.standard_input.as_ref().map(NamedTempFile::path);
    let files = logs::files(&arguments.paths, arguments.only)?;
    let counted = counting::count(&files, standard_input, period, now, arguments.threads);
    let integrity = verdict::integrity(&verified);
    let soundness = integrity.verdict;
    let mut report = Report::new(counted.tally, integrity, now).files(files.iter().map(|file| name(file)));
    if let Some(title) = &arguments.title {
        report = report.title(title);
    }
    if let Some(config) = arguments.keys.config.as_deref() {
        let (policy, holds) = kept(config)?;
        report = match policy {
            Some(policy) => report.policy(policy),
            None => {
                report.note("the configuration has no `retention`: nothing says how long the log is kept")
            }
        };
        report = match holds {
            Ok(holds) => report.holds(&holds),
            Err(why) => report.note(why),
        };
    }
    if period.to() > now {
        report = report.note(format!("the period is not over: it ends at {}", period.to()));
    }
    report = counted.notes.into_iter().fold(report, Report::note);
    arguments.hand_over(&report, &verified, signing_key.as_ref(), now)?;
    Ok(match soundness {
        Soundness::Sound => ExitCode::SUCCESS,
        Soundness::Broken => ExitCode::FAILURE,
        _ => ExitCode::from(2),
    })
}

impl Arguments {
    fn period(&self, now: Timestamp) -> anyhow::Result<Period> {
        Ok(match (self.month, self.last, self.from) {
            (Some(month), _, _) => month,
            (None, Some(from), _) => Period::new(from, now)?,
            (None, None, Some(from)) => Period::new(from, self.to.unwrap_or(now))?,
            (None, None, None) => Period::last_month(now),
        })
    }

    fn format(&self) -> Format {
        let by_ending = || {
            let ending = self.output.as_deref()?.extension()?.to_str()?.to_ascii_lowercase();
            match ending.as_str() {
                "html" | "htm" | "xhtml" => Some(Format::Html),
                "json" => Some(Format::Json),
                "csv" => Some(Format::Csv),
                _ => None,
            }
        };
        self.format.or_else(by_ending).unwrap_or(Format::Text)
    }

    /// Prints the report, or writes it and what signs it.
    fn hand_over(
        &self,
        report: &Report,
        verified: &Verified,
        key: Option<&audit_integrity::Key>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let text = match self.format() {
            Format::Text => report.to_text(),
            Format::Html => report.to_html(),
            Format::Json => report.to_json(),
            Format::Csv => report.to_csv(),
        };
        let Some(file) = &self.output else { return print(&text) };
        write(file, text.as_bytes())?;
        let integrity = &report.integrity;
        let verdict = integrity.verdict.as_str().to_uppercase();
        let mut told = format!("{verdict}: {}\n{}\n", integrity.headline(), integrity.explanation());
        told += &format!("the report on {} is in {}\n", report.period, file.display());
        let signature = signature::file_of(file);
        if let Some(key) = key {
            write(&signature, &signature::sign(file, text.as_bytes(), &verified.report, key, now))?;
            told += &format!("signed with key {}: {}\n", key.id(), signature.display());
        } else if signature.exists() {
            complain(&format!("warning: {} is of an earlier report, and does not fit", signature.display()));
        }
        print(&harmless_lines(&told))
    }
}

fn harmless_lines(text: &str) -> String {
    text.lines().map(|line| harmless(line) + "\n").collect()
}

/// How long ago: `30d`, and no date.
fn ago(text: &str) -> Result<Timestamp, String> {
    let expected = "expected how long, such as 30d or 12h";
    let is_time = text.parse::<Timestamp>().is_ok() || text.parse::<jiff::civil::Date>().is_ok();
    match is_time {
        true => Err(format!("{expected}; a first moment is for --from")),
        false => moment(text).map_err(|_| expected.to_owned()),
    }
}

fn name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { path(file) }
}

/// What the configuration says about keeping records, and the holds beside the log that it describes, or why they are not
/// known.
fn kept(config: &Path) -> anyhow::Result<(Option<Policy>, Result<Holds, String>)> {
    let config = load(config)?.map_err(|errors| anyhow::anyhow!("{errors}"))?.config;
    let journal = config.journal(&process_environment).context("there is no place for the journal")?;
    let holds = HoldsFile::at(config.holds_file(&journal)).read();
    let policy = config.retention.is_some().then(|| config.policy());
    Ok((policy, holds.map_err(|error| format!("the holds are not known: {error}"))))
}

/// Writes a file that only its owner can read: all of it, or nothing.
fn write(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let cannot_write = || format!("cannot write {}", file.display());
    if fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
        // Such as /dev/stdout.
        return fs::write(file, content).with_context(cannot_write);
    }
    let directory = match file.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    };
    if file.file_name().is_none() {
        bail!("cannot write {}: it names no file", file.display());
    }
    let mut new = NamedTempFile::new_in(directory).with_context(cannot_write)?;
    new.write_all(content).with_context(cannot_write)?;
    new.as_file().sync_all().with_context(cannot_write)?;
    new.persist(file).with_context(cannot_write)?;
    Ok(())
}
