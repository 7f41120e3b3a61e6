//! OCSF records for tests: a sealed log and its copy, and the samples of Redpanda.
#![allow(dead_code, reason = "no test needs all of it")]

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::{Workplace, assert_code, stdout};

/// Signed, with the published key of the quickstart.
pub(crate) const SIGNED: &str = "
enterprise:
  audit:
    destination: {type: file, path: log/audit.log}
    integrity:
      chain: {enabled: true}
      signing: {enabled: true, algorithm: HMAC-SHA256, key_file: quickstart.key}
";

/// A place with a signed log of the 40 events of the quickstart, between those that open and close it.
pub(crate) fn with_signed_log() -> Workplace {
    let place = without_log();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
    fs::copy(examples.join("events.ndjson"), place.path("events.ndjson")).unwrap();
    assert_code(&place.audit_log("run -i events.ndjson"), 0);
    place
}

pub(crate) fn without_log() -> Workplace {
    let place = Workplace::new("");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
    fs::copy(examples.join("quickstart.key"), place.path("quickstart.key")).unwrap();
    fs::write(place.path("audit.yaml"), SIGNED).unwrap();
    place
}

/// The same with `copy.ndjson`, the log as OCSF.
pub(crate) fn with_copy() -> Workplace {
    let place = with_signed_log();
    let converted = ocsf(&place, "convert --to ocsf --ocsf-version 1.3.0 -o copy.ndjson log/audit.log");
    assert_code(&converted, 0);
    place
}

pub(crate) fn ocsf(place: &Workplace, arguments: &str) -> Output {
    place.command(&format!("ocsf {arguments}")).output().unwrap()
}

pub(crate) fn records(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Writes `name` as the copy with its records changed, and verifies it.
pub(crate) fn verify_changed(
    place: &Workplace,
    name: &str,
    change: impl FnOnce(&mut Vec<Value>),
) -> (Option<i32>, String) {
    let mut changed = records(&place.read("copy.ndjson"));
    change(&mut changed);
    let lines: String = changed.iter().map(|record| format!("{record}\n")).collect();
    fs::write(place.path(name), lines).unwrap();
    verify(place, name)
}

pub(crate) fn verify(place: &Workplace, name: &str) -> (Option<i32>, String) {
    let output = place.audit_log(&format!("verify {name}"));
    assert!(!super::text(&output).contains("panicked"), "{}", super::text(&output));
    (output.status.code(), stdout(&output))
}

/// The six samples of Redpanda's documentation, without their comments, each laid out over several lines.
pub(crate) fn samples() -> String {
    let printed = include_str!("../../../audit-ocsf/tests/data/redpanda.txt");
    let mut is_within = false;
    let mut samples = String::new();
    for line in printed.lines() {
        is_within |= line == "{";
        if is_within && !line.trim_start().starts_with("//") {
            samples += line;
            samples.push('\n');
        }
        is_within &= line != "}";
    }
    samples
}

/// The same, one a line.
pub(crate) fn sample_lines() -> String {
    let values = serde_json::Deserializer::from_str(&samples())
        .into_iter::<Value>()
        .map(Result::unwrap)
        .collect::<Vec<_>>();
    assert_eq!(values.len(), 6);
    values.iter().map(|value| format!("{value}\n")).collect()
}
