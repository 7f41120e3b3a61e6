//! `cargo xtask deny`: licences, bans and sources of all dependencies, as `deny.toml` says.

use anyhow::Result;

use crate::checkers;
use crate::report::{Outcome, Report};
use crate::shell::program;

pub(crate) fn run(report: &mut Report, arguments: &[String]) -> Result<()> {
    let mut checks = vec!["bans", "licenses", "sources"];
    // Their database is fetched from the network, and a new advisory fails what passed yesterday.
    if arguments.iter().any(|argument| argument == "--advisories") {
        checks.push("advisories");
    }
    report.suite("licences, bans and sources", || {
        checkers::or_skipped(|| {
            let deny = program(checkers::cargo_deny()?).args(["--all-features", "--workspace", "check"]);
            deny.args(checks).run().map(Outcome::passed)
        })
    })
}
