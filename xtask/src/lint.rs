//! `cargo xtask lint`

use anyhow::Result;

use crate::readme;
use crate::report::{Outcome, Report};
use crate::shell::cargo;
use crate::workspace::Workspace;
use crate::{api, crates, deps, docs, features, fuzz};

/// Clippy in the other shapes of each crate is `cargo xtask features`, and licences are `cargo xtask deny`: its program takes minutes to
/// compile.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    report.suite("fmt", || cargo("fmt --all --check").run().map(Outcome::passed));
    fuzz::lint(report);
    report.suite("README.md", readme::check);
    report.suite("clippy", || {
        cargo("clippy --workspace --all-targets --all-features -- -D warnings").run().map(Outcome::passed)
    });
    let workspace = Workspace::read()?;
    features::without(report, &workspace);
    crates::lint(report, &workspace);
    deps::run(report, &workspace);
    docs::run(report);
    api::check(report);
    Ok(())
}
