use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use audit_config::process_environment;
use audit_integrity::{ChainReport, Finding, Head, Key, KeyRing, Report, Verdict, Verifier};
use audit_journal::segments;
use audit_ocsf::Rule;
use clap::Args;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::config::load;
use crate::copies::{Copies, rules_of};
use crate::logs::{beside, real_log};
use crate::output::{count, harmless, path, print, print_json};
use crate::progress;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Logs, or OCSF copies of them: files (plain, gzip, zstd), directories, or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    keys: Keys,
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

/// Where the keys are.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// A file with a key that signed the log. May be given many times
    #[arg(long, value_name = "FILE")]
    key_file: Vec<PathBuf>,
    /// An environment variable with a key that signed the log [default: AUDIT_SIGNING_KEY, where it is set and no other
    /// key is given]
    #[arg(long, value_name = "VARIABLE")]
    key_env: Vec<String>,
    /// A configuration whose keys signed the log, and whose mapping made its OCSF copies
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl Keys {
    /// All that are named, for whoever verifies something else than a log.
    pub(crate) fn ring(&self) -> anyhow::Result<KeyRing> {
        Ok(keys(self)?.0)
    }

    /// Whether none is named.
    pub(crate) fn are_none(&self) -> bool {
        self.key_file.is_empty() && self.key_env.is_empty() && self.config.is_none()
    }
}

/// What is to be verified, and how.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    pub(crate) paths: &'a [PathBuf],
    pub(crate) keys: &'a Keys,
    /// Heads that were noted earlier.
    pub(crate) heads: &'a [String],
    pub(crate) only: bool,
    pub(crate) threads: usize,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) report: Report,
    /// What keeps from telling whether all is well.
    pub(crate) notes: Vec<String>,
    /// What is worth knowing, and not wrong.
    pub(crate) notices: Vec<String>,
    keys: KeyRing,
    /// What standard input was put into.
    pub(crate) standard_input: Option<tempfile::NamedTempFile>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { paths, keys, head: heads, only, threads, json } = arguments;
    let verified = verify(&Task { paths, keys, heads, only: *only, threads: *threads })?;
    if *json {
        print_json(&tell(&verified.report, verified.is_intact(), &verified.notes, &verified.notices))?;
    } else {
        print(&verified.to_text())?;
    }
    Ok(verified.exit_code())
}

