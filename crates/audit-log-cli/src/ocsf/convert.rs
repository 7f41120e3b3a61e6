use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use audit_config::OcsfFormat;
use audit_model::{Event, EventPattern, Timestamp};
use audit_ocsf::object::Product;
use audit_ocsf::{
    Coalesced, Coalescer, Mapping, NativeRecord, Recorded, Version, carried_line, event_count,
    event_from_value,
};
use audit_source::MAX_EVENT;
use clap::{Args, ValueEnum};
use tempfile::NamedTempFile;

use super::source::{self, Source};
use crate::config::load;
use crate::input::read_line;
use crate::moment::duration;
use crate::output::{complain, count, harmless};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What to make
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: To,
    /// Files, plain, gzip or zstd; `-`, or none, is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where it goes, once all is converted; standard output if not given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Give back the log's own lines, sealed as they are, that OCSF records carry in `raw_data`; a record without one is
    /// refused
    #[arg(long)]
    original: bool,
    #[command(flatten)]
    how: How,
}

/// How events become OCSF records.
#[derive(Debug, Args)]
#[command(next_help_heading = "With --to ocsf")]
struct How {
    /// A configuration: version, product, mapping and coalescing of its first destination with `format: {type: ocsf}`
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The version of the schema: 1.0.0 (unless the configuration says otherwise), 1.1.0, 1.3.0 or 1.8.0
    #[arg(long, value_name = "VERSION")]
    ocsf_version: Option<Version>,
    /// The name of the product whose records they are
    #[arg(long, value_name = "NAME", requires = "vendor")]
    product: Option<String>,
    /// Who makes that product
    #[arg(long, value_name = "NAME", requires = "product")]
    vendor: Option<String>,
    /// Make one record of identical events that are at most so far apart, such as `10s`, and count them
    #[arg(long, value_name = "WINDOW", value_parser = window)]
    coalesce: Option<Duration>,
    /// Coalesce only events of this type, or pattern of types. May be given many times
    #[arg(long, value_name = "PATTERN", requires = "coalesce")]
    coalesce_events: Vec<EventPattern>,
    /// Leave out the log's own lines, and with them the proof
    #[arg(long)]
    no_raw_data: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// Records of the Open Cybersecurity Schema Framework
    Ocsf,
    /// Events as `audit-log` has them
    Native,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.check()?;
    let mut output = Output::open(arguments.output.as_deref(), &arguments.files)?;
    let converted = match arguments.to {
        To::Ocsf => {
            let mut copy = arguments.how.copy()?;
            let all = source::each(&arguments.files, |source| copy.take(source, &mut output))?;
            copy.finish(&mut output)?;
            (copy.tally, all)
        }
        To::Native => {
            let mut tally = Tally::default();
            let all = source::each(&arguments.files, |source| {
                to_native(source, arguments.original, &mut output, &mut tally)
            })?;
            (tally, all)
        }
    };
    let (tally, (opened, all_opened)) = converted;
    if opened == 0 {
        return Ok(ExitCode::from(2));
    }
    // What is there is not given up for nothing.
    if tally.written > 0 || tally.refused == 0 {
        output.finish()?;
    }
    tally.told().lines().for_each(complain);
    let whole = tally.refused == 0 && !tally.broken_off && all_opened && tally.adds_up();
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Arguments {
    fn check(&self) -> anyhow::Result<()> {
        let how = &self.how;
        let is_set = [
            ("--config", how.config.is_some()),
            ("--ocsf-version", how.ocsf_version.is_some()),
            ("--product", how.product.is_some()),
            ("--coalesce", how.coalesce.is_some()),
            ("--no-raw-data", how.no_raw_data),
        ];
        match (self.to, is_set.iter().find(|(_, is_set)| *is_set)) {
            (To::Native, Some((name, _))) => bail!("{name} is for --to ocsf"),
            (To::Ocsf, _) if self.original => bail!("--original is for --to native"),
            _ => Ok(()),
        }
    }
}

impl How {
    fn copy(&self) -> anyhow::Result<Copy> {
        let mut format = match &self.config {
            Some(path) => format_in(path)?,
            None => OcsfFormat::default(),
        };
        if let Some(version) = self.ocsf_version {
            format.version = version;
        }
        format.raw_data &= !self.no_raw_data;
        let mut mapping = format.to_mapping();
        if let (Some(name), Some(vendor)) = (&self.product, &self.vendor) {
            mapping = mapping.product(&Product::new(name, vendor));
        }
        let mut rules: Vec<_> = format.coalesce.into_iter().map(|it| (it.events, it.window)).collect();
        if let Some(window) = self.coalesce {
            rules = vec![(self.coalesce_events.clone(), window)];
        }
        let coalescer = (!rules.is_empty()).then(|| {
            rules.into_iter().fold(Coalescer::new(), |made, (events, window)| made.rule(events, window))
        });
        let tally = Tally { coalesced: coalescer.is_some(), ..Tally::default() };
        Ok(Copy { mapping, coalescer, order: Order::default(), chain: None, held: 0, tally })
    }
}

fn format_in(path: &Path) -> anyhow::Result<OcsfFormat> {
    let parsed = load(path)?.map_err(|errors| anyhow::anyhow!("{errors}"))?;
    let formats = parsed.config.destinations.into_iter().map(|destination| destination.format);
    let ocsf = |format| match format {
        audit_config::Format::Ocsf(format) => Some(format),
        _ => None,
    };
    let found = formats.into_iter().find_map(ocsf);
    found.with_context(|| {
        format!("{}: no destination has `format: {{type: ocsf}}`; leave out --config", path.display())
    })
}

fn window(text: &str) -> Result<Duration, String> {
    let read = duration(text).ok().filter(|duration| !duration.is_zero());
    read.ok_or_else(|| "expected a duration above zero such as `10s` or `5m`".to_owned())
}

/// What went in and what came out.
#[derive(Debug, Default)]
struct Tally {
    read: u64,
    written: u64,
    refused: u64,
    broken_off: bool,
    coalesced: bool,
    /// Events that were read, each with its `count`.
    events_in: u64,
    /// The same of what was written.
    events_out: u64,
    /// The same of what could not be written.
    events_lost: u64,
}

impl Tally {
    fn refuse(&mut self, name: &str, line: u64, why: &str) {
        self.refused += 1;
        complain(&format!("{name}:{line}: {why}"));
    }

