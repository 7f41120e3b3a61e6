//! `cargo xtask release`: from a finished main to crates in a registry, and a rehearsal of all of it.

mod changelog;
mod check;
mod consumer;
mod git;
mod manifest;
mod mentions;
mod prepare;
mod publish;
#[cfg(test)]
mod refusals;
mod registry;
mod rehearse;
mod workspace;

use anyhow::{Result, bail};

use crate::report::Report;
use crate::{api, deny, features};
pub(crate) use rehearse::rehearse;
use workspace::Workspace;

pub(crate) const HELP: &str = "\
A release, in this order

    cargo xtask release prepare VERSION [--date YYYY-MM-DD]
        sets the version everywhere, closes the changelog's Unreleased section; commits nothing
    cargo xtask release check [--without-tests]
        clean tree, tests, every crate from its own package, a dry run of the upload, licences, public API;
        --without-tests is for a commit that the CI has tested
    cargo xtask release publish [--registry NAME] [--no-verify] [--no-wait] [--push-tag]
        uploads what the registry lacks, then tags vVERSION; run it again after whatever stopped it.
        When the registry has had too many at a time it waits ten minutes and goes on, or, with --no-wait, ends.
        The token comes from CARGO_REGISTRY_TOKEN or `cargo login`; --no-verify is for after `release check`
    cargo xtask release rehearse [--verify]
        all of that on a copy, into a registry on this machine; then programs that use what was published.
        --verify also compiles every crate from its package
";

type Task = fn(&mut Report) -> Result<()>;

/// Tasks of their own that a release waits for.
const GATES: &[Task] = &[|report| deny::run(report, &[]), features::run, api::check];

pub(crate) fn run(report: &mut Report, arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let here = Workspace::here();
    match words.as_slice() {
        ["prepare", version] => prepare::run(report, &here, version, None),
        ["prepare", version, "--date", date] => prepare::run(report, &here, version, Some(date)),
        ["check"] => check::run(report, &here, true),
        ["check", "--without-tests"] => check::run(report, &here, false),
        ["publish", options @ ..] => publish::run(report, here, options),
        ["rehearse"] => report.suite("release rehearsal", || rehearse(false)),
        ["rehearse", "--verify"] => report.suite("release rehearsal", || rehearse(true)),
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => bail!("`release {}` is not understood\n\n{HELP}", words.join(" ")),
    }
}

fn gates(report: &mut Report) -> Result<()> {
    GATES.iter().try_for_each(|gate| gate(report))
}
