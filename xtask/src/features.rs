//! `cargo xtask features`: every crate builds alone, in the shapes that its users can give it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use cargo_metadata::Package;

use crate::checkers;
use crate::facade::FACADE;
use crate::report::{Outcome, Report};
use crate::shell::program;
use crate::workspace::Workspace;

/// Crates with more features than this are not checked with every combination: these double with each feature.
const POWERSET: usize = 5;

/// Each crate without its features, which is what breaks first: part of `cargo xtask lint`.
///
/// cargo-hack checks each member by its own manifest, so that no other member's features are switched on with it.
pub(crate) fn without(report: &mut Report, workspace: &Workspace) {
    report.suite("clippy, each crate alone", || {
        checkers::or_skipped(|| check(&workspace.published(), &["--no-default-features"]))
    });
}

/// The other shapes.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    let workspace = Workspace::read()?;
    let mut with = workspace.published();
    with.retain(|package| own(package).count() > 0);
    let (few, many): (Vec<&Package>, Vec<_>) =
        with.into_iter().partition(|package| own(package).count() <= POWERSET);
    report.suite("clippy, every combination of features", || {
        // The last of them is all of its features.
        let shapes =
            ["--feature-powerset", "--exclude-no-default-features", "--exclude-features", "default,full"];
        checkers::or_skipped(|| check(&few, &shapes))
    });
    report.suite("clippy, each feature of those with many", || {
        // And all at once; with `--exclude-features`, cargo-hack would leave that out.
        checkers::or_skipped(|| check(&many, &["--each-feature", "--exclude-no-default-features"]))
    });
    // The facade asks for each of its features once, to re-export a crate: two of them do not meet in its code.
    for package in many.iter().filter(|package| package.name != FACADE) {
        report.suite(&format!("clippy, pairs of features of {}", package.name), || {
            let folder = package.manifest_path.parent().context("a manifest is in a folder")?;
            let asked_for = asked_for(folder.join("src").as_std_path())?;
            let meet: Vec<&str> = own(package).filter(|name| asked_for.contains(*name)).collect();
            let shapes = ["--feature-powerset", "--depth", "2", "--include-features", &meet.join(",")];
            checkers::or_skipped(|| check(&[package], &shapes))
        });
    }
    Ok(())
}

/// Its features, without those that only name others of them.
fn own(package: &Package) -> impl Iterator<Item = &str> {
    package.features.keys().map(String::as_str).filter(|name| !["default", "full"].contains(name))
}

/// The features that code in a folder asks for. Any other one only switches on features of dependencies.
fn asked_for(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.append(&mut asked_for(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let named = text.split("feature = \"").skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(named.map(str::to_owned));
        }
    }
    Ok(found)
}

fn check(packages: &[&Package], shapes: &[&str]) -> Result<Outcome> {
    let mut hack = program(checkers::cargo_hack()?).args(["hack", "clippy", "--keep-going"]).args(shapes);
    for package in packages {
        println!("{}: {} features", package.name, own(package).count());
        hack = hack.args(["--package", &package.name]);
    }
    hack.args(["--", "-D", "warnings"]).run().map(Outcome::passed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    #[test]
    fn features_that_code_asks_for_are_found_in_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(folder.path().join("lib.rs"), "#[cfg(any(feature = \"a\", not(feature = \"b-c\")))]")
            .unwrap();
        fs::write(folder.path().join("deep/more.rs"), "if cfg!(feature = \"d\") {}").unwrap();
        fs::write(folder.path().join("notes.txt"), "feature = \"e\"").unwrap();
        assert!(asked_for(folder.path()).unwrap().iter().eq(["a", "b-c", "d"]));
    }
}
