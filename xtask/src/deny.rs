//! `cargo xtask deny`: licences, bans and sources of all dependencies, as `deny.toml` says, and their advisories.

use anyhow::{Result, bail};

use crate::checkers;
use crate::report::{Outcome, Report};
use crate::shell::{Shell, program};

/// `cargo xtask deny [--advisories]`
pub(crate) fn run(report: &mut Report, arguments: &[String]) -> Result<()> {
    match arguments {
        [] => licences(report),
        [option] if option == "--advisories" => {
            licences(report);
            advisories(report);
        }
        _ => bail!("`cargo xtask deny` takes nothing, or `--advisories`"),
    }
    Ok(())
}

pub(crate) fn licences(report: &mut Report) {
    report.suite("licences, bans and sources", || {
        checkers::or_skipped(|| check(&["bans", "licenses", "sources"])?.run().map(Outcome::passed))
    });
}

/// Apart from the others: the database is fetched from the network, and a new advisory fails what passed yesterday.
pub(crate) fn advisories(report: &mut Report) {
    report.suite("advisories", || {
        checkers::or_skipped(|| {
            let (passed, _, said) = check(&["advisories"])?.run_and_keep()?;
            Ok(if passed || !could_not_fetch(&said) {
                Outcome::passed(passed)
            } else {
                Outcome::Skipped(
                    "the database of advisories could not be fetched: run this where its repository can be reached, \
                     or a release's task with `--without-advisories`"
                        .to_owned(),
                )
            })
        })
    });
}

fn check(what: &[&str]) -> Result<Shell> {
    let deny = program(checkers::cargo_deny()?).args(["--all-features", "--workspace", "check"]);
    Ok(deny.args(what))
}

fn could_not_fetch(said: &str) -> bool {
    said.contains("failed to fetch advisory database")
}
