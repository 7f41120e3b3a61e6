//! Commands about a configuration's destinations and notifiers: whether they can be reached, how far they are, and what
//! they refused.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use audit_config::{AssembleError, Config, DestinationKind, JournalFile, NotifierPlace, process_environment};
use audit_delivery::{DeadLetter, DeadLetters, Destination, State};
use audit_integrity::SealedRecord;
use audit_journal::{Reader, segments};
use audit_model::Timestamp;
use audit_pipeline::Recorder;
use audit_sink::{Batch, SinkError};
use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use crate::config::checked;
use crate::output::{count, describe, print, print_json};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The configuration (YAML)
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Only this destination: its name, or its type if it has none; or a notifier's name, or `alerts` for the alert rules
    #[arg(long, short, value_name = "NAME")]
    destination: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// What `status` looks at.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(crate) struct StatusArguments {
    /// The configuration (YAML)
    #[arg(long, short, value_name = "FILE", group = "which")]
    config: Option<PathBuf>,
    /// Only this destination: its name, or its type if it has none; or a notifier's name, or `alerts` for the alert rules
    #[arg(long, short, requires = "config", value_name = "NAME")]
    #[cfg_attr(feature = "http", arg(conflicts_with = "url"))]
    destination: Option<String>,
    #[cfg(feature = "http")]
    #[command(flatten)]
    remote: crate::remote::Arguments,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Try what a configuration needs, without recording anything.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckCommand {
    /// Connect to every destination, and say what would fail and why
    Destinations(Arguments),
}

/// Records that a destination would not take.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetterCommand {
    /// Print them, with the reasons
    List(Arguments),
    /// Send them again; what is taken now leaves the dead letters
    ///
    /// Exit code 0: all were taken, or there were none; 1: some were refused again, or could not be sent; 2: they stay where
    /// they are.
    Retry(Arguments),
}

/// How long one destination may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A configuration, and those of its places that were asked for.
struct Chosen {
    config: Config,
    journal: JournalFile,
    places: Vec<Place>,
    /// Why the notifiers are not among them.
    no_notifiers: Option<String>,
}

/// What follows the log.
enum Place {
    /// A destination, by its index.
    Destination(usize),
    /// The alert rules.
    Alerts,
    Notifier(NotifierPlace),
}

/// What the alert rules are called among destinations.
const ALERTS: &str = "alerts";

impl Arguments {
    fn choose(&self) -> anyhow::Result<Option<Chosen>> {
        let Some(config) = checked(&self.config)? else { return Ok(None) };
        let journal =
            config.journal(&process_environment).context("no place for the journal: set `state_dir`")?;
        let mut places: Vec<Place> = (0..config.destinations.len()).map(Place::Destination).collect();
        let mut no_notifiers = None;
        if !config.alerts.is_empty() {
            places.push(Place::Alerts);
            match config.notifier_places(&process_environment) {
                Ok(notifiers) => places.extend(notifiers.into_iter().map(Place::Notifier)),
                Err(errors) => no_notifiers = Some(errors.to_string()),
            }
        }
        let mut chosen = Chosen { config, journal, places, no_notifiers };
        if let Some(wanted) = &self.destination {
            let names: Vec<_> =
                chosen.places.iter().map(|place| format!("`{}`", chosen.name(place))).collect();
            let index = chosen.places.iter().position(|place| chosen.name(place) == wanted);
            let Some(index) = index else {
                let why = chosen.no_notifiers.map(|why| format!("; of notifiers, none can be: {why}"));
                let (names, why) = (names.join(", "), why.unwrap_or_default());
                bail!("no destination is called `{wanted}`; expected one of {names}{why}");
            };
            chosen.places = vec![chosen.places.swap_remove(index)];
            chosen.no_notifiers = None;
        }
        Ok(Some(chosen))
    }
}

impl Chosen {
    fn name<'a>(&'a self, place: &'a Place) -> &'a str {
        match place {
            Place::Destination(index) => self.config.destination_name(*index),
            Place::Alerts => ALERTS,
            Place::Notifier(notifier) => &notifier.name,
        }
    }

