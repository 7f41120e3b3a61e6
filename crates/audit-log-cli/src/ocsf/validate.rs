use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use audit_ocsf::{Finding, FindingSeverity, SchemaVersion, Validator};
use clap::Args;
use serde_json::json;

use super::source::{self, NotJson, Parsed};
use crate::output::{Printer, count, harmless};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Files of OCSF records; `-`, or none, is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Tell of missing recommended attributes, too
    #[arg(long)]
    recommended: bool,
    /// Hold every record against this version of the schema, whatever version it says it has
    #[arg(long, value_name = "VERSION")]
    ocsf_version: Option<SchemaVersion>,
    /// Print each finding as a JSON object, one a line: file, line, severity, code, path, message
    #[arg(long)]
    json: bool,
    /// Print nothing: the exit code tells
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut validator = Validator::new().recommended(arguments.recommended);
    if let Some(version) = arguments.ocsf_version {
        validator = validator.version(version);
    }
    let mut tally = Tally::default();
    let mut printer = Printer::stdout();
    let (opened, all) = source::each(&arguments.files, |source| {
        let name = source.name.clone();
        let ended = source.each_value(|line, value| {
            let found = match value {
                Err(not_json) => vec![Found::not_json(not_json)],
                Ok(Parsed { value, refused }) => {
                    let repeated = refused.filter(|refused| refused.message.contains("occurs twice"));
                    let findings = validator.validate(&value).into_iter().map(|it| Found::at(line, it));
                    repeated.map(Found::name_repeated).into_iter().chain(findings).collect()
                }
            };
            tally.add(&found);
            arguments.print(&mut printer, &name, &found)
        })?;
        if let Err(broken_off) = ended {
            let found = [Found { code: "cannot_be_read", ..Found::not_json(broken_off) }];
            tally.broken_off = true;
            tally.add_codes(&found);
            arguments.print(&mut printer, &name, &found)?;
        }
        Ok(())
    })?;
    if !arguments.quiet && !arguments.json && opened > 0 {
        printer.print(&tally.to_string())?;
    }
    printer.finish()?;
    let is_sound = tally.with_errors == 0 && !tally.broken_off && all;
    Ok(match (opened, is_sound) {
        (0, _) => ExitCode::from(2),
        (_, false) => ExitCode::FAILURE,
        (_, true) if tally.records == 0 => ExitCode::from(2),
        (_, true) => ExitCode::SUCCESS,
    })
}

impl Arguments {
    fn print(&self, printer: &mut Printer, name: &str, found: &[Found]) -> anyhow::Result<()> {
        if self.quiet {
            return Ok(());
        }
        for Found { line, severity, code, path, message } in found {
            let text = if self.json {
                let finding = json!({
                    "file": name, "line": line, "severity": severity, "code": code, "path": path, "message": message,
                });
                format!("{finding}\n")
            } else {
                let at = if path.is_empty() { String::new() } else { format!(" at {path}") };
                format!("{name}:{line}: {severity} {code}{at}: {message}\n")
            };
            printer.print(&text)?;
        }
        Ok(())
    }
}

/// A finding of the validator's, or of the reader's.
struct Found {
    line: u64,
    severity: FindingSeverity,
    code: &'static str,
    path: String,
    message: String,
}

impl Found {
    fn at(line: u64, finding: Finding) -> Self {
        let Finding { severity, code, path, message, .. } = finding;
        Self { line, severity, code: code.as_str(), path, message }
    }

    fn not_json(NotJson { line, message }: NotJson) -> Self {
        let (severity, path, message) = (FindingSeverity::Error, String::new(), harmless(&message));
        Self { line, severity, code: "not_json", path, message }
    }

    /// Which of the two a reader takes is anybody's guess.
    fn name_repeated(refused: NotJson) -> Self {
        Self { code: "name_repeated", ..Self::not_json(refused) }
    }
}

#[derive(Debug, Default)]
struct Tally {
    records: u64,
    with_errors: u64,
    with_warnings: u64,
    broken_off: bool,
    codes: BTreeMap<(FindingSeverity, &'static str), u64>,
}

impl Tally {
    fn add(&mut self, found: &[Found]) {
        let has = |severity| found.iter().any(|it| it.severity == severity);
        self.records += 1;
        self.with_errors += u64::from(has(FindingSeverity::Error));
        self.with_warnings += u64::from(has(FindingSeverity::Warning));
        self.add_codes(found);
    }

    fn add_codes(&mut self, found: &[Found]) {
        for it in found {
            *self.codes.entry((it.severity, it.code)).or_default() += 1;
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { records, with_errors, with_warnings, broken_off, codes } = self;
        if *records == 0 && !broken_off {
            return writeln!(f, "no records: nothing to validate");
        }
        write!(
            f,
            "{}: {} valid, {with_errors} with errors",
            count(*records, "record"),
            records - with_errors
        )?;
        match with_warnings {
            0 => writeln!(f)?,
            _ => writeln!(f, ", {with_warnings} with warnings")?,
        }
        let mut codes: Vec<_> = codes.iter().collect();
        codes.sort_by_key(|((severity, code), times)| {
            (std::cmp::Reverse(**times), std::cmp::Reverse(*severity), *code)
        });
        let width = codes.first().map_or(0, |(_, times)| times.to_string().len());
        for ((severity, code), times) in codes {
            writeln!(f, "  {times:>width$} {:<11} {code}", severity.as_str())?;
        }
        Ok(())
    }
}
