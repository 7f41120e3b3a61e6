use std::collections::BTreeSet;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use audit_config::process_environment;
use audit_integrity::{ChainReport, Finding, Head, Key, KeyRing, Report, Verdict, Verifier};
use audit_journal::segments;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::config::load;
use crate::output::{count, print, print_json};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Logs: files (plain, gzip, zstd), directories, or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A file with a key that signed the log. May be given many times
    #[arg(long, value_name = "FILE")]
    key_file: Vec<PathBuf>,
    /// An environment variable with a key that signed the log [default: AUDIT_SIGNING_KEY, where it is set and no other
    /// key is given]
    #[arg(long, value_name = "VARIABLE")]
    key_env: Vec<String>,
    /// A configuration whose keys signed the log
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A head noted earlier, as `run` prints it: the chain has to hold that record. May be given many times
    #[arg(long, value_name = "NUMBER:SIGNATURE")]
    head: Vec<String>,
    /// Verify just the files named, without the rotated ones beside them
    #[arg(long)]
    only: bool,
    /// How many threads; 0 takes all cores
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    threads: usize,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let keys = keys(arguments)?;
    let standard_input = spooled_standard_input(&arguments.paths)?;
    let (mut files, heads) = files(arguments)?;
    if let Some(spooled) = &standard_input {
        files.insert(spooled.path().to_owned());
    }
    if files.is_empty() {
        bail!("there is no log in {}", list(&arguments.paths));
    }
    let mut verifier = Verifier::new(keys.clone()).threads(arguments.threads);
    let mut notes = Vec::new();
    for path in heads {
        let json = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        match Head::from_json(&json, &keys) {
            Ok(head) => verifier = verifier.expect_head(head),
            Err(_) if json.is_empty() => {}
            Err(error) => notes.push(format!("{}: {error}; it is not used", path.display())),
        }
    }
    let files: Vec<PathBuf> = files.into_iter().collect();
    let mut report = verify_with_progress(&verifier, &files)?;
    if !arguments.head.is_empty() {
        for head in &arguments.head {
            verifier = verifier.expect_head(head_of(head, &report)?);
        }
        report = verify_with_progress(&verifier, &files)?;
    }
    if let Some(spooled) = &standard_input {
        rename(&mut report, spooled.path());
    }
    if arguments.json {
        print_json(&tell(&report, &notes))?;
    } else {
        print(&describe(&report, &notes, &keys))?;
    }
    Ok(match (report.is_intact(), report.is_broken()) {
        (true, _) => ExitCode::SUCCESS,
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::from(2),
    })
}

fn keys(arguments: &Arguments) -> anyhow::Result<KeyRing> {
    let mut ring = KeyRing::new();
    for file in &arguments.key_file {
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read the key {}", file.display()))?;
        ring.add(Key::from_text(&SecretString::from(text)).with_context(|| file.display().to_string())?);
    }
    for variable in &arguments.key_env {
        let text =
            process_environment(variable).with_context(|| format!("the variable {variable} is not set"))?;
        ring.add(
            Key::from_text(&SecretString::from(text)).with_context(|| format!("the variable {variable}"))?,
        );
    }
    if let Some(path) = &arguments.config {
        let parsed = load(path)?.map_err(|errors| anyhow::anyhow!("{errors}"))?;
        if let Some(keys) = parsed.config.signing_keys(&process_environment)? {
            keys.ring().iter().cloned().for_each(|key| ring.add(key));
        }
    } else if ring.is_empty()
        && let Some(text) = process_environment("AUDIT_SIGNING_KEY")
    {
        ring.add(Key::from_text(&SecretString::from(text)).context("the variable AUDIT_SIGNING_KEY")?);
    }
    Ok(ring)
}

