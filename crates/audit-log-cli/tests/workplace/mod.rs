//! A directory with a configuration, and the program run in it.
#![allow(dead_code, reason = "no test needs all of it")]

pub(crate) mod ocsf;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) struct Workplace {
    directory: tempfile::TempDir,
}

impl Workplace {
    /// With `config` as `audit.yaml`. Every log is chained, so that records have numbers and can be verified.
    pub(crate) fn new(config: &str) -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        place.configure(config);
        place
    }

    pub(crate) fn configure(&self, config: &str) {
        let config = format!("{config}\nintegrity: {{chain: {{enabled: true}}}}\n");
        fs::write(self.path("audit.yaml"), config).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Nothing, when there is no such file.
    pub(crate) fn read_if_there(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_audit-log"));
        command.env_remove("AUDIT_SIGNING_KEY").current_dir(self.directory.path());
        command.args(arguments.split_whitespace());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `run`, `status` and whatever else takes `-c`.
    pub(crate) fn audit_log(&self, arguments: &str) -> Output {
        self.command(&format!("{arguments} -c audit.yaml")).output().unwrap()
    }

    pub(crate) fn json(&self, arguments: &str) -> Value {
        let output = self.audit_log(&format!("{arguments} --json"));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
    }

    pub(crate) fn run(&self, events: &str) -> Output {
        let mut child = self.begin_run();
        let written = child.stdin.take().unwrap().write_all(events.as_bytes());
        let output = child.wait_with_output().unwrap();
        assert!(written.is_ok(), "it read no more: {}", text(&output));
        output
    }

    pub(crate) fn begin_run(&self) -> Child {
        self.command("run -c audit.yaml").stdin(Stdio::piped()).spawn().unwrap()
    }

    pub(crate) fn verify(&self, path: &str) -> Output {
        self.command(&format!("verify {path}")).output().unwrap()
    }

    /// What `status` says of a destination.
    pub(crate) fn status_of(&self, destination: &str) -> Value {
        let status = self.json("status");
        let destinations = status["destinations"].as_array().unwrap();
        let of = destinations.iter().find(|it| it["destination"] == destination);
        of.unwrap_or_else(|| panic!("no {destination} in {status}")).clone()
    }

    /// All that is there, but for the configuration: path and content.
    pub(crate) fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut directories = vec![self.directory.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path.clone());
                    found.insert(path, Vec::new());
                } else {
                    let content = fs::read(&path).unwrap();
                    found.insert(path, content);
                }
            }
        }
        found
    }
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
pub(crate) fn assert_code(output: &Output, expected: i32) {
    assert_eq!(output.status.code(), Some(expected), "{:?}: {}", output.status, text(output));
    assert!(!text(output).contains("panicked"), "{}", text(output));
}

/// One event of each type, numbered from 0 in `details.n`.
pub(crate) fn events(types: &[&str]) -> String {
    let numbered = (0..).zip(types);
    numbered.map(|(number, event_type): (u64, _)| event(event_type, number)).collect()
}

pub(crate) fn event(event_type: &str, number: u64) -> String {
    format!("{{\"event_type\":\"{event_type}\",\"actor\":{{\"id\":\"a\"}},\"details\":{{\"n\":{number}}}}}\n")
}

/// The numbers of records, in their order.
pub(crate) fn numbers(lines: &str) -> Vec<u64> {
    let number = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        value["integrity"]["sequence_number"].as_u64().unwrap_or_else(|| panic!("no record: {line}"))
    };
    lines.lines().map(number).collect()
}

pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    metadata.permissions().mode() & 0o777
}