    fn break_off(&mut self, name: &str, line: u64, error: &str) {
        self.broken_off = true;
        complain(&format!("{name}:{line}: {error}"));
    }

    fn adds_up(&self) -> bool {
        self.events_in == self.events_out + self.events_lost
    }

    fn told(&self) -> String {
        let Self { read, written, refused, events_in, events_out, .. } = self;
        let mut text = format!("{} read, {written} written, {refused} refused\n", count(*read, "record"));
        if self.coalesced {
            text += &format!("coalesced: events in {events_in}, sum of counts out {events_out}\n");
        }
        if !self.adds_up() {
            text += "error: these differ; please report this\n";
        }
        text
    }
}

/// A log's records on their way to being OCSF.
struct Copy {
    mapping: Mapping,
    coalescer: Option<Coalescer<Member>>,
    order: Order,
    /// The chain of the records in the coalescer: those of different ones are never identical.
    chain: Option<String>,
    /// How many bytes of lines the coalescer holds.
    held: usize,
    tally: Tally,
}

/// A record that may become one with others.
struct Member {
    /// Its place in all that was read.
    ordinal: u64,
    name: String,
    line_number: u64,
    chain_id: Option<String>,
    sequence_number: Option<u64>,
    line: String,
}

/// How many bytes of lines may wait to become one.
const MAX_HELD: usize = 64 << 20;

impl Copy {
    fn take(&mut self, source: Source, output: &mut Output) -> anyhow::Result<()> {
        let Source { name, mut reader } = source;
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let whole = match read_line(&mut reader, &mut line) {
                Ok(Some(whole)) => whole,
                Ok(None) => break,
                Err(error) => {
                    let error = format!("cannot be read from here on: {error}");
                    self.tally.break_off(&name, number, &error);
                    break;
                }
            };
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.tally.read += 1;
            if whole {
                self.take_line(&name, number, &line, output)?;
            } else {
                self.tally.refuse(&name, number, &format!("longer than {MAX_EVENT} bytes"));
            }
        }
        Ok(())
    }