/// Standard input can be read only once, and from one end: it is kept in a file first.
fn spooled_standard_input(paths: &[PathBuf]) -> anyhow::Result<Option<tempfile::NamedTempFile>> {
    if !paths.iter().any(|path| is_standard_input(path)) {
        return Ok(None);
    }
    let mut spool =
        tempfile::NamedTempFile::new().context("cannot make a temporary file for standard input")?;
    io::copy(&mut io::stdin().lock(), &mut spool).context("cannot read standard input")?;
    Ok(Some(spool))
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// The log files that the paths stand for, each once, and the head files beside them.
fn files(arguments: &Arguments) -> anyhow::Result<(BTreeSet<PathBuf>, BTreeSet<PathBuf>)> {
    let mut files = BTreeSet::new();
    let mut heads = BTreeSet::new();
    for path in arguments.paths.iter().filter(|path| !is_standard_input(path)) {
        let cannot_read = || format!("cannot read {}", path.display());
        if path.is_dir() {
            for entry in fs::read_dir(path).with_context(cannot_read)? {
                let file = entry?.path();
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name.starts_with('.') && name.ends_with(".head") {
                    heads.insert(file);
                } else if file.is_file() && !name.starts_with('.') && !name.ends_with(".rejects.ndjson") {
                    files.insert(file);
                }
            }
            continue;
        }
        let rotated = if arguments.only { Vec::new() } else { segments(path).unwrap_or_default() };
        if rotated.is_empty() || path.exists() {
            fs::metadata(path).with_context(cannot_read)?;
            files.insert(path.clone());
        }
        files.extend(rotated.into_iter().map(|segment| segment.path));
        let head = path.with_file_name(format!(".{}.head", path.file_name().unwrap_or_default().display()));
        if !arguments.only && head.exists() {
            heads.insert(head);
        }
    }
    Ok((files, heads))
}

/// A head's text does not name its chain, so there has to be just one.
fn head_of(text: &str, report: &Report) -> anyhow::Result<Head> {
    let malformed = || format!("--head {text}: expected NUMBER:SIGNATURE, such as 42:sha256:0f3c…");
    let (number, signature) = text.split_once(':').with_context(malformed)?;
    let [chain] = report.chains.as_slice() else {
        bail!("--head is for one chain, and there are {}", report.chains.len());
    };
    Ok(Head {
        chain_id: chain.chain_id.clone(),
        sequence_number: number.parse().ok().with_context(malformed)?,
        signature: signature.parse().with_context(malformed)?,
    })
}

fn verify_with_progress(verifier: &Verifier, files: &[PathBuf]) -> anyhow::Result<Report> {
    let size = files.iter().filter_map(|file| fs::metadata(file).ok()).map(|metadata| metadata.len()).sum();
    if !io::stderr().is_terminal() || size < 64 << 20 {
        return Ok(verifier.verify(files)?);
    }
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}");
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    bar.set_style(style.expect("a template of known keys"));
    let read = verifier.read_bytes();
    let before = read.load(Ordering::Relaxed);
    let report = std::thread::scope(|scope| {
        let working = scope.spawn(|| verifier.verify(files));
        while !working.is_finished() {
            bar.set_position(read.load(Ordering::Relaxed) - before);
            std::thread::sleep(Duration::from_millis(50));
        }
        working.join().map_err(|_| anyhow::anyhow!("verifying ended abnormally; please report this"))
    })?;
    bar.finish_and_clear();
    Ok(report?)
}

