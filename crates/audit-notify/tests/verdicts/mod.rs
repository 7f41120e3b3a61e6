//! What JSON Schemas say of messages: one Python process for all of a test's.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

pub(crate) struct Verdicts {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Verdicts {
    /// `None`, with a word on what is skipped, where there is no interpreter; in CI nothing is skipped.
    pub(crate) fn start() -> Option<Self> {
        let Some(python) = env::var("AUDIT_TEST_PYTHON").ok().filter(|value| !value.is_empty()) else {
            assert_ne!(
                env::var("CI").as_deref(),
                Ok("true"),
                "AUDIT_TEST_PYTHON is not set, and in CI nothing is skipped"
            );
            println!("skipped: AUDIT_TEST_PYTHON is not set (cargo xtask test sets it)");
            return None;
        };
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jsonschema_verdicts.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let from = BufReader::new(child.stdout.take().unwrap());
        Some(Self { to: child.stdin.take(), from, child })
    }

    /// Empty when the message is good.
    pub(crate) fn problems(&mut self, schema: &str, message: &Value) -> Vec<String> {
        let to = self.to.as_mut().unwrap();
        writeln!(to, "{}", json!([schema, message])).unwrap();
        to.flush().unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the script ended at {message}");
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Verdicts {
    fn drop(&mut self) {
        // The end of its input is the end of the script.
        drop(self.to.take());
        self.child.wait().ok();
    }
}
