//! What ran, what was skipped and why, and how long it took.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How a suite ended, if nothing kept it from ending.
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    /// What is missing here.
    Skipped(String),
}

impl Outcome {
    /// From a command's success.
    pub(crate) fn passed(success: bool) -> Self {
        if success { Self::Passed } else { Self::Failed("see above".to_owned()) }
    }

    /// From what was found wrong, one a line.
    pub(crate) fn of(wrong: &[String]) -> Self {
        if wrong.is_empty() { Self::Passed } else { Self::Failed(wrong.join("\n")) }
    }
}

#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    is_release: bool,
}

struct Row {
    suite: String,
    outcome: Outcome,
    took: Duration,
}

impl Report {
    /// Runs a suite under a heading and goes on after a failure: one run shows all there is to fix.
    pub(crate) fn suite(&mut self, suite: &str, run: impl FnOnce() -> Result<Outcome>) {
        println!("\n=== {suite}");
        let start = Instant::now();
        // One that could not be run to its end is no reason not to run the others.
        let ended = run().unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        let outcome = match (ended, self.needs_all()) {
            (Outcome::Skipped(why), Some(place)) => Outcome::Failed(format!("skipped, in {place}: {why}")),
            (outcome, _) => outcome,
        };
        if let Outcome::Failed(why) | Outcome::Skipped(why) = &outcome {
            println!("{why}");
        }
        self.rows.push(Row { suite: suite.to_owned(), outcome, took: start.elapsed() });
    }

    /// What is skipped has not been looked at: from here on it fails, as it does in CI.
    pub(crate) fn be_for_a_release(&mut self) {
        self.is_release = true;
    }

    fn needs_all(&self) -> Option<&'static str> {
        if self.is_release { Some("a release") } else { in_ci().then_some("CI") }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.rows.iter().any(|row| matches!(row.outcome, Outcome::Failed(_)))
    }

    /// Prints the table and, below it, what takes more than a line to tell; fails if a suite did.
    pub(crate) fn finish(self) -> ExitCode {
        let width = self.rows.iter().map(|row| row.suite.len()).max().unwrap_or(0);
        println!("\n{:width$}  seconds  result", "suite");
        for Row { suite, outcome, took } in &self.rows {
            let result = match outcome {
                Outcome::Passed => "ran, passed".to_owned(),
                Outcome::Failed(why) => format!("FAILED: {}", first_line(why)),
                Outcome::Skipped(why) => format!("skipped: {}", first_line(why)),
            };
            println!("{suite:width$}  {:7.1}  {result}", took.as_secs_f64());
        }
        let failed = self.rows.iter().filter(|row| matches!(row.outcome, Outcome::Failed(_))).count();
        if failed == 0 {
            return ExitCode::SUCCESS;
        }
        for Row { suite, outcome, .. } in &self.rows {
            if let Outcome::Failed(why) = outcome
                && why.lines().count() > 1
            {
                println!("\n--- {suite}\n{why}");
            }
        }
        println!("\n{failed} of {} failed", self.rows.len());
        ExitCode::FAILURE
    }
}

fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_not_made_with_something_skipped() {
        let mut report = Report::default();
        report.be_for_a_release();
        report.suite("servers", || Ok(Outcome::Skipped("no java".to_owned())));
        assert!(report.has_failed());
        assert_eq!(report.finish(), ExitCode::FAILURE);
    }
}
