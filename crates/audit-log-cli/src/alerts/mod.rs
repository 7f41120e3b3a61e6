//! Commands about alert rules: whether they are right, what they would have told, and whether anybody would hear of it.

mod backtest;
mod check;
mod expectation;
mod explain;
pub(crate) mod history;
mod loggable;
mod replay;
pub(crate) mod rules;
mod sample;
mod send;

use std::process::ExitCode;

use clap::Subcommand;

/// Alert rules: check them, try them on past events, explain them, and send a test.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say whether a configuration's rules, templates and notifiers are right
    ///
    /// It also warns of rules that cannot fire, since the configuration does not log what they are about. Nothing is sent.
    ///
    /// Exit code 0: all is well (warnings do not count); 1: something is wrong; 2: the configuration cannot be read.
    Check(check::Arguments),
    /// Replay past events through rules, and say what would have fired, when and how often
    ///
    /// Reads logs with their rotated files, and whatever else has one event a line: sealed or not, OCSF, plain, gzip or
    /// zstd. Events are replayed in the order in which they stand there, and the clock of the rules is the events' own:
    /// it never goes back, and it ends with the last event, or with --until. So an absence counts from the first event (or
    /// --since), and an alert that is still on at the end is not resolved. Nothing is sent and nothing is recorded.
    ///
    /// Seals are not looked at: `audit-log verify` does that. With --config, events that the configuration does not log
    /// are left out. A line that is no event is told and counted, and the rest goes on.
    ///
    /// Exit code 0: all was replayed, and every expectation was met; 1: an expectation was missed, or a file could not be
    /// read to its end; 2: the rules are wrong, or there was no event.
    Backtest(backtest::Arguments),
    /// Say of an event which parts of each rule's condition are true of it, and what they found
    ///
    /// Takes events as they stand in a log (sealed or not), OCSF records, or what a program would emit; one or several, one
    /// a line or spread over lines. It is taken to be the event's own time.
    ///
    /// Exit code 0: all were explained; 1: something was no event, or a file could not be read; 2: the rules are wrong, or
    /// there was no event.
    Explain(explain::Arguments),
    /// Send one alert of a rule, marked as a test, to each of its notifiers
    ///
    /// The event in it is made up. Nothing is recorded, and nothing is tried twice.
    ///
    /// Exit code 0: all took it; 1: one did not; 2: nothing was sent.
    Test(send::Arguments),
}

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(arguments) => check::run(arguments),
        Command::Backtest(arguments) => backtest::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Test(arguments) => send::run(arguments),
    }
}
