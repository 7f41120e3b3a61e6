use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use audit_config::{Config, process_environment};
use audit_pipeline::Summary;
use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::config::{BUILT, load};
use crate::input::Intake;
use crate::output::{count, print, print_json};
use crate::rejects::Rejects;
use crate::socket::Socket;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The configuration (YAML)
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// A file of events, plain, gzip or zstd; `-` is standard input. May be given many times.
    /// Standard input, if neither this nor --socket is given
    #[arg(long, short, value_name = "FILE")]
    input: Vec<PathBuf>,
    /// Listen on a Unix socket at this path for local programs, until a signal comes
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Where lines go that are no events [default: beside the log, its name and `.rejects.ndjson`]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
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
    let Some(config) = checked_config(&arguments.config)? else { return Ok(ExitCode::from(2)) };
    if !config.enabled {
        eprintln!("the configuration says `enabled: false`: nothing is recorded");
        return Ok(ExitCode::SUCCESS);
    }
    let begun = Instant::now();
    let (news, inbox) = mpsc::channel();
    watch_signals(news.clone())?;
    let log = config.journal().map(|file| file.path.clone()).unwrap_or_default();
    let pipeline = config.pipeline(&process_environment)?.start()?;
    let rejects = arguments.rejects.clone().unwrap_or_else(|| beside(&log, ".rejects.ndjson"));
    let intake = Arc::new(Intake::new(pipeline, Rejects::new(rejects)));
    let progress = Progress::new(arguments.quiet || arguments.json);
    let socket = arguments.socket.as_deref().map(Socket::bind).transpose()?;
    if let Some(socket) = &socket {
        let (socket, intake) = (socket.handle()?, Arc::clone(&intake));
        std::thread::spawn(move || socket.serve(&intake));
    }
    let reads_input = socket.is_none() || !arguments.input.is_empty();
    if reads_input {
        let (inputs, intake, news, bar) =
            (inputs(arguments), Arc::clone(&intake), news, progress.bar.clone());
        std::thread::spawn(move || {
            let ended = inputs.iter().try_for_each(|input| read(input, &intake, &bar));
            // The main thread is there for as long as this one.
            let _ = news.send(News::InputEnded(ended));
        });
    }
    let mut failure = None;
    let mut signal = None;
    loop {
        match inbox.recv_timeout(Duration::from_millis(100)) {
            Ok(News::InputEnded(Ok(()))) if socket.is_some() => {}
            Ok(News::InputEnded(ended)) => {
                failure = ended.err();
                break;
            }
            Ok(News::Signal(number)) => {
                signal = Some(number);
                break;
            }
            Err(mpsc::RecvTimeoutError::Timeout) => progress.show(&intake),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    intake.stop.store(true, Ordering::Relaxed);
    let summary = intake.pipeline.close()?.context("the log was closed from elsewhere")?;
    if let Some(failure) = &summary.housekeeping_failure {
        eprintln!("warning: old segments could not be compressed or pruned: {failure}");
    }
    if let Some(path) = &arguments.socket {
        // The name only: whoever still writes to the socket is told so by the closed connection.
        let _ = std::fs::remove_file(path);
    }
    progress.bar.finish_and_clear();
    if !arguments.quiet {
        report(arguments, &config, &log, &intake, &summary, signal, begun.elapsed())?;
    }
    if let Some(error) = failure {
        eprintln!("error: {error:#}");
    } else if summary.lost == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// The configuration, or `None` when what is wrong with it has been told.
fn checked_config(path: &Path) -> anyhow::Result<Option<Config>> {
    let parsed = match load(path)? {
        Ok(parsed) => parsed,
        Err(errors) => {
            eprintln!("error: {errors}");
            return Ok(None);
        }
    };
    for warning in &parsed.warnings {
        eprintln!("warning: {warning}");
    }
    if let Err(errors) = parsed.config.check_built(BUILT) {
        eprintln!("error: {errors}");
        return Ok(None);
    }
    Ok(Some(parsed.config))
}

fn watch_signals(news: mpsc::Sender<News>) -> anyhow::Result<()> {
    // SIGXFSZ would end the process where a write past a file-size limit should return an error.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGXFSZ]).context("cannot watch for signals")?;
    std::thread::spawn(move || {
        for signal in signals.forever().filter(|signal| *signal != SIGXFSZ) {
            if news.send(News::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

fn inputs(arguments: &Arguments) -> Vec<PathBuf> {
    if arguments.input.is_empty() { vec![PathBuf::from("-")] } else { arguments.input.clone() }
}

fn read(input: &Path, intake: &Intake, bar: &ProgressBar) -> anyhow::Result<()> {
    let name = input.display().to_string();
    let reader: Box<dyn io::Read + Send> = if input == Path::new("-") {
        Box::new(io::stdin())
    } else {
        let file = File::open(input).with_context(|| format!("cannot read {name}"))?;
        bar.inc_length(file.metadata().map_or(0, |metadata| metadata.len()));
        Box::new(bar.wrap_read(file))
    };
    let source = if input == Path::new("-") { "standard input" } else { &name };
    let lines = audit_integrity::decompress(BufReader::with_capacity(128 << 10, reader));
    intake.take_lines(source, lines.with_context(|| format!("cannot read {name}"))?)
}

fn beside(log: &Path, suffix: &str) -> PathBuf {
    let mut name = log.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    log.with_file_name(name)
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

fn report(
    arguments: &Arguments,
    config: &Config,
    log: &Path,
    intake: &Intake,
    summary: &Summary,
    signal: Option<i32>,
    took: Duration,
) -> anyhow::Result<()> {
    let (read, refused) = (intake.read.load(Ordering::Relaxed), intake.rejects.count());
    let not_selected = intake.not_selected.load(Ordering::Relaxed);
    let head = summary.head.as_ref();
    if arguments.json {
        return print_json(&json!({
            "chain_id": head.map(|head| head.chain_id.as_str()),
            "duration_ms": u64::try_from(took.as_millis())?,
            "head": head.map(ToString::to_string),
            "log": log,
            "lost": summary.lost,
            "not_selected": not_selected,
            "read": read,
            "recorded": summary.recorded,
            "rejected": refused,
            "rejects_file": (refused > 0).then(|| intake.rejects.path()),
            "signal": signal,
        }));
    }
    let mut text = format!("recorded {} in {}", count(summary.recorded, "event"), log.display());
    if let Some(head) = head {
        let sealed = if config.integrity.signs() { "sealed and signed" } else { "chained, not signed" };
        text += &format!(", {sealed}\n  chain {}\n  head  {head}", head.chain_id);
    }
    text += "\n";
    if not_selected > 0 {
        text += &format!("  {} not selected by the configuration\n", count(not_selected, "event"));
    }
    if refused > 0 {
        text += &format!("  {} refused: {}\n", count(refused, "line"), intake.rejects.path().display());
    }
    if summary.lost > 0 {
        text += &format!("  {} LOST: the log could not be written\n", count(summary.lost, "event"));
    }
    if head.is_some() {
        text += &format!(
            "verify it: audit-log verify --config {} {}\n",
            arguments.config.display(),
            log.display()
        );
    }
    if read > summary.recorded + not_selected + refused + summary.lost {
        bail!("{text}events are unaccounted for: read {read}");
    }
    print(&text)
}
