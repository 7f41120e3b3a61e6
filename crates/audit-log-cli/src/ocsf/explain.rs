use std::path::PathBuf;
use std::process::ExitCode;

use audit_model::Value;
use audit_ocsf::{Explanation, NativeRecord, explain};
use clap::Args;

use super::source::{self, NotJson};
use crate::output::{Printer, complain};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Files of OCSF records; `-`, or none, is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print each record's explanation as a JSON object, one a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (mut records, mut all_json) = (0, true);
    let mut printer = Printer::stdout();
    let (opened, all_opened) = source::each(&arguments.files, |source| {
        let name = source.name.clone();
        let mut not_json = |NotJson { line, message }| {
            complain(&format!("{name}:{line}: {message}"));
            all_json = false;
        };
        let ended = source.each_value(|line, value| {
            match value {
                Ok(parsed) => {
                    let explanation = explain(&parsed.value);
                    let text = if arguments.json {
                        json(&name, line, &explanation)?
                    } else {
                        let gap = if records > 0 { "\n" } else { "" };
                        format!("{gap}{name}:{line}: {}", cut(explanation))
                    };
                    records += 1;
                    printer.print(&text)?;
                }
                Err(error) => not_json(error),
            }
            Ok(())
        })?;
        if let Err(broken_off) = ended {
            not_json(broken_off);
        }
        Ok(())
    })?;
    printer.finish()?;
    if records == 0 && opened > 0 && all_json {
        complain("no records: nothing to explain");
    }
    Ok(match (opened, all_json && all_opened) {
        (0, _) => ExitCode::from(2),
        (_, false) => ExitCode::FAILURE,
        (_, true) if records == 0 => ExitCode::from(2),
        (_, true) => ExitCode::SUCCESS,
    })
}

fn json(name: &str, line: u64, explanation: &Explanation) -> anyhow::Result<String> {
    let mut value = serde_json::to_value(explanation)?;
    value["file"] = name.into();
    value["line"] = line.into();
    Ok(format!("{value}\n"))
}

/// How long a text may be that a person is shown, in characters.
const SHOWN: usize = 80;

/// The explanation without the ends of long texts.
fn cut(mut explanation: Explanation) -> Explanation {
    for line in &mut explanation.lines {
        let Some(Value::String(text)) = &mut line.value else { continue };
        let Some((end, _)) = text.char_indices().nth(SHOWN) else { continue };
        let mut aside = format!("{} characters", text.chars().count());
        match NativeRecord::parse(text.as_bytes()) {
            Ok(NativeRecord { sequence_number: Some(number), .. }) => {
                aside = format!("record {number} of the log, {aside}");
                line.value = None;
            }
            _ => {
                text.truncate(end);
                text.push('…');
            }
        }
        line.note = Some(match line.note.take() {
            Some(note) => format!("{note}; {aside}"),
            None => aside,
        });
    }
    explanation
}
