//! The workspace's tasks: `cargo xtask help`.
#![allow(clippy::print_stdout, reason = "a command-line program")]

mod api;
mod book;
mod checkers;
mod compare;
mod crates;
mod deny;
mod deps;
mod docs;
mod facade;
mod features;
mod footprint;
mod fuzz;
mod image;
mod kubernetes;
mod lint;
mod manifests;
mod msrv;
mod operations;
mod python;
mod readme;
mod recording;
mod release;
mod report;
mod schema;
mod services;
mod shell;
mod test;
mod trees;
mod verifier;
mod workflows;
mod workspace;

use std::process::ExitCode;

use checkers::or_skipped;
use report::Report;

const HELP: &str = "\
Tasks of this workspace

    cargo xtask test        every test there is, with all its set-up
    cargo xtask lint        formatting, clippy, `crates` but for the packages, `deps`, `docs`, `api`
    cargo xtask api         the libraries' public API against api/: --write renews that, --since TAG tells
                            what version has to follow that release
    cargo xtask ci          test and lint, as the CI runs them
    cargo xtask docs        rustdoc of every crate, the book's site, and the links of all pages
    cargo xtask book        the book in docs/: built, its links, its reference pages, its commands
    cargo xtask crates      each crate's metadata, README, licences, rust-version; the packages and their sizes
    cargo xtask deps        which crate uses which, and what each brings along: tokio, C code
    cargo xtask features    every crate alone in the combinations of its features (cargo-hack)
    cargo xtask deny        licences, bans and sources of all dependencies (cargo-deny); --advisories asks for those
    cargo xtask kubernetes  what is in docs/kubernetes and docs/operations; the Dockerfile and what it is given
    cargo xtask bench       the benches: `bench NAME` for one
    cargo xtask compare     all of them, written into docs/benchmarks.md; on an idle machine
    cargo xtask recording   makes docs/recording.svg, which the README shows, by running what is in it
    cargo xtask release     prepare, check, publish, and a rehearsal of all of it; `release help`
    cargo xtask fuzz        each fuzz target for a minute (or N seconds), where a nightly Rust is there
    cargo xtask msrv        each crate by the Rust of its rust-version, where that is installed
    cargo xtask services    the servers that the live tests talk to: up, down, status
    cargo xtask help        this text

A suite that can't run here (no python3, say) is skipped and says so; with CI=true that is a failure.
";

fn main() -> anyhow::Result<ExitCode> {
    if let Some(code) = api::run_as_rustdoc() {
        return Ok(code);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut report = Report::default();
    match arguments.first().map(String::as_str) {
        Some("test") => test::run(&mut report)?,
        Some("lint") => lint::run(&mut report)?,
        Some("ci") => {
            test::run(&mut report)?;
            lint::run(&mut report)?;
        }
        Some("api") => api::run(&mut report, &arguments[1..])?,
        Some("docs") => docs::run(&mut report),
        Some("book") => book::run(&arguments[1..], &mut report)?,
        Some("crates") => crates::run(&mut report)?,
        Some("deps") => deps::run(&mut report, &workspace::Workspace::read()?),
        Some("features") => features::run(&mut report)?,
        Some("deny") => deny::run(&mut report, &arguments[1..])?,
        Some("kubernetes") => test::run_kubernetes(&mut report),
        Some("bench") => report.suite("bench", || or_skipped(|| compare::bench(&arguments[1..]))),
        Some("compare") => report.suite("compare", || or_skipped(compare::write)),
        Some("recording") => report.suite("recording", recording::write),
        Some("msrv") => msrv::run(&mut report)?,
        Some("fuzz") => fuzz::run(&mut report, arguments.get(1).map_or("60", String::as_str))?,
        Some("release") => release::run(&mut report, &arguments[1..])?,
        Some("services") => return Ok(services::run(&arguments[1..])),
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

/// What [`HELP`] lists.
pub(crate) fn tasks() -> impl Iterator<Item = &'static str> {
    HELP.lines().filter_map(|line| line.strip_prefix("    cargo xtask ")?.split(' ').next())
}
