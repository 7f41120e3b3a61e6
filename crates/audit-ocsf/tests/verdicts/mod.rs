//! What the independent package says of a record: one Python process for all of a test's records.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

pub(crate) struct Verdicts {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Problem {
    pub(crate) path: String,
    pub(crate) message: String,
}

#[derive(Deserialize)]
struct Verdict {
    errors: Vec<Problem>,
}

/// The interpreter, or a word on what is skipped; in CI nothing is.
pub(crate) fn python() -> Option<String> {
    let python = env::var("AUDIT_TEST_PYTHON").ok().filter(|value| !value.is_empty());
    if python.is_none() {
        assert_ne!(
            env::var("CI").as_deref(),
            Ok("true"),
            "AUDIT_TEST_PYTHON is not set, and in CI nothing is skipped"
        );
        println!("skipped: AUDIT_TEST_PYTHON is not set (cargo xtask test sets it)");
    }
    python
}

impl Verdicts {
    pub(crate) fn start() -> Option<Self> {
        let mut child = Command::new(python()?)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jsonschema_verdicts.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let from = BufReader::new(child.stdout.take().unwrap());
        Some(Self { to: child.stdin.take(), from, child })
    }

    /// Empty when the record is good.
    pub(crate) fn problems(&mut self, record: &Value) -> Vec<Problem> {
        let to = self.to.as_mut().unwrap();
        writeln!(to, "{record}").unwrap();
        to.flush().unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the script ended at {record}");
        serde_json::from_str::<Verdict>(&line).unwrap().errors
    }
}

impl Drop for Verdicts {
    fn drop(&mut self) {
        // The end of its input is the end of the script.
        drop(self.to.take());
        self.child.wait().ok();
    }
}
