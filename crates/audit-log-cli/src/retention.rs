//! Commands about what is kept and what is deleted.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use audit_config::{Config, JournalFile, process_environment};
use audit_delivery::State;
use audit_journal::JournalError;
use audit_keeper::{Applied, Keeper, PlacePlan};
use audit_model::Timestamp;
use audit_pipeline::{OnFailure, Options, Pipeline, Recorder, StartError};
use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use crate::config::checked;
use crate::output::{count, harmless, print, print_json};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what would be deleted and changed, here and at the destinations
    ///
    /// Exit code 0: nothing keeps the policy from being followed; 1: something does, and needs a person; 2: a place
    /// cannot be asked, or the configuration cannot be run.
    Plan(Arguments),
    /// Do what the plan says, and put it on record in the log
    ///
    /// A running `audit-log run` does that by itself, and has the log: then this command changes nothing.
    ///
    /// Exit code 0: all of it is done; 1: a part could not be done, or needs a person; 2: nothing was begun.
    Apply(Arguments),
}

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The configuration (YAML)
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let (Command::Plan(arguments) | Command::Apply(arguments)) = command;
    let Some(config) = checked(&arguments.config)? else { return Ok(ExitCode::from(2)) };
    expect_enabled(&config)?;
    match command {
        Command::Plan(arguments) => plan(&config, arguments),
        Command::Apply(arguments) => apply(&config, arguments),
    }
}

fn plan(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let journal = config.journal(&process_environment).context("there is no place for the journal")?;
    let keeper = config.keeper(&process_environment)?;
    let plans = keeper.plan(acknowledged(config, &journal)?, Timestamp::now())?;
    if arguments.json {
        print_json(&json!({ "places": plans }))?;
    } else {
        print(&format!("{}\n{}\n", table(&plans).trim_fmt(), summary(&plans)))?;
    }
    Ok(exit_code(&plans))
}

fn apply(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let keeper = config.keeper(&process_environment)?;
    let (pipeline, recorder) = open(config)?;
    let applied = round(&keeper, &recorder);
    pipeline.close()?;
    let (plans, applied) = applied?;
    let failed = applied.iter().any(|applied| applied.failure.is_some());
    if arguments.json {
        let places = plans.iter().zip(&applied).map(|(plan, applied)| {
            let mut place = json!(plan);
            place["applied"] = json!(applied);
            place
        });
        print_json(&json!({ "places": places.collect::<Vec<Value>>() }))?;
    } else {
        print(&told(&plans, &applied))?;
    }
    // 2 would say that nothing was begun.
    let failed = failed || plans.iter().any(|plan| plan.failure.is_some());
    Ok(if failed { ExitCode::FAILURE } else { exit_code(&plans) })
}

fn round(keeper: &Keeper, recorder: &Recorder) -> anyhow::Result<(Vec<PlacePlan>, Vec<Applied>)> {
    keeper.record_holds(recorder)?;
    let plans = keeper.plan(recorder.acknowledged(), Timestamp::now())?;
    let applied = plans.iter().map(|plan| keeper.apply(plan, recorder)).collect();
    Ok((plans, applied))
}

/// What is not recorded cannot be kept.
pub(crate) fn expect_enabled(config: &Config) -> anyhow::Result<()> {
    if !config.enabled {
        bail!(
            "the configuration says `enabled: false`: nothing is recorded, and so nothing is deleted or held"
        );
    }
    Ok(())
}

/// Options for a record or two of our own: destinations get them when the log is next written, and who calls is told at once
/// when it takes none.
pub(crate) fn brief(config: &Config) -> anyhow::Result<Options> {
    let options = config.pipeline_unkept(&process_environment)?;
    Ok(options.on_failure(OnFailure::Reject).drain_timeout(Duration::ZERO))
}

/// Opens the log for them.
pub(crate) fn open(config: &Config) -> anyhow::Result<(Pipeline, Recorder)> {
    let options = brief(config)?;
    let recorder = options.recorder();
    match options.start() {
        Err(StartError::Journal(error @ JournalError::Locked { .. })) => Err(error)
            .context("the program that writes the log applies its retention and records its holds by itself"),
        started => Ok((started?, recorder)),
    }
}

/// Up to which record every destination has all, as the one who delivers has noted it.
fn acknowledged(config: &Config, journal: &JournalFile) -> anyhow::Result<u64> {
    let directory = config.delivery_dir(journal);
    let mut least = u64::MAX;
    for index in (0..config.destinations.len()).filter(|index| Some(*index) != journal.destination) {
        let state = State::load(&directory, config.destination_name(index))?;
        least = least.min(state.map_or(0, |state| state.acknowledged));
    }
    Ok(least)
}

fn exit_code(plans: &[PlacePlan]) -> ExitCode {
    if plans.iter().any(|plan| plan.failure.is_some()) {
        ExitCode::from(2)
    } else if plans.iter().any(|plan| !plan.plan.problems.is_empty()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn table(plans: &[PlacePlan]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["PLACE", "KIND", "", "WHAT"]);
    for plan in plans {
        let mut rows = Vec::new();
        rows.extend(plan.plan.changes.iter().map(|change| ("change", change.to_string())));
        rows.extend(plan.plan.problems.iter().map(|problem| ("problem", problem.clone())));
        rows.extend(plan.failure.iter().map(|failure| ("FAILED", failure.clone())));
        if rows.is_empty() {
            rows.push(("", "nothing to do".to_owned()));
        }
        rows.extend(plan.plan.notes.iter().map(|note| ("note", note.clone())));
        let mut place = (harmless(&plan.place), plan.kind);
        for (what, text) in rows {
            table.add_row([&place.0, place.1, what, &harmless(&text)]);
            // Said once.
            place = (String::new(), "");
        }
    }
    table
}

fn summary(plans: &[PlacePlan]) -> String {
    let number = |of: fn(&PlacePlan) -> usize| plans.iter().map(of).sum::<usize>() as u64;
    let changes = number(|plan| plan.plan.changes.len());
    let problems = number(|plan| plan.plan.problems.len() + usize::from(plan.failure.is_some()));
    let problems = match problems {
        0 => String::new(),
        some => format!(", {}", count(some, "problem")),
    };
    format!("{}{problems}", count(changes, "change"))
}

fn told(plans: &[PlacePlan], applied: &[Applied]) -> String {
    let mut text = String::new();
    for (plan, applied) in plans.iter().zip(applied) {
        let place = format!("{} ({})", harmless(&plan.place), plan.kind);
        for change in &applied.done {
            text += &format!("done     {place}: {}\n", harmless(&change.to_string()));
        }
        for failure in applied.failure.iter().chain(&plan.failure) {
            text += &format!("FAILED   {place}: {}\n", harmless(failure));
        }
        for problem in &plan.plan.problems {
            text += &format!("problem  {place}: {}\n", harmless(problem));
        }
        for note in &plan.plan.notes {
            text += &format!("note     {place}: {}\n", harmless(note));
        }
    }
    if text.is_empty() { "nothing to do\n".to_owned() } else { text }
}