    fn kind(&self, place: &Place) -> &'static str {
        match place {
            Place::Destination(index) => self.config.destinations[*index].kind.type_name(),
            Place::Alerts => "rules",
            Place::Notifier(notifier) => notifier.type_name(),
        }
    }

    fn directory(&self) -> PathBuf {
        self.config.delivery_dir(&self.journal)
    }

    fn is_journal(&self, place: &Place) -> bool {
        matches!(place, Place::Destination(index) if self.journal.destination == Some(*index))
    }

    /// What is sent to; the alert rules are no such place.
    fn delivered(&self, place: &Place) -> Option<Result<Destination, AssembleError>> {
        match place {
            Place::Destination(index) => Some(self.config.delivered(*index)),
            Place::Alerts => None,
            Place::Notifier(notifier) => Some(self.config.told(notifier, Recorder::default())),
        }
    }

    fn warn_of_notifiers(&self) {
        if let Some(why) = &self.no_notifiers {
            eprintln!("warning: notifiers are left out: {why}");
        }
    }
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start a runtime")
}

/// Sends once, and closes. The error is why it was not taken.
pub(crate) async fn deliver(destination: &mut Destination, batch: &Batch) -> anyhow::Result<()> {
    let sent = match tokio::time::timeout(PATIENCE, destination.send(batch)).await {
        Ok(Ok(receipt)) => match receipt.rejected.into_iter().next() {
            Some(rejection) => Err(anyhow!(rejection.reason)),
            None => Ok(()),
        },
        Ok(Err(error)) => Err(anyhow!(plain(&error))),
        Err(_) => Err(anyhow!("no answer within {} seconds", PATIENCE.as_secs())),
    };
    let _ = tokio::time::timeout(PATIENCE, destination.sink().close()).await;
    sent
}

