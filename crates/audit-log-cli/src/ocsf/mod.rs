//! Commands about OCSF records.

mod convert;
mod explain;
pub(crate) mod source;
mod validate;

use std::process::ExitCode;

use clap::Subcommand;

/// OCSF records: check them, explain them, make them of a log and read them back.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what is wrong with OCSF records, in the codes of the official server, without asking one
    ///
    /// Every record is held against the schema of its own `metadata.version`: all classes of all releases from 1.0.0 to
    /// 1.8.0. Files hold one record a line, records spread over several lines, or arrays of records; plain, gzip or
    /// zstd. What is no JSON is a finding, too (`not_json`), and the rest goes on.
    ///
    /// Exit code 0: no error (warnings and information do not count); 1: at least one error, or a file that cannot be
    /// read; 2: nothing could be read, or there was no record.
    Validate(validate::Arguments),
    /// Print OCSF records with their ids in words
    ///
    /// Takes files as `validate` does. Long texts are cut, but for --json.
    ///
    /// Exit code 0: all were explained; 1: something was no JSON, or a file could not be read; 2: nothing could be read, or
    /// there was no record.
    Explain(explain::Arguments),
    /// Make OCSF records of a log, or events of OCSF records
    ///
    /// `--to ocsf` reads a log's records (sealed or not, one a line), and writes one OCSF record a line, with the
    /// log's own line in `raw_data`, so that `audit-log verify` proves the copy as it does the log. Rotated files are
    /// read when they are named, oldest first.
    ///
    /// `--to native` reads OCSF records, of whoever wrote them, and writes one unsealed event a line: what `audit-log
    /// run` takes. What is no JSON, or no record, is told with its place, and the rest goes on.
    ///
    /// Exit code 0: all was converted; 1: something was refused, or a file could not be read to its end; 2: nothing
    /// was begun.
    Convert(convert::Arguments),
}

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Validate(arguments) => validate::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Convert(arguments) => convert::run(arguments),
    }
}