    fn take_line(&mut self, name: &str, number: u64, line: &[u8], output: &mut Output) -> anyhow::Result<()> {
        let native = match NativeRecord::parse(line) {
            Ok(native) => native,
            Err(error) => {
                let is_ocsf = serde_json::from_slice::<serde_json::Value>(line)
                    .is_ok_and(|value| value.get("class_uid").is_some());
                let hint = if is_ocsf { "; it is an OCSF record already" } else { "" };
                self.tally.refuse(name, number, &format!("{error}{hint}"));
                return Ok(());
            }
        };
        let Some(coalescer) = &mut self.coalescer else {
            let mut bytes = Vec::with_capacity(line.len() * 3);
            match self.mapping.write(&native.event, native.recorded(), &mut bytes) {
                Ok(()) => {
                    self.tally.written += 1;
                    output.put(&mut bytes)?;
                }
                Err(error) => self.tally.refuse(name, number, &error.to_string()),
            }
            return Ok(());
        };
        let NativeRecord { event, chain_id, sequence_number, line, .. } = native;
        self.tally.events_in += stands_for(&event);
        let mut complete = Vec::new();
        if self.chain != chain_id || self.held + self.order.held + line.len() > MAX_HELD {
            complete.extend(coalescer.finish());
            self.chain.clone_from(&chain_id);
        }
        self.held += line.len();
        let now = event.timestamp;
        let (ordinal, name, line) = (self.order.begin(), name.to_owned(), line.to_owned());
        let member = Member { ordinal, name, line_number: number, chain_id, sequence_number, line };
        complete.extend(coalescer.push(event, member));
        complete.extend(coalescer.expire(now));
        complete.into_iter().try_for_each(|merged| self.put(&merged, output))
    }

    fn finish(&mut self, output: &mut Output) -> anyhow::Result<()> {
        let rest = self.coalescer.as_mut().map(Coalescer::finish).unwrap_or_default();
        rest.into_iter().try_for_each(|merged| self.put(&merged, output))
    }

    fn put(&mut self, merged: &Coalesced<Member>, output: &mut Output) -> anyhow::Result<()> {
        self.held -= merged.items.iter().map(|member| member.line.len()).sum::<usize>();
        let Some((first, others)) = merged.items.split_first() else { return Ok(()) };
        let recorded = Recorded {
            chain_id: first.chain_id.as_deref(),
            sequence_number: first.sequence_number,
            last_sequence_number: others.last().and_then(|last| last.sequence_number),
            line: Some(&first.line),
        };
        let mut bytes = Vec::with_capacity(first.line.len() * 3);
        match self.mapping.write(&merged.event, recorded, &mut bytes) {
            Ok(()) => {
                self.tally.written += 1;
                self.tally.events_out += stands_for(&merged.event);
                self.order.end(&merged.items, Some(bytes), output)
            }
            Err(error) => {
                let error = error.to_string();
                self.tally.events_lost += stands_for(&merged.event);
                for member in &merged.items {
                    self.tally.refuse(&member.name, member.line_number, &error);
                }
                self.order.end(&merged.items, None, output)
            }
        }
    }
}

/// Puts records back into the order in which the first of each was read, so that a copy's lines are in the log's order.
#[derive(Default)]
struct Order {
    begun: u64,
    /// What is in the coalescer.
    open: BTreeSet<u64>,
    /// What is complete, behind something that is not.
    waiting: BTreeMap<u64, Vec<u8>>,
    /// How many bytes wait.
    held: usize,
}

impl Order {
    fn begin(&mut self) -> u64 {
        self.begun += 1;
        self.open.insert(self.begun);
        self.begun
    }

