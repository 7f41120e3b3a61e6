//! `cargo xtask release check`

use anyhow::Result;

use super::checkout::Checkout;
use super::{changelog, gates, git, mentions};
use crate::report::{Outcome, Report};
use crate::{crates, lint, test};

pub(crate) fn run(
    report: &mut Report,
    checkout: &Checkout,
    with_tests: bool,
    with_advisories: bool,
) -> Result<()> {
    report.suite("clean tree", || git::need_clean(checkout).map(|()| Outcome::Passed));
    report.suite("one version", || {
        let others = mentions::of_other_versions(checkout, &checkout.version()?)?;
        Ok(Outcome::of(&others))
    });
    report.suite("changelog", || changelog::need(checkout, &checkout.version()?).map(|()| Outcome::Passed));
    if with_tests {
        test::run(report)?;
    }
    lint::run(report)?;
    crates::packages(report);
    report.suite("every crate from its own package, and a dry run of the upload", || {
        // Compiles each with the packages of the others, as if they were in the registry already.
        checkout.cargo("publish --workspace --all-features --locked --dry-run").run().map(Outcome::passed)
    });
    gates(report, with_advisories)
}
