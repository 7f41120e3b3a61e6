//! `cargo xtask docs`: what rustdoc and mdBook make, and the links of all pages.

use crate::book;
use crate::report::{Outcome, Report};
use crate::shell::cargo;

/// What needs no program of ours: part of `cargo xtask lint`.
pub(crate) fn run(report: &mut Report) {
    report.suite("docs", || {
        cargo("doc --workspace --no-deps --all-features --exclude audit-benches")
            .env("RUSTDOCFLAGS", "-D warnings")
            .run()
            .map(Outcome::passed)
    });
    book::check_site(report);
}
