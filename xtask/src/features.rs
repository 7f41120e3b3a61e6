//! `cargo xtask features`: every crate builds alone, in every shape that its users can give it.

use anyhow::Result;
use cargo_metadata::Package;

use crate::report::{Outcome, Report};
use crate::shell::program;
use crate::tools::installed;
use crate::workspace::Workspace;

const VERSION: &str = "0.6.46";

/// Crates with more features are checked with each feature alone, none and all: combinations double with each.
const POWERSET: usize = 5;

/// cargo-hack checks each member by its own manifest, so that no other member's features are switched on with it.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    let workspace = Workspace::read()?;
    let published = workspace.published();
    let (few, many): (Vec<&Package>, Vec<_>) = published.iter().partition(|package| own(package) <= POWERSET);
    let (plain, few): (Vec<&Package>, Vec<_>) = few.into_iter().partition(|package| own(package) == 0);
    report.suite("clippy, each crate without features", || check(&plain, "--no-default-features", None))?;
    report.suite("clippy, every combination of features", || {
        check(&few, "--feature-powerset", Some("default,full"))
    })?;
    report.suite("clippy, each feature of those with many", || check(&many, "--each-feature", Some("full")))
}

/// How many features it has, without those that only name others of them.
fn own(package: &Package) -> usize {
    package.features.keys().filter(|name| !["default", "full"].contains(&name.as_str())).count()
}

fn check(packages: &[&Package], shapes: &str, excluded: Option<&str>) -> Result<Outcome> {
    let mut hack =
        program(installed("cargo-hack", VERSION)?).args(["hack", "clippy", "--keep-going", shapes]);
    for package in packages {
        println!("{}: {} features", package.name, own(package));
        hack = hack.args(["--package", &package.name]);
    }
    if let Some(excluded) = excluded {
        hack = hack.args(["--exclude-features", excluded]);
    }
    hack.args(["--", "-D", "warnings"]).run().map(Outcome::passed)
}
