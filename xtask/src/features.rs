//! `cargo xtask features`: every crate builds alone, in every shape that its users can give it.

use anyhow::Result;
use cargo_metadata::Package;

use crate::checkers;
use crate::report::{Outcome, Report};
use crate::shell::program;
use crate::workspace::Workspace;

/// Crates with more features are checked with each feature alone, and all: combinations double with each.
const POWERSET: usize = 5;

/// Each crate without its features, which is what breaks first: part of `cargo xtask lint`.
///
/// cargo-hack checks each member by its own manifest, so that no other member's features are switched on with it.
pub(crate) fn without(report: &mut Report, workspace: &Workspace) -> Result<()> {
    report.suite("clippy, each crate alone", || {
        checkers::or_skipped(|| check(&workspace.published(), &["--no-default-features"]))
    })
}

/// All other shapes.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    let workspace = Workspace::read()?;
    let mut with = workspace.published();
    with.retain(|package| own(package) > 0);
    let (few, many): (Vec<&Package>, Vec<_>) = with.into_iter().partition(|package| own(package) <= POWERSET);
    report.suite("clippy, every combination of features", || {
        let shapes =
            ["--feature-powerset", "--exclude-no-default-features", "--exclude-features", "default,full"];
        checkers::or_skipped(|| check(&few, &shapes))
    })?;
    report.suite("clippy, each feature of those with many", || {
        let shapes = ["--each-feature", "--exclude-no-default-features", "--exclude-features", "full"];
        checkers::or_skipped(|| check(&many, &shapes))
    })
}

/// How many features it has, without those that only name others of them.
fn own(package: &Package) -> usize {
    package.features.keys().filter(|name| !["default", "full"].contains(&name.as_str())).count()
}

fn check(packages: &[&Package], shapes: &[&str]) -> Result<Outcome> {
    let mut hack = program(checkers::cargo_hack()?).args(["hack", "clippy", "--keep-going"]).args(shapes);
    for package in packages {
        println!("{}: {} features", package.name, own(package));
        hack = hack.args(["--package", &package.name]);
    }
    hack.args(["--", "-D", "warnings"]).run().map(Outcome::passed)
}
