//! The `audit-log` command.
#![allow(clippy::print_stdout, reason = "a command-line program")]

mod alerts;
mod condition;
mod config;
mod copies;
mod destinations;
mod hold;
mod input;
mod keygen;
mod logs;
#[cfg(feature = "http")]
mod measures;
mod moment;
mod ocsf;
mod output;
mod progress;
#[cfg(feature = "http")]
mod remote;
mod report;
mod retention;
mod run;
mod search;
mod serving;
mod socket;
mod token;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Record audit events so that they can't be lost or quietly changed, and prove it.
#[derive(Debug, Parser)]
#[command(name = "audit-log", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read events and write them to the log that the configuration describes
    ///
    /// Events are JSON objects, one a line, or OCSF records (--input-format ocsf). A missing timestamp, event_id or version is filled in. A line that is no
    /// event goes to the rejects file with the reason, and the rest goes on. SIGTERM and SIGINT write what has been
    /// read, close the log and end.
    ///
    /// Where the configuration has `sources`, it serves until a signal ends it; SIGHUP and a change of the file have it read its
    /// configuration again.
    ///
    /// Exit code 0: all that was read is recorded or in the rejects file, and delivered, or a signal ended it before; 1: an
    /// input broke off, the disk failed, a source could not begin, or a destination lacks records; 2: nothing was begun.
    #[command(visible_alias = "serve")]
    Run(run::Arguments),
    /// Say whether logs are intact, and if not, what is wrong and where
    ///
    /// A log's rotated files are found by themselves, and so is its head file, which shows a cut end.
    ///
    /// Of OCSF copies, the log's own line that each record carries in `raw_data` is verified, and that the attributes
    /// around it say what it says. Attributes that were added since are told, and are no damage.
    ///
    /// Exit code 0: every chain is intact; 1: something is wrong; 2: there is no way to tell (no key, no sealed record,
    /// an unreadable file).
    Verify(verify::Arguments),
    /// Find records by what they say, count them, follow them
    ///
    /// Reads logs (with their rotated files), OCSF copies, and whatever else has one event a line, plain, gzip or zstd.
    /// Without filters it prints all. A filter is true of what is the event's own: its times, too.
    ///
    ///   audit-log search --type '*.failed' --since 7d audit-logs/audit.log
    ///
    ///   audit-log search --where "event_type == 'access.denied'" --group-by actor.id --limit 10 audit-logs
    ///
    /// Lines that are no events are told and left out. Exit code 0: something was found; 1: nothing; 2: something went
    /// wrong, though more may have been found: an unreadable file, a wrong expression, a log that --verify does not find intact.
    Search(search::Arguments),
    /// Check a configuration, show what is in effect, or print its JSON Schema
    #[command(subcommand)]
    Config(config::Command),
    /// Try what a configuration needs, without recording anything
    ///
    /// Exit code 0: all is well; 1: something would fail; 2: the configuration cannot be run.
    #[command(subcommand)]
    Check(destinations::CheckCommand),
    /// Say how far each destination is, the alert rules and their notifiers among them, and what keeps it
    ///
    /// With --config it reads what `run` notes about its destinations, and works while that runs and after it. With --url it asks a
    /// running service, which tells of its sources, too.
    ///
    /// Exit code 0: no destination is failing, nor a source; 1: one is, or the service is not ready; 2: there is no way to tell.
    Status(destinations::StatusArguments),
    /// List records that a destination would not take, or send them again
    #[command(subcommand)]
    DeadLetter(destinations::DeadLetterCommand),
    /// Check OCSF records, explain them, make them of a log and read them back
    #[command(subcommand)]
    Ocsf(ocsf::Command),
    /// Check alert rules, try them on past events, explain them, and send a test
    #[command(subcommand)]
    Alerts(alerts::Command),
    /// Check a condition, or translate it for another tool
    #[command(subcommand)]
    Condition(condition::Command),
    /// Say what is kept and what is deleted, and do it
    #[command(subcommand)]
    Retention(retention::Command),
    /// Forbid deleting records, list what is held, and lift a hold
    #[command(subcommand)]
    Hold(hold::Command),
    /// Make a report of a period: is the log sound, who did what, what was denied, changed, failed and lost
    ///
    /// The period is the last complete month unless another is given (UTC). The verdict comes first, and is on all of the log.
    ///
    /// Exit code 0: the log is sound; 1: it is broken, and the report says so; 2: there is no way to tell whether it is, or no
    /// report was made. With --check 0: the report is as it was signed; 1: it is not; 2: there is no way to tell.
    Report(report::Arguments),
    /// Make, list, revoke and rotate the API tokens of a service
    #[command(subcommand)]
    Token(token::Command),
    /// Make a signing key
    ///
    /// 32 random bytes, in the form that `key_env_var` and `key_file` take.
    Keygen(keygen::Arguments),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the metrics that a service has, as JSON: names, types, units, labels, meanings
    #[cfg(feature = "http")]
    Metrics,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Search(arguments) => search::run(&arguments),
        Command::Config(command) => config::run(&command),
        Command::Check(command) => destinations::check(&command),
        Command::Status(arguments) => destinations::status(arguments),
        Command::DeadLetter(command) => destinations::dead_letter(&command),
        Command::Ocsf(command) => ocsf::run(&command),
        Command::Alerts(command) => alerts::run(&command),
        Command::Condition(command) => condition::run(&command),
        Command::Retention(command) => retention::run(&command),
        Command::Hold(command) => hold::run(&command),
        Command::Report(arguments) => report::run(&arguments),
        Command::Token(command) => token::run(&command),
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "audit-log", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "http")]
        Command::Metrics => {
            output::print_json(&serde_json::json!(measures::METRICS)).map(|()| ExitCode::SUCCESS)
        }
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {}", output::describe(&error));
        // The same as clap's for wrong usage: nothing was found out or done.
        ExitCode::from(2)
    })
}