pub(crate) fn check(command: &CheckCommand) -> anyhow::Result<ExitCode> {
    let CheckCommand::Destinations(arguments) = command;
    let Some(chosen) = arguments.choose()? else { return Ok(ExitCode::from(2)) };
    let runtime = runtime()?;
    let mut all_well = true;
    let mut told = Vec::new();
    let journal = check_file(&chosen.journal.path);
    // Told once, with the destination that is the log.
    let told_there = chosen.journal.destination.is_some() && journal.is_err();
    let state = journal.and_then(|()| check_file(&chosen.directory().join(".lock")));
    let state = ("(state)", "directory", state.err().filter(|_| !told_there));
    let each = chosen.places.iter().map(|place| {
        let failure = if chosen.is_journal(place) {
            check_file(&chosen.journal.path).err()
        } else {
            check_one(&chosen, place, &runtime).err()
        };
        (chosen.name(place), chosen.kind(place), failure)
    });
    let is_well = state.2.is_none();
    let notifiers =
        chosen.no_notifiers.as_ref().map(|why| ("(notifiers)", "notify", Some(anyhow!(why.clone()))));
    for (name, kind, failure) in each.chain(notifiers).chain((!is_well).then_some(state)) {
        all_well &= failure.is_none();
        let failure = failure.map(|error| describe(&error));
        if arguments.json {
            told.push(json!({"destination": name, "type": kind, "ok": failure.is_none(), "error": failure}));
        } else {
            print_outcome(name, kind, failure.as_deref())?;
        }
    }
    if arguments.json {
        print_json(&Value::Array(told))?;
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether something went well at a place.
pub(crate) fn print_outcome(name: &str, kind: &str, failure: Option<&str>) -> anyhow::Result<()> {
    print(&match failure {
        None => format!("ok      {name} ({kind})\n"),
        Some(failure) => format!("FAILED  {name} ({kind}): {failure}\n"),
    })
}

fn check_one(chosen: &Chosen, place: &Place, runtime: &tokio::runtime::Runtime) -> anyhow::Result<()> {
    if let Place::Destination(index) = place
        && let DestinationKind::File(file) = &chosen.config.destinations[*index].kind
    {
        return check_file(&file.path);
    }
    let Some(destination) = chosen.delivered(place) else { return Ok(()) };
    let mut destination = destination?;
    runtime.block_on(async {
        match tokio::time::timeout(PATIENCE, destination.sink().check()).await {
            Ok(checked) => checked.map_err(|error| anyhow!(plain(&error))),
            Err(_) => Err(anyhow!("no answer within {} seconds", PATIENCE.as_secs())),
        }
    })
}

/// Whether the file is there or can be made, without making it or waiting for its lock.
fn check_file(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        if !path.is_file() {
            bail!("cannot write {}: it is no file", path.display());
        }
        let opened = std::fs::OpenOptions::new().append(true).open(path);
        return opened.map(drop).with_context(|| format!("cannot write {}", path.display()));
    }
    let mut directories =
        path.ancestors().skip(1).map(|it| if it == Path::new("") { Path::new(".") } else { it });
    let directory = directories.find(|directory| directory.exists()).unwrap_or(Path::new("."));
    let tried = tempfile::tempfile_in(directory);
    tried.map(drop).with_context(|| format!("cannot write in {}", directory.display()))
}

/// What went wrong, without what it means for who retries.
fn plain(error: &SinkError) -> String {
    match error {
        SinkError::Retryable { source, .. } | SinkError::Rejected { source } => source.to_string(),
        other => other.to_string(),
    }
}

/// How far a destination is.
struct Progress {
    state: State,
    /// How many of its dead letters are still there.
    dead_letters: usize,
    lag_records: u64,
    lag_seconds: f64,
}

pub(crate) fn status(arguments: StatusArguments) -> anyhow::Result<ExitCode> {
    #[cfg(feature = "http")]
    if let Some(url) = &arguments.remote.url {
        return crate::remote::status(&arguments.remote, url, arguments.json);
    }
    let StatusArguments { config, destination, json, .. } = arguments;
    let arguments = Arguments { config: config.context("expected --config")?, destination, json };
    let Some(chosen) = arguments.choose()? else { return Ok(ExitCode::from(2)) };
    let sealed = chosen.config.integrity.chains() || chosen.config.integrity.signs();
    let log = &chosen.journal.path;
    let last = last_sequence(log, sealed).with_context(|| format!("cannot read {}", log.display()))?;
    chosen.warn_of_notifiers();
    let mut rows = Vec::new();
    for place in &chosen.places {
        let progress = match chosen.is_journal(place) {
            true => None,
            false => Some(progress(&chosen, place, sealed, last)?),
        };
        rows.push((place, progress));
    }
    let failing = rows.iter().any(|(_, row)| row.as_ref().is_some_and(|row| row.state.failure.is_some()));
    if arguments.json {
        let destinations: Vec<_> =
            rows.iter().map(|(place, row)| tell(&chosen, place, row.as_ref())).collect();
        print_json(
            &json!({"log": log.display().to_string(), "last_sequence": last, "destinations": destinations}),
        )?;
    } else {
        print(&format!("log {}, {}\n", log.display(), count(last, "record")))?;
        print(&format!("{}\n", table(&chosen, &rows).trim_fmt()))?;
        for (place, row) in &rows {
            if let Some(failure) = row.as_ref().and_then(|row| row.state.failure.as_ref()) {
                let (name, attempts) = (chosen.name(place), count(failure.attempts.into(), "attempt"));
                print(&format!(
                    "{name}: failing since {} ({attempts}): {}\n",
                    failure.since, failure.message
                ))?;
            }
        }
    }
    Ok(if failing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn progress(chosen: &Chosen, place: &Place, sealed: bool, last: u64) -> anyhow::Result<Progress> {
    let unknown = || {
        let mut state = State::default();
        // What was in the log before there were rules is none of theirs.
        if !matches!(place, Place::Destination(_)) {
            state.acknowledged = last;
        }
        state
    };
    let mut state = State::load(&chosen.directory(), chosen.name(place))?.unwrap_or_else(unknown);
    // What was delivered of another log says nothing of this one, and `run` begins anew.
    let chain = reader(&chosen.journal.path, 1, sealed).next_line()?.and_then(|line| chain_of(line.bytes));
    if state.acknowledged > last || chain.is_some_and(|chain| chain != state.chain_id) {
        state = unknown();
    }
    let lag_records = last.saturating_sub(state.acknowledged);
    let mut reader = reader(&chosen.journal.path, state.acknowledged.saturating_add(1), sealed);
    let oldest = reader.next_line().ok().flatten().and_then(|line| timestamp(line.bytes));
    let milliseconds =
        oldest.map_or(0, |oldest| Timestamp::now().as_milliseconds() - oldest.as_milliseconds()).max(0);
    let dead_letters = DeadLetters::of(&chosen.directory(), chosen.name(place)).list()?.len();
    Ok(Progress { state, dead_letters, lag_records, lag_seconds: milliseconds as f64 / 1000.0 })
}

fn reader(log: &Path, from: u64, sealed: bool) -> Reader {
    let reader = Reader::from_sequence(log, from);
    if sealed { reader.numbered_by(SealedRecord::sequence_number_of) } else { reader }
}

fn last_sequence(log: &Path, sealed: bool) -> std::io::Result<u64> {
    let Ok(rotated) = segments(log) else { return Ok(0) };
    let mut last = rotated.last().map_or(0, |segment| segment.last_sequence);
    let mut reader = reader(log, last + 1, sealed);
    while let Some(line) = reader.next_line()? {
        last = line.sequence_number;
    }
    Ok(last)
}

fn chain_of(line: &[u8]) -> Option<String> {
    SealedRecord::parse(line).ok().map(|record| record.integrity.chain_id.to_string())
}

fn timestamp(line: &[u8]) -> Option<Timestamp> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let event = value.get("event").filter(|event| event.is_object()).unwrap_or(&value);
    event.get("timestamp")?.as_str()?.parse().ok()
}

fn table(chosen: &Chosen, rows: &[(&Place, Option<Progress>)]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "DESTINATION",
        "TYPE",
        "STATE",
        "UP TO",
        "LAG",
        "OLDEST",
        "DEAD LETTERS",
        "LAST SUCCESS",
    ]);
    for (place, row) in rows {
        let (name, kind) = (chosen.name(place), chosen.kind(place));
        let Some(Progress { state, dead_letters, lag_records, lag_seconds }) = row else {
            table.add_row([name, kind, "is the log", "", "", "", "", ""]);
            continue;
        };
        let is = match (&state.failure, lag_records) {
            (Some(_), _) => "failing",
            (None, 0) => "has all",
            (None, _) => "behind",
        };
        table.add_row([
            name.to_owned(),
            kind.to_owned(),
            is.to_owned(),
            state.acknowledged.to_string(),
            lag_records.to_string(),
            if *lag_records > 0 { format!("{lag_seconds:.1} s") } else { String::new() },
            dead_letters.to_string(),
            state.last_success.map_or_else(|| "never".to_owned(), |time| time.to_string()),
        ]);
    }
    table
}

