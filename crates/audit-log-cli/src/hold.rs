//! Commands about holds: records that must not be deleted, whatever the policy says.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use audit_config::{Config, DestinationKind, process_environment};
use audit_journal::{JournalError, segments};
use audit_keeper::Keeper;
use audit_model::Timestamp;
use audit_pipeline::StartError;
use audit_retention::{Hold, HoldsFile};
use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use crate::config::checked;
use crate::moment::moment;
use crate::output::{describe, harmless, print, print_json};
use crate::retention::{brief, expect_enabled};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Forbid deleting records until the hold is released, or its time is over
    ///
    /// It holds at once, also while `audit-log run` writes the log. That it was placed is a record in the log.
    ///
    /// Exit code 0: it is placed; 1: it is placed, and not on record until the log is opened again; 2: it is not placed.
    Add(Add),
    /// List the holds that were placed and not released
    List(List),
    /// Lift a hold; that, too, is a record in the log
    ///
    /// Exit code 0: it is lifted; 1: it is lifted, and not on record until the log is opened again; 2: it is not lifted.
    Release(Release),
}

/// Who wants a hold placed or lifted, and why.
#[derive(Debug, Args)]
pub(crate) struct Request {
    /// The configuration (YAML) of the log
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who asks for it [default: the user who runs this]
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What it is called, such as `case-2026-17`
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    request: Request,
    /// When it ends by itself: with a day (UTC), or at a time, such as 2027-12-31 or 2027-12-31T12:00:00Z. Never, if left out
    #[arg(long, value_name = "TIME", value_parser = end)]
    until: Option<Timestamp>,
    /// Hold what was logged from then on; from the log's beginning, if left out
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// Hold what was logged up to then, a day included; what is yet to come too, if left out
    #[arg(long, value_name = "TIME", value_parser = end)]
    to: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The configuration (YAML) of the log
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    /// What it is called
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    request: Request,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let config = match command {
        Command::Add(Add { request, .. }) | Command::Release(Release { request, .. }) => &request.config,
        Command::List(List { config, .. }) => config,
    };
    let Some(config) = checked(config)? else { return Ok(ExitCode::from(2)) };
    expect_enabled(&config)?;
    expect_log(&config)?;
    let keeper = config.keeper(&process_environment)?;
    match command {
        Command::Add(arguments) => add(&config, &keeper, arguments),
        Command::List(arguments) => list(keeper.holds(), arguments),
        Command::Release(arguments) => release(&config, &keeper, arguments),
    }
}

/// A hold beside a log that nobody writes would hold nothing.
fn expect_log(config: &Config) -> anyhow::Result<()> {
    let journal = config.journal(&process_environment).context("there is no place for the journal")?;
    let log = &journal.path;
    if !log.exists() && segments(log).map_or(true, |segments| segments.is_empty()) {
        let why = match journal.destination {
            Some(_) => "run it from where the log is written",
            None => {
                "set `state_dir`, or run it with the environment of whoever writes the log (STATE_DIRECTORY)"
            }
        };
        bail!("there is no log at {}, so nothing can be held; {why}", log.display());
    }
    Ok(())
}

fn add(config: &Config, keeper: &Keeper, arguments: &Add) -> anyhow::Result<ExitCode> {
    let now = Timestamp::now();
    if arguments.until.is_some_and(|until| until <= now) {
        bail!("--until is over already; expected a time to come");
    }
    if arguments.from.zip(arguments.to).is_some_and(|(from, to)| from > to) {
        bail!("--from is later than --to");
    }
    keeper.holds().place(Hold {
        id: arguments.id.clone(),
        placed_by: arguments.request.who()?,
        reason: arguments.request.reason.clone(),
        placed: now,
        until: arguments.until,
        from: arguments.from,
        to: arguments.to,
    })?;
    print(&format!("hold {} is placed: what it covers is not deleted\n", harmless(&arguments.id)))?;
    Ok(put_on_record(config, keeper))
}

fn release(config: &Config, keeper: &Keeper, arguments: &Release) -> anyhow::Result<ExitCode> {
    let by = arguments.request.who()?;
    keeper.holds().release(&arguments.id, &by, &arguments.request.reason, Timestamp::now())?;
    print(&format!("hold {} is released\n", harmless(&arguments.id)))?;
    Ok(put_on_record(config, keeper))
}

/// What was done stays done, whatever keeps it from the log.
fn put_on_record(config: &Config, keeper: &Keeper) -> ExitCode {
    match record(config, keeper) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: it is put on record when the log is next opened: {}", describe(&error));
            ExitCode::FAILURE
        }
    }
}

/// A program that has the log open does it by itself.
fn record(config: &Config, keeper: &Keeper) -> anyhow::Result<()> {
    let options = brief(config)?;
    let recorder = options.recorder();
    match options.start() {
        Err(StartError::Journal(JournalError::Locked { .. })) => {
            print("the program that writes the log records it within a second\n")?;
        }
        started => {
            let pipeline = started?;
            let recorded = keeper.record_holds(&recorder);
            pipeline.close()?;
            recorded?;
            print("it is on record\n")?;
            if config.destinations.iter().any(|it| !matches!(it.kind, DestinationKind::File(_))) {
                print(
                    "destinations follow with `audit-log retention apply`, or when `audit-log run` runs\n",
                )?;
            }
        }
    }
    Ok(())
}

fn list(holds: &HoldsFile, arguments: &List) -> anyhow::Result<ExitCode> {
    let (holds, now) = (holds.read()?, Timestamp::now());
    if arguments.json {
        let holds = holds.0.iter().map(|hold| {
            let mut value = json!(hold);
            value["active"] = json!(hold.is_active(now));
            value
        });
        print_json(&json!({ "holds": holds.collect::<Vec<_>>() }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if holds.0.is_empty() {
        print("no holds\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["ID", "BY", "PLACED", "HOLDS", "UNTIL", "REASON"]);
    for hold in &holds.0 {
        let day = |time: Option<Timestamp>, otherwise: &str| {
            time.map_or_else(|| otherwise.to_owned(), |time| time.to_string()[..16].replace('T', " "))
        };
        let held = match (hold.from, hold.to) {
            (None, None) => "all".to_owned(),
            (from, to) => format!("{} to {}", day(from, "the beginning"), day(to, "what is to come")),
        };
        let until = match hold.is_active(now) {
            true => day(hold.until, "until released"),
            false => format!("{} (over)", day(hold.until, "")),
        };
        let texts = [&hold.id, &hold.placed_by, &day(Some(hold.placed), ""), &held, &until, &hold.reason];
        table.add_row(texts.map(|text| harmless(text)));
    }
    print(&format!("{}\n", table.trim_fmt()))?;
    Ok(ExitCode::SUCCESS)
}

impl Request {
    fn who(&self) -> anyhow::Result<String> {
        let from = |variable: &str| process_environment(variable).filter(|name| !name.is_empty());
        let named = self.by.clone().or_else(|| from("SUDO_USER")).or_else(|| from("USER"));
        named.or_else(|| from("LOGNAME")).context("nobody says who asks for it; give --by")
    }
}

/// As [`moment`], but a day means its end.
fn end(text: &str) -> Result<Timestamp, String> {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let time = moment(text)?;
    let is_day = text.len() == "2027-12-31".len() && text.as_bytes()[4] == b'-';
    let behind = if is_day { DAY - 1 } else { 0 };
    Timestamp::from_milliseconds(time.as_milliseconds() + behind).map_err(|error| error.to_string())
}