    /// Takes the record that these have become, if they have.
    fn end(
        &mut self,
        members: &[Member],
        record: Option<Vec<u8>>,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        for member in members {
            self.open.remove(&member.ordinal);
        }
        if let (Some(first), Some(record)) = (members.first(), record) {
            self.held += record.len();
            self.waiting.insert(first.ordinal, record);
        }
        let next = self.open.first().copied().unwrap_or(u64::MAX);
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() < next) {
            let mut record = entry.remove();
            self.held -= record.len();
            output.put(&mut record)?;
        }
        Ok(())
    }
}

/// What is no number of events counts as one, as it does where it is written.
fn stands_for(event: &Event) -> u64 {
    event_count(event).unwrap_or(1)
}

fn to_native(source: Source, original: bool, output: &mut Output, tally: &mut Tally) -> anyhow::Result<()> {
    let name = source.name.clone();
    let ended = source.each_value(|line, value| {
        tally.read += 1;
        let parsed = match value {
            Ok(parsed) => parsed,
            Err(error) => {
                tally.refuse(&name, error.line, &error.message);
                return Ok(());
            }
        };
        if let Some(refused) = parsed.refused {
            tally.refuse(&name, refused.line, &refused.message);
            return Ok(());
        }
        let converted = if original {
            match carried_line(&parsed.value) {
                Some(text) if !text.contains('\n') => Ok(text.as_bytes().to_vec()),
                Some(_) => Err("raw_data is no line: it holds a line break".to_owned()),
                None => Err("carries no line of a log in raw_data".to_owned()),
            }
        } else {
            event_from_value(parsed.value, Timestamp::now())
                .map_err(|error| error.to_string())
                .and_then(|event| event.to_canonical_json().map_err(|error| error.to_string()))
        };
        match converted {
            Ok(mut bytes) => {
                tally.written += 1;
                output.put(&mut bytes)
            }
            Err(error) => {
                tally.refuse(&name, line, &error);
                Ok(())
            }
        }
    })?;
    if let Err(error) = ended {
        tally.break_off(&name, error.line, &error.message);
    }
    Ok(())
}

/// A reader that went away (`| head`) is no error.
fn unless_gone(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// Where it goes.
enum Output {
    Plain(BufWriter<Box<dyn Write>>),
    /// A file that gets its name when it is whole.
    File {
        file: BufWriter<NamedTempFile>,
        path: PathBuf,
    },
}

impl Output {
    fn open(path: Option<&Path>, inputs: &[PathBuf]) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::plain(io::stdout())) };
        let cannot_write = || format!("cannot write {}", harmless(&path.display().to_string()));
        let real = |path: &Path| fs::canonicalize(path).ok();
        if real(path).is_some_and(|own| inputs.iter().any(|input| real(input).as_ref() == Some(&own))) {
            bail!("--output {} is one of the files to read; choose another", path.display());
        }
        // A pipe or a terminal: it has its name already.
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Ok(Self::plain(File::options().write(true).open(path).with_context(cannot_write)?));
        }
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = NamedTempFile::new_in(directory).with_context(cannot_write)?;
        Ok(Self::File { file: BufWriter::with_capacity(128 << 10, file), path: path.to_owned() })
    }

    fn plain(to: impl Write + 'static) -> Self {
        Self::Plain(BufWriter::with_capacity(128 << 10, Box::new(to)))
    }

    /// Writes a line.
    fn put(&mut self, line: &mut Vec<u8>) -> anyhow::Result<()> {
        line.push(b'\n');
        match self {
            Self::Plain(out) => unless_gone(out.write_all(line)),
            Self::File { file, .. } => file.write_all(line),
        }
        .context("cannot write the output")
    }

    fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Plain(mut out) => unless_gone(out.flush()).context("cannot write the output"),
            Self::File { file, path } => {
                let cannot_write = || format!("cannot write {}", harmless(&path.display().to_string()));
                let file =
                    file.into_inner().map_err(io::IntoInnerError::into_error).with_context(cannot_write)?;
                file.as_file().sync_all().with_context(cannot_write)?;
                file.persist(&path).map_err(|error| error.error).with_context(cannot_write)?;
                Ok(())
            }
        }
    }
}
