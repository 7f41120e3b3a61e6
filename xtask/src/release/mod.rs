//! `cargo xtask release`: from a finished main to crates in a registry, and a rehearsal of all of it.

mod changelog;
mod check;
mod checkout;
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

use anyhow::{Result, bail};

use crate::report::Report;
use crate::{deny, features};
use checkout::Checkout;
pub(crate) use rehearse::rehearse;

pub(crate) const HELP: &str = "\
A release, in this order

    cargo xtask release prepare VERSION [--date YYYY-MM-DD] [--without-advisories]
        sets the version everywhere, closes the changelog's Unreleased section; commits nothing. Refuses a version
        that is too small for what changed in the public API since the last tag
    cargo xtask release check [--without-tests] [--without-advisories]
        clean tree, tests, lint, packages and their sizes, every crate from its own package, a dry run of the upload,
        licences, advisories, every combination of features; --without-tests is for a commit that the CI has tested,
        --without-advisories for a machine that does not reach their database
    cargo xtask release publish [--registry NAME] [--no-verify] [--no-wait] [--no-push]
        tags the commit vVERSION, pushes the tag to `origin`, and uploads what the registry lacks; run it again after
        whatever stopped it. When the registry has had too many at a time it waits ten minutes and goes on, or, with
        --no-wait, ends.
        The token comes from CARGO_REGISTRY_TOKEN or `cargo login`; --no-verify is for after `release check`
    cargo xtask release rehearse [--verify]
        all of that on a copy, into a registry on this machine; then programs that use what was published.
        --verify also compiles every crate from its package

What is skipped elsewhere for want of a tool is a failure here.
";

const WITHOUT_ADVISORIES: &str = "--without-advisories";

pub(crate) fn run(report: &mut Report, arguments: &[String]) -> Result<()> {
    report.be_for_a_release();
    let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let all = words.len();
    if matches!(words.first(), Some(&("prepare" | "check"))) {
        words.retain(|word| *word != WITHOUT_ADVISORIES);
    }
    let with_advisories = words.len() == all;
    let here = Checkout::here();
    match words.as_slice() {
        ["prepare", version] => prepare::run(report, &here, version, None, with_advisories)?,
        ["prepare", version, "--date", date] => {
            prepare::run(report, &here, version, Some(date), with_advisories)?;
        }
        ["check"] => check::run(report, &here, true, with_advisories)?,
        ["check", "--without-tests"] => check::run(report, &here, false, with_advisories)?,
        ["publish", options @ ..] => publish::run(report, here, options)?,
        ["rehearse"] => report.suite("release rehearsal", || rehearse(false)),
        ["rehearse", "--verify"] => report.suite("release rehearsal", || rehearse(true)),
        ["help" | "--help" | "-h"] => print!("{HELP}"),
        _ => bail!("`release {}` is not understood\n\n{HELP}", words.join(" ")),
    }
    Ok(())
}

/// What a release waits for, of the dependencies and of each crate alone.
fn gates(report: &mut Report, with_advisories: bool) -> Result<()> {
    deny::licences(report);
    if with_advisories {
        deny::advisories(report);
    }
    features::run(report)
}
