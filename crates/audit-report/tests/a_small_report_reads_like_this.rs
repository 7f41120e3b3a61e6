//! The text and the table of a small report, to the letter: tests/data has them.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod sample;

use audit_report::Report;
use sample::{broken, everything, made, october, tally};

fn small() -> Report {
    Report::new(tally(october(), &everything()), broken(), made()).files(["audit.log", "audit.log.1.gz"])
}

#[test]
fn as_text() {
    assert_eq!(small().to_text(), include_str!("data/small.txt"));
    assert!(small().to_text().lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn as_a_table() {
    assert_eq!(small().to_csv().replace("\r\n", "\n"), include_str!("data/small.csv"));
}
