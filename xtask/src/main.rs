//! The workspace's tasks: `cargo xtask help`.
#![allow(clippy::print_stdout, reason = "a command-line program")]

mod lint;
mod python;
mod report;
mod schema;
mod shell;
mod test;
mod verifier;

use std::process::ExitCode;

use report::Report;

const HELP: &str = "\
Tasks of this workspace

    cargo xtask test    every test there is, with all its set-up
    cargo xtask lint    formatting, clippy in every feature shape, rustdoc
    cargo xtask ci      both, as the CI runs them
    cargo xtask help    this text

A suite that can't run here (no python3, say) is skipped and says so; with CI=true that is a failure.
";

fn main() -> anyhow::Result<ExitCode> {
    let task = std::env::args().nth(1);
    let mut report = Report::default();
    match task.as_deref() {
        Some("test") => test::run(&mut report)?,
        Some("lint") => lint::run(&mut report)?,
        Some("ci") => {
            test::run(&mut report)?;
            lint::run(&mut report)?;
        }
        Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        other => {
            if let Some(unknown) = other {
                eprintln!("no task is called `{unknown}`\n");
            }
            eprint!("{HELP}");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(report.finish())
}