/// Findings in the spooled file are findings in standard input.
fn rename(report: &mut Report, spooled: &Path) {
    let findings =
        report.chains.iter_mut().flat_map(|chain| &mut chain.findings).chain(&mut report.unreadable);
    for finding in findings.filter(|finding| finding.file.as_deref() == Some(spooled)) {
        finding.file = Some(PathBuf::from("standard input"));
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// How many findings are shown to a person.
const SHOWN: usize = 20;

fn describe(report: &Report, notes: &[String], keys: &KeyRing) -> String {
    let mut text = String::new();
    for chain in &report.chains {
        text += &describe_chain(chain, keys);
    }
    for finding in report.unreadable.iter().take(SHOWN) {
        text += &format!("{}: {}\n", place(finding), finding.message);
    }
    if report.unsealed > 0 {
        text += &format!("{} without a seal: nothing to verify them by\n", count(report.unsealed, "event"));
    }
    if report.chains.is_empty() && report.unsealed == 0 && report.unreadable.is_empty() {
        text += "no records: nothing to verify\n";
    }
    for note in notes {
        text += &format!("note: {note}\n");
    }
    text
}

fn describe_chain(chain: &ChainReport, keys: &KeyRing) -> String {
    let mut verdict = chain.verdict.to_string();
    if chain.verdict.is_intact() && chain.pruned_to.is_some() {
        verdict += ", head pruned by policy";
    }
    let range = chain.range.map(|(first, last)| format!(" ({first} to {last})")).unwrap_or_default();
    let sealed = if chain.signed { "signed" } else { "chained, not signed" };
    let mut text =
        format!("{verdict}: chain {}, {}{range}, {sealed}\n", chain.chain_id, count(chain.records, "record"));
    for finding in chain.findings.iter().take(SHOWN) {
        text += &format!("  {}: {}{}\n", finding.verdict, place(finding), finding.message);
    }
    let more = chain.findings.len().saturating_sub(SHOWN) as u64 + chain.findings_left_out;
    if more > 0 {
        text += &format!("  and {} (--json lists up to 1000)\n", count(more, "more finding"));
    }
    if let Some(to) = chain.pruned_to {
        text += &format!("  records 1 to {to} were deleted by policy, and that is on record\n");
    }
    if chain.duplicates > 0 {
        text += &format!(
            "  {} more than once, as repeated delivery makes them\n",
            count(chain.duplicates, "record")
        );
    }
    if let Some(head) = chain.head.as_ref().filter(|_| chain.verdict.is_intact()) {
        text += &format!("  head {head}\n");
    }
    match chain.verdict {
        Verdict::WrongKey if keys.is_empty() => {
            text += "  no key was given: use --key-file, --key-env or --config\n";
        }
        Verdict::IntactOpen => {
            text += "  no close record at the end: the writer is running, or was stopped without closing the log\n";
        }
        _ => {}
    }
    if !chain.anchored && chain.verdict.is_intact() {
        text +=
            "  the end is unanchored: without a head to compare with, a cut end would not show (--head)\n";
    }
    text
}

fn place(finding: &Finding) -> String {
    match (&finding.file, finding.line) {
        (Some(file), Some(line)) => format!("{}:{line}: ", file.display()),
        (Some(file), None) => format!("{}: ", file.display()),
        _ => String::new(),
    }
}

fn tell(report: &Report, notes: &[String]) -> Value {
    let findings = |findings: &[Finding]| {
        findings
            .iter()
            .map(|finding| {
                json!({
                    "verdict": finding.verdict.as_str(),
                    "file": finding.file,
                    "line": finding.line,
                    "first_sequence": finding.records.map(|records| records.0),
                    "last_sequence": finding.records.map(|records| records.1),
                    "message": finding.message,
                })
            })
            .collect::<Vec<_>>()
    };
    let chains = report.chains.iter().map(|chain| {
        json!({
            "chain_id": chain.chain_id.as_str(),
            "verdict": chain.verdict.as_str(),
            "intact": chain.verdict.is_intact(),
            "signed": chain.signed,
            "records": chain.records,
            "duplicates": chain.duplicates,
            "first_sequence": chain.range.map(|range| range.0),
            "last_sequence": chain.range.map(|range| range.1),
            "head": chain.head.as_ref().map(ToString::to_string),
            "anchored": chain.anchored,
            "pruned_to": chain.pruned_to,
            "findings": findings(&chain.findings),
            "findings_left_out": chain.findings_left_out,
        })
    });
    json!({
        "intact": report.is_intact(),
        "chains": chains.collect::<Vec<_>>(),
        "unsealed_events": report.unsealed,
        "unreadable": findings(&report.unreadable),
        "notes": notes,
    })
}
