use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use audit_config::{Config, DestinationKind, process_environment};
use audit_journal::JournalError;
use audit_pipeline::Summary;
use audit_source::Rejects;
use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::config::checked;
use crate::input::{InputFormat, Intake};
use crate::output::{count, describe, path, print, quoted};
use crate::serving::{LogFormat, Serving, prepare, serves};
use crate::socket::Socket;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The configuration (YAML)
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// A file of events, plain, gzip or zstd; `-` is standard input. May be given many times.
    /// Standard input, if neither this nor --socket is given, and the configuration has no `sources`
    #[arg(long, short, value_name = "FILE")]
    input: Vec<PathBuf>,
    /// What the lines are, in files, standard input and the socket
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    input_format: InputFormat,
    /// Listen on a Unix socket at this path for local programs, until a signal comes
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Where lines go that are no events [default: beside the log, `.NAME.rejects.ndjson`]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// How the service writes its own log, to standard error; RUST_LOG says how much of it
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: LogFormat,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    /// Show no progress and no summary
    #[arg(long, short)]
    quiet: bool,
}

/// What the main thread waits for.
enum News {
    InputEnded(anyhow::Result<()>),
    Signal(i32),
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(config) = checked(&arguments.config)? else { return Ok(ExitCode::from(2)) };
    if !config.enabled {
        eprintln!("the configuration says `enabled: false`: nothing is recorded");
        return Ok(ExitCode::SUCCESS);
    }
    // Whatever can be wrong is found out before the log is opened, and so before anything is recorded.
    let journal = config.journal(&process_environment);
    let log = journal.as_ref().map(|file| file.path.clone()).unwrap_or_default();
    let rejects = arguments.rejects.clone().unwrap_or_else(|| rejects_beside(&log));
    if rejects == log {
        bail!("--rejects {} is the log itself; choose another file", rejects.display());
    }
    let serves = serves(&config);
    let progress = Progress::new(arguments.quiet || arguments.json || serves);
    let inputs = open_inputs(arguments, !config.sources.is_empty(), &progress.bar)?;
    let metrics = serves.then(|| prepare(arguments.log_format)).transpose()?;
    let options = config.pipeline(&process_environment)?;
    let rejects = Arc::new(Rejects::new(rejects)?);
    let socket = arguments.socket.as_deref().map(Socket::bind).transpose()?;
    let (news, inbox) = mpsc::channel();
    watch_signals(news.clone(), serves)?;
    let pipeline = options.start()?;
    let intake = Arc::new(Intake::new(pipeline.clone(), arguments.input_format, Arc::clone(&rejects)));
    let serving = match (metrics, journal) {
        (Some(metrics), Some(journal)) => {
            let started = Serving::start(&config, &arguments.config, pipeline, journal, rejects, metrics);
            match started {
                Ok(serving) => Some(serving),
                Err(error) => {
                    // There is a log, which is closed in an orderly way.
                    eprintln!("error: {}", describe(&error));
                    drop(intake.pipeline.close());
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
        _ => None,
    };
    let work = Work { arguments, config: &config, log: &log, intake, progress, serving };
    // From here on there is a log, and exit code 2 would say that there is none.
    Ok(work.finish(socket, inputs, news, &inbox).unwrap_or_else(|error| {
        eprintln!("error: {}", describe(&error));
        ExitCode::FAILURE
    }))
}

/// A run on its way.
struct Work<'a> {
    arguments: &'a Arguments,
    config: &'a Config,
    log: &'a Path,
    intake: Arc<Intake>,
    progress: Progress,
    serving: Option<Serving>,
}

impl Work<'_> {
    fn finish(
        mut self,
        socket: Option<Socket>,
        inputs: Vec<Input>,
        news: mpsc::Sender<News>,
        inbox: &mpsc::Receiver<News>,
    ) -> anyhow::Result<ExitCode> {
        let begun = Instant::now();
        let serves = socket.is_some() || !self.config.sources.is_empty();
        if let Some(socket) = socket {
            let intake = Arc::clone(&self.intake);
            std::thread::spawn(move || socket.serve(&intake));
        }
        if !inputs.is_empty() {
            let intake = Arc::clone(&self.intake);
            std::thread::spawn(move || {
                let ended = inputs.into_iter().try_for_each(|input| input.read(&intake));
                // The main thread is there for as long as this one.
                let _ = news.send(News::InputEnded(ended));
            });
        }
        let mut failure = None;
        let mut signal = None;
        loop {
            match inbox.recv_timeout(Duration::from_millis(100)) {
                Ok(News::InputEnded(Ok(()))) if serves => {}
                Ok(News::InputEnded(ended)) => {
                    failure = ended.err();
                    break;
                }
                Ok(News::Signal(SIGHUP)) => {
                    if let Some(serving) = &self.serving {
                        serving.service.ask_to_reload();
                    }
                }
                Ok(News::Signal(number)) => {
                    signal = Some(number);
                    break;
                }
                Err(mpsc::RecvTimeoutError::Timeout) => self.show(),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Some(serving) = &self.serving {
            serving.stop();
        }
        self.intake.stop();
        let closed = self.close(inbox, &mut signal);
        self.show();
        self.progress.bar.finish_and_clear();
        if let Some(path) = &self.arguments.socket {
            // The name only: whoever still writes to the socket is told so by the closed connection.
            let _ = std::fs::remove_file(path);
        }
        if let Some(error) = &failure {
            eprintln!("error: {}", describe(error));
        }
        if let Some(serving) = self.serving.take() {
            let counts = serving.service.counts();
            self.intake.read.fetch_add(counts.recorded + counts.refused, Ordering::Relaxed);
            serving.end();
        }
        let summary = closed?.context("the log was closed from elsewhere")?;
        self.intake.rejects.sync()?;
        if let Some(failure) = &summary.housekeeping_failure {
            eprintln!("warning: old segments could not be compressed or pruned: {failure}");
        }
        if !self.arguments.quiet {
            self.report(&summary, signal, begun.elapsed())?;
        }
        for left in &summary.undelivered {
            let why = left.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            eprintln!(
                "warning: destination `{}` lacks {}{why}; it gets them when this runs again",
                left.destination,
                count(left.records, "record")
            );
        }
        // Who stops a service does not wait for a destination that is down.
        let arrived = summary.undelivered.is_empty() || signal.is_some();
        let whole = failure.is_none() && summary.lost == 0 && summary.dropped == 0 && arrived;
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Closes the log, and lets its destinations finish until a signal comes.
    fn close(
        &self,
        inbox: &mpsc::Receiver<News>,
        signal: &mut Option<i32>,
    ) -> Result<Option<Summary>, JournalError> {
        let pipeline = &self.intake.pipeline;
        std::thread::scope(|scope| {
            let closing = scope.spawn(|| pipeline.close());
            while !closing.is_finished() {
                match inbox.recv_timeout(Duration::from_millis(20)) {
                    Ok(News::Signal(SIGHUP)) => {}
                    Ok(News::Signal(number)) => {
                        *signal = Some(number);
                        pipeline.give_up_delivery();
                    }
                    _ => self.show(),
                }
            }
            closing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Shows how far it is, and what happened to the log meanwhile.
    fn show(&self) {
        for notice in self.intake.pipeline.take_notices() {
            if self.serving.is_some() {
                tracing::warn!(log = %self.log.display(), "{notice}");
                continue;
            }
            self.progress.bar.suspend(|| eprintln!("warning: {}: {notice}", self.log.display()));
        }
        self.progress.show(&self.intake);
    }

    fn report(&self, summary: &Summary, signal: Option<i32>, took: Duration) -> anyhow::Result<()> {
        let Self { arguments, config, log, intake, .. } = self;
        let (read, refused) = (intake.read.load(Ordering::Relaxed), intake.rejects.count());
        let not_selected = intake.not_selected.load(Ordering::Relaxed);
        let without_actor = intake.without_actor.load(Ordering::Relaxed);
        let head = summary.head.as_ref();
        if arguments.json {
            let undelivered: Vec<_> = summary.undelivered.iter().map(|left| {
                json!({"destination": left.destination, "records": left.records, "reason": left.reason})
            }).collect();
            return self.print(&format!(
                "{:#}\n",
                json!({
                    "chain_id": head.map(|head| head.chain_id.as_str()),
                    "dropped": summary.dropped,
                    "duration_ms": u64::try_from(took.as_millis())?,
                    "head": head.map(ToString::to_string),
                    "log": path(log),
                    "lost": summary.lost,
                    "not_selected": not_selected,
                    "read": read,
                    "recorded": summary.recorded,
                    "rejected": refused,
                    "rejects_file": (refused > 0).then(|| path(intake.rejects.path())),
                    "signal": signal,
                    "undelivered": undelivered,
                    "without_actor": without_actor,
                })
            ));
        }
        let sealed = match head {
            Some(_) if config.integrity.signs() => "sealed and signed",
            Some(_) => "chained, not signed",
            None => "not sealed (`integrity` is off)",
        };
        let mut text =
            format!("recorded {} in {}, {sealed}\n", count(summary.recorded, "event"), log.display());
        if let Some(head) = head {
            text += &format!("  chain {}\n  head  {head}\n", head.chain_id);
        }
        if not_selected > 0 {
            text += &format!("  {} not selected by the configuration\n", count(not_selected, "event"));
        }
        if without_actor > 0 {
            text +=
                &format!("  {} without `actor`: nothing says who did it\n", count(without_actor, "event"));
        }
        if refused > 0 {
            text += &format!("  {} refused: {}\n", count(refused, "line"), intake.rejects.path().display());
        }
        if summary.dropped > 0 {
            text += &format!(
                "  {} dropped, as `on_failure: permit` says; on record\n",
                count(summary.dropped, "event")
            );
        }
        if summary.lost > 0 {
            text += &format!("  {} LOST: the log could not be written\n", count(summary.lost, "event"));
        }
        if head.is_some() {
            let (config, log) = (quoted(&arguments.config), quoted(log));
            text += &format!("verify it: audit-log verify --config {config} {log}\n");
        }
        self.print(&text)
    }

    /// Prints where no records go.
    fn print(&self, text: &str) -> anyhow::Result<()> {
        let is_stdout = |kind: &DestinationKind| matches!(kind, DestinationKind::Stdout(_));
        if self.config.destinations.iter().any(|destination| is_stdout(&destination.kind)) {
            eprint!("{text}");
            return Ok(());
        }
        print(text)
    }
}

fn watch_signals(news: mpsc::Sender<News>, serves: bool) -> anyhow::Result<()> {
    // SIGXFSZ would end the process where a write past a file-size limit should return an error.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGXFSZ]).context("cannot watch for signals")?;
    if serves {
        signals.add_signal(SIGHUP).context("cannot watch for signals")?;
    }
    std::thread::spawn(move || {
        for signal in signals.forever().filter(|signal| *signal != SIGXFSZ) {
            if news.send(News::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// An input that is open.
struct Input {
    name: String,
    reader: Box<dyn io::Read + Send>,
}

/// Opens what is to be read: all of it, so that a name that is wrong is known before anything is recorded.
fn open_inputs(arguments: &Arguments, has_sources: bool, bar: &ProgressBar) -> anyhow::Result<Vec<Input>> {
    let standard_input = || Input { name: "standard input".to_owned(), reader: Box::new(io::stdin()) };
    if arguments.input.is_empty() {
        let listens = arguments.socket.is_some() || has_sources;
        return Ok(if listens { Vec::new() } else { vec![standard_input()] });
    }
    let open = |path: &PathBuf| {
        if path == Path::new("-") {
            return Ok(standard_input());
        }
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
        let metadata = file.metadata().with_context(|| format!("cannot read {name}"))?;
        if metadata.is_dir() {
            bail!("cannot read {name}: it is a directory");
        }
        bar.inc_length(metadata.len());
        Ok(Input { name, reader: Box::new(bar.wrap_read(file)) })
    };
    arguments.input.iter().map(open).collect()
}

impl Input {
    fn read(self, intake: &Intake) -> anyhow::Result<()> {
        let Self { name, reader } = self;
        let lines = audit_integrity::decompress(BufReader::with_capacity(128 << 10, reader));
        intake.take_lines(&name, lines.with_context(|| format!("cannot read {name}"))?)
    }
}

/// Hidden, so that no pattern for the log's files finds it.
fn rejects_beside(log: &Path) -> PathBuf {
    let name = log.file_name().unwrap_or_default().to_string_lossy();
    log.with_file_name(format!(".{name}.rejects.ndjson"))
}

/// How far it is, on a terminal.
struct Progress {
    bar: ProgressBar,
}

impl Progress {
    fn new(hidden: bool) -> Self {
        let target = if hidden || !io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}  {msg}");
        let bar = ProgressBar::with_draw_target(Some(0), target);
        Self { bar: bar.with_style(style.expect("a template of known keys")) }
    }

    fn show(&self, intake: &Intake) {
        let (recorded, refused) = (intake.pipeline.recorded(), intake.rejects.count());
        let refused = if refused > 0 { format!(", {} refused", HumanCount(refused)) } else { String::new() };
        self.bar.set_message(format!("{} recorded{refused}", HumanCount(recorded)));
    }
}