impl Verified {
    pub(crate) fn is_intact(&self) -> bool {
        self.report.is_intact() && self.notes.is_empty()
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match (self.is_intact(), self.report.is_broken()) {
            (true, _) => ExitCode::SUCCESS,
            (false, true) => ExitCode::FAILURE,
            (false, false) => ExitCode::from(2),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        show(&self.report, &self.notes, &self.notices, &self.keys)
    }
}

/// Verifies logs, and the OCSF copies of logs.
pub(crate) fn verify(task: &Task<'_>) -> anyhow::Result<Verified> {
    let (keys, rules) = keys(task.keys)?;
    let standard_input = spooled_standard_input(task.paths)?;
    let (mut files, heads) = files(task)?;
    if let Some(spooled) = &standard_input {
        files.insert(spooled.path().to_owned());
    }
    let mut files: Vec<PathBuf> = files.into_iter().collect();
    let copies = Copies::unwrap(&mut files, &rules)?;
    let mut verifier = Verifier::new(keys.clone()).threads(task.threads);
    let mut notes = Vec::new();
    let mut any_head = false;
    for head in heads {
        let json = fs::read(&head).with_context(|| format!("cannot read {}", head.display()))?;
        match Head::from_json(&json, &keys) {
            Ok(known) => {
                verifier = verifier.expect_head(known);
                any_head = true;
            }
            Err(_) if json.is_empty() => {}
            Err(error) => {
                let why = if keys.is_empty() {
                    "made with a key, which was not given".to_owned()
                } else {
                    error.to_string()
                };
                notes.push(format!(
                    "{}: {why}; so there is no way to tell whether the end was cut",
                    head.display()
                ));
            }
        }
    }
    if files.is_empty() && !any_head {
        bail!("there is no log in {}", list(task.paths));
    }
    let mut report = verify_with_progress(&verifier, &files)?;
    if !task.heads.is_empty() {
        for head in task.heads {
            verifier = verifier.expect_head(head_of(head, &report)?);
        }
        report = verify_with_progress(&verifier, &files)?;
    }
    let notices = copies.judge(&mut report);
    if let Some(spooled) = &standard_input {
        rename(&mut report, spooled.path());
    }
    Ok(Verified { report, notes, notices, keys, standard_input })
}

/// The keys, and what the configuration says that events become as OCSF.
fn keys(given: &Keys) -> anyhow::Result<(KeyRing, Vec<Vec<Rule>>)> {
    let (mut ring, mut rules) = (KeyRing::new(), Vec::new());
    for file in &given.key_file {
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read the key {}", file.display()))?;
        ring.add(Key::from_text(&SecretString::from(text)).with_context(|| file.display().to_string())?);
    }
    for variable in &given.key_env {
        let text =
            process_environment(variable).with_context(|| format!("the variable {variable} is not set"))?;
        ring.add(
            Key::from_text(&SecretString::from(text)).with_context(|| format!("the variable {variable}"))?,
        );
    }
    if let Some(path) = &given.config {
        let parsed = load(path)?.map_err(|errors| anyhow::anyhow!("{errors}"))?;
        rules = rules_of(&parsed.config);
        if let Some(keys) = parsed.config.signing_keys(&process_environment)? {
            keys.ring().iter().cloned().for_each(|key| ring.add(key));
        }
    } else if ring.is_empty()
        && let Some(text) = process_environment("AUDIT_SIGNING_KEY")
    {
        ring.add(Key::from_text(&SecretString::from(text)).context("the variable AUDIT_SIGNING_KEY")?);
    }
    Ok((ring, rules))
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

/// The log files that the paths stand for, each once however it is named, and the head files beside them.
fn files(task: &Task<'_>) -> anyhow::Result<(BTreeSet<PathBuf>, BTreeSet<PathBuf>)> {
    let mut found = Found::default();
    for path in task.paths.iter().filter(|path| !is_standard_input(path)) {
        let cannot_read = || format!("cannot read {}", path.display());
        if path.is_dir() {
            found.add_directory(path).with_context(cannot_read)?;
        } else if task.only {
            fs::metadata(path).with_context(cannot_read)?;
            found.add(path.clone());
        } else if !found.add_log(&real_log(path.clone())) {
            fs::metadata(path).with_context(cannot_read)?;
        }
    }
    Ok((found.files, found.heads))
}

#[derive(Default)]
struct Found {
    files: BTreeSet<PathBuf>,
    heads: BTreeSet<PathBuf>,
    real: BTreeSet<PathBuf>,
}

impl Found {
    fn add(&mut self, file: PathBuf) {
        let real = file.canonicalize().unwrap_or_else(|_| file.clone());
        if self.real.insert(real) {
            self.files.insert(file);
        }
    }

    /// A log with its rotated files and its head. False when nothing of it is there.
    fn add_log(&mut self, log: &Path) -> bool {
        let rotated = segments(log).unwrap_or_default();
        let head = beside(log, ".head");
        let is_there = log.exists() || !rotated.is_empty() || head.exists();
        if head.exists() {
            self.heads.insert(head);
        }
        if log.exists() {
            self.add(log.to_owned());
        }
        rotated.into_iter().for_each(|segment| self.add(segment.path));
        is_there
    }

    /// The logs that were written there, by their head files; in a directory of copies, where none is, all files.
    fn add_directory(&mut self, directory: &Path) -> anyhow::Result<()> {
        let mut others = Vec::new();
        let mut any_log = false;
        for entry in fs::read_dir(directory)? {
            let file = entry?.path();
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match name.strip_prefix('.').map(|name| name.strip_suffix(".head")) {
                Some(Some(log)) => any_log |= self.add_log(&directory.join(log)),
                Some(None) => {}
                None if file.is_file() => others.push(file),
                None => {}
            }
        }
        if !any_log {
            others.into_iter().for_each(|file| self.add(file));
        }
        Ok(())
    }
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
    let Some(bar) = progress::bar(files) else { return Ok(verifier.verify(files)?) };
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
    let name = PathBuf::from("standard input");
    for finding in findings.filter(|finding| finding.file.as_deref() == Some(spooled)) {
        finding.file = Some(name.clone());
    }
    let repeated = report.chains.iter_mut().flat_map(|chain| &mut chain.repeated);
    for repeated in repeated.filter(|repeated| repeated.file == spooled) {
        repeated.file.clone_from(&name);
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// How many findings are shown to a person.
const SHOWN: usize = 20;

fn show(report: &Report, notes: &[String], notices: &[String], keys: &KeyRing) -> String {
    let mut text = String::new();
    for chain in &report.chains {
        text += &show_chain(chain, keys);
    }
    for finding in report.unreadable.iter().take(SHOWN) {
        text += &format!("{}{}\n", place(finding), finding.message);
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
    for notice in notices.iter().take(SHOWN) {
        text += &format!("notice: {notice}\n");
    }
    let more = notices.len().saturating_sub(SHOWN) as u64;
    if more > 0 {
        text += &format!("and {} (--json lists them)\n", count(more, "more notice"));
    }
    text
}

fn show_chain(chain: &ChainReport, keys: &KeyRing) -> String {
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
        for repeated in &chain.repeated {
            let which = match repeated.records {
                (first, last) if first == last => format!("record {first}"),
                (first, last) => format!("records {first} to {last}"),
            };
            text += &format!("    {}:{}: {which} again\n", harmless(&path(&repeated.file)), repeated.line);
        }
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
        (Some(file), Some(line)) => format!("{}:{line}: ", harmless(&path(file))),
        (Some(file), None) => format!("{}: ", harmless(&path(file))),
        _ => String::new(),
    }
}

fn tell(report: &Report, intact: bool, notes: &[String], notices: &[String]) -> Value {
    let findings = |findings: &[Finding]| {
        findings
            .iter()
            .map(|finding| {
                json!({
                    "verdict": finding.verdict.as_str(),
                    "file": finding.file.as_deref().map(path),
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
            "repeated": chain.repeated.iter().map(|repeated| json!({
                "file": path(&repeated.file),
                "line": repeated.line,
                "first_sequence": repeated.records.0,
                "last_sequence": repeated.records.1,
            })).collect::<Vec<_>>(),
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
        "intact": intact,
        "chains": chains.collect::<Vec<_>>(),
        "unsealed_events": report.unsealed,
        "unreadable": findings(&report.unreadable),
        "notes": notes,
        "notices": notices,
    })
}
