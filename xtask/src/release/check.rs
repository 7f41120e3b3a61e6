//! `cargo xtask release check`

use anyhow::Result;

use super::workspace::Workspace;
use super::{gates, git, mentions};
use crate::report::{Outcome, Report};
use crate::test;

pub(crate) fn run(report: &mut Report, workspace: &Workspace, with_tests: bool) -> Result<()> {
    report.suite("clean tree", || {
        Ok(git::need_clean(workspace)
            .map_or_else(|error| Outcome::Failed(error.to_string()), |()| Outcome::Passed))
    })?;
    report.suite("one version", || {
        let others = mentions::of_other_versions(workspace, &workspace.version()?)?;
        Ok(if others.is_empty() { Outcome::Passed } else { Outcome::Failed(others.join("\n")) })
    })?;
    if with_tests {
        test::run(report)?;
    }
    report.suite("every crate from its own package", || package(workspace))?;
    report.suite("dry run of the upload", || {
        // The packages were just compiled.
        workspace.cargo("publish --workspace --locked --dry-run --no-verify").run().map(Outcome::passed)
    })?;
    gates(report)
}

/// Packages each crate and compiles what is in the package, with the other packages for its dependencies.
fn package(workspace: &Workspace) -> Result<Outcome> {
    let crates = workspace.crates()?;
    let mut package = workspace.cargo("package --locked");
    for each in &crates {
        package = package.args(["--package", &each.name]);
    }
    let passed = package.run()?;
    println!("{} crates", crates.len());
    Ok(Outcome::passed(passed))
}