fn tell(chosen: &Chosen, place: &Place, row: Option<&Progress>) -> Value {
    let mut told =
        json!({"destination": chosen.name(place), "type": chosen.kind(place), "is_log": row.is_none()});
    if let Some(Progress { state, dead_letters, lag_records, lag_seconds }) = row {
        told["dead_letters"] = json!(dead_letters);
        told["lag_records"] = json!(lag_records);
        told["lag_seconds"] = json!(lag_seconds);
        told["state"] = serde_json::to_value(state).unwrap_or_default();
    }
    told
}

pub(crate) fn dead_letter(command: &DeadLetterCommand) -> anyhow::Result<ExitCode> {
    match command {
        DeadLetterCommand::List(arguments) => list(arguments),
        DeadLetterCommand::Retry(arguments) => retry(arguments),
    }
}

fn list(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(chosen) = arguments.choose()? else { return Ok(ExitCode::from(2)) };
    let mut told = Vec::new();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["DESTINATION", "RECORD", "EVENT TYPE", "GIVEN UP", "REASON"]);
    chosen.warn_of_notifiers();
    for place in &chosen.places {
        let name = chosen.name(place);
        for DeadLetter { record, time, reason, .. } in DeadLetters::of(&chosen.directory(), name).list()? {
            let bytes = String::from_utf8_lossy(&record.bytes);
            if arguments.json {
                told.push(json!({
                    "destination": name,
                    "sequence_number": record.sequence_number,
                    "event_id": record.event_id,
                    "event_type": record.event_type,
                    "time": time,
                    "reason": reason,
                    "record": bytes,
                }));
            } else {
                let number = record.sequence_number.to_string();
                table.add_row([name, &number, &record.event_type, &time.to_string(), &reason]);
            }
        }
    }
    if arguments.json {
        print_json(&Value::Array(told))?;
    } else if table.row_count() == 0 {
        print("no dead letters\n")?;
    } else {
        print(&format!("{}\n", table.trim_fmt()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn retry(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(chosen) = arguments.choose()? else { return Ok(ExitCode::from(2)) };
    let runtime = runtime()?;
    let mut tried = Retried::default();
    let mut unreachable = Vec::new();
    chosen.warn_of_notifiers();
    for place in chosen.places.iter().filter(|place| !chosen.is_journal(place)) {
        let name = chosen.name(place);
        let letters = DeadLetters::of(&chosen.directory(), name);
        letters
            .retry(|letters| {
                // The alert rules refuse nothing.
                let Some(destination) = chosen.delivered(place) else { return Ok(letters) };
                let (left, failure) = runtime.block_on(send_again(destination?, letters, &mut tried));
                unreachable.extend(failure.map(|failure| format!("destination `{name}`: {failure}")));
                anyhow::Ok(left)
            })
            .with_context(|| format!("destination `{name}`: its dead letters stay where they are"))?;
    }
    for failure in &unreachable {
        eprintln!("warning: {failure}; what was not tried stays as it was");
    }
    let Retried { taken, refused, not_tried } = tried;
    if arguments.json {
        print_json(&json!({"taken": taken, "refused": refused, "not_tried": not_tried}))?;
    } else {
        let not_tried = if not_tried > 0 { format!(", {not_tried} not tried") } else { String::new() };
        print(&format!("{} taken, {refused} refused again{not_tried}\n", count(taken, "record")))?;
    }
    Ok(if refused + not_tried == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What became of dead letters.
#[derive(Default)]
struct Retried {
    taken: u64,
    refused: u64,
    not_tried: u64,
}

/// Sends records one by one, so that one that is refused again keeps no other, until the place cannot be reached. Returns
/// those that stay, and why the place cannot.
async fn send_again(
    mut destination: Destination,
    letters: Vec<DeadLetter>,
    tried: &mut Retried,
) -> (Vec<DeadLetter>, Option<String>) {
    let mut left = Vec::new();
    let mut failure: Option<String> = None;
    for mut letter in letters {
        if failure.is_some() {
            tried.not_tried += 1;
            left.push(letter);
            continue;
        }
        let batch = Batch { chain_id: letter.chain_id.clone(), records: vec![letter.record.clone()] };
        let refused = match tokio::time::timeout(PATIENCE, destination.send(&batch)).await {
            Ok(Ok(receipt)) => receipt.rejected.into_iter().next().map(|rejection| rejection.reason),
            Ok(Err(SinkError::Rejected { source })) => Some(source.to_string()),
            Ok(Err(error)) => {
                failure = Some(plain(&error));
                None
            }
            Err(_) => {
                failure = Some(format!("no answer within {} seconds", PATIENCE.as_secs()));
                None
            }
        };
        match refused {
            _ if failure.is_some() => {
                tried.not_tried += 1;
                left.push(letter);
            }
            Some(reason) => {
                tried.refused += 1;
                letter.reason = reason;
                left.push(letter);
            }
            None => tried.taken += 1,
        }
    }
    let _ = tokio::time::timeout(PATIENCE, destination.sink().close()).await;
    (left, failure)
}
