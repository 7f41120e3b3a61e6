//! Commands about conditions.

use std::process::ExitCode;

use audit_condition::{Condition, ConditionError, Target};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::output::{print, print_json};

/// Conditions: check one, or translate it for another tool.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say whether a text is a condition, and if not, what is wrong and where
    ///
    /// Exit code 0: it is one; 1: it is none.
    Check(Text),
    /// Say the condition in the language of a tool that searches records elsewhere
    ///
    /// What comes out selects just the records of which the condition is true. What the tool cannot say so, is told with
    /// its place and what to do instead.
    ///
    /// Exit code 0: it is translated; 1: the tool cannot say it, or the text is no condition.
    Translate(Translate),
}

#[derive(Debug, Args)]
pub(crate) struct Text {
    /// The condition: "event_type == 'backup.failed' and context.environment == 'production'"
    #[arg(value_name = "CONDITION", allow_hyphen_values = true)]
    text: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Translate {
    /// The tool's language: sql (Athena, Trino), insights (CloudWatch Logs Insights), opensearch, jq
    #[arg(long, value_name = "LANGUAGE")]
    to: Target,
    /// For sealed records, which have the event under `event`
    #[arg(long)]
    sealed: bool,
    #[command(flatten)]
    text: Text,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(text) => check(text),
        Command::Translate(arguments) => translate(arguments),
    }
}

fn check(Text { text, json }: &Text) -> anyhow::Result<ExitCode> {
    let error = Condition::parse(text).err();
    if *json {
        let told = error
            .as_ref()
            .map(|error| json!({"line": error.line(), "column": error.column(), "message": error.message()}));
        print_json(&json!({"valid": error.is_none(), "error": told}))?;
    } else if let Some(error) = &error {
        eprintln!("error: {error}");
    } else {
        print("ok\n")?;
    }
    Ok(if error.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(error: &ConditionError) -> Value {
    json!({"line": error.line(), "column": error.column(), "message": error.message()})
}

fn translate(arguments: &Translate) -> anyhow::Result<ExitCode> {
    let Translate { to, sealed, text: Text { text, json } } = arguments;
    let name = to.as_str();
    let translated = match Condition::parse(text) {
        Err(error) => Err((error.to_string(), tell(&error))),
        Ok(condition) => match sealed {
            true => condition.translate_sealed(*to),
            false => condition.translate(*to),
        }
        .map_err(|error| {
            let told = json!({
                "column": error.column(),
                "part": error.part(),
                "message": error.reason(),
                "help": error.instead(),
            });
            (error.to_string(), told)
        }),
    };
    match &translated {
        Ok(text) if *json => print_json(&json!({"to": name, "text": text, "error": null}))?,
        Ok(text) => print(&format!("{text}\n"))?,
        Err((_, told)) if *json => print_json(&json!({"to": name, "text": null, "error": told}))?,
        Err((error, _)) => eprintln!("error: {error}"),
    }
    Ok(if translated.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
