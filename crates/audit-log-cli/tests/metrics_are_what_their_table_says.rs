//! The table of metrics, what the sources emit, and what `/metrics` tells say the same.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use regex::Regex;
use serde::Deserialize;

mod service;
use service::{Service, until};

#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Metric {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    labels: BTreeSet<String>,
    meaning: String,
}

fn table() -> Vec<Metric> {
    let output = Command::new(env!("CARGO_BIN_EXE_audit-log")).arg("metrics").output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Crates that the command is not made of.
const OTHERS: [&str; 2] = ["audit-tower", "audit-tracing"];

#[test]
fn what_the_sources_emit_is_in_the_table_and_nothing_else() {
    let any = Regex::new(r"\b(?:counter|gauge|histogram)!\(").unwrap();
    let emission =
        Regex::new(r#"\b(counter|gauge|histogram)!\(\s*"(\w+)"((?:[^()]|\([^()]*\))*)\)"#).unwrap();
    let label = Regex::new(r#""(\w+)"\s*=>"#).unwrap();
    let mut emitted = BTreeSet::new();
    for path in glob::glob(concat!(env!("CARGO_MANIFEST_DIR"), "/../*/src/**/*.rs")).unwrap() {
        let path = path.unwrap();
        let source = fs::read_to_string(&path).unwrap();
        assert_eq!(
            any.find_iter(&source).count(),
            emission.find_iter(&source).count(),
            "{}: the name and the labels of a metric are to stand where it is emitted",
            path.display()
        );
        let folder = path.ancestors().find(|folder| folder.join("Cargo.toml").exists()).unwrap();
        for found in emission.captures_iter(&source) {
            let name = found[2].to_owned();
            let readme = fs::read_to_string(folder.join("README.md")).unwrap();
            assert!(readme.contains(&name), "{}/README.md does not tell of {name}", folder.display());
            let labels = label.captures_iter(&found[3]).map(|label| label[1].to_owned()).collect();
            if !OTHERS.iter().any(|other| folder.ends_with(other)) {
                emitted.insert(Metric { name, kind: found[1].to_owned(), labels, ..Metric::default() });
            }
        }
    }
    let table = table();
    assert!(table.is_sorted_by(|one, next| one.name < next.name), "each once, in the order of their names");
    let table: BTreeSet<Metric> =
        table.into_iter().map(|metric| Metric { meaning: String::new(), ..metric }).collect();
    let wrong: Vec<_> = table.symmetric_difference(&emitted).collect();
    assert!(wrong.is_empty(), "only in the table, or only in the sources: {wrong:?}");
}

#[test]
fn a_service_tells_what_the_table_says() {
    let directory = tempfile::tempdir().unwrap();
    let config = "
destinations: [{type: file, path: log/audit.log}, {type: file, name: copy, path: copy.log}]
integrity: {chain: {enabled: true}}
sources: [{type: http, listen: '127.0.0.1:0'}]
access: {anonymous: [ingest]}
operations: {listen: '127.0.0.1:0'}
alerts: [{name: login, condition: \"event_type == 'auth.login'\"}]
";
    let service = Service::start(directory.path(), config);
    let login = br#"{"event_type":"auth.login"}"#;
    assert_eq!(service.post("application/json", &[], login).status, 200);
    assert_eq!(service.post("application/json", &[], b"{}").status, 422);
    assert_eq!(service.post("application/json", &["Authorization: Bearer none"], login).status, 401);
    service.signal("-HUP");
    // What takes these, or needs another source.
    let others = BTreeSet::from(
        [
            "audit_log_delivery_retries_total",
            "audit_log_events_dropped_total",
            "audit_log_http_connections_refused_total",
            "audit_log_kafka_source_lost_records_total",
            "audit_log_records_dead_lettered_total",
        ]
        .map(str::to_owned),
    );
    let table: BTreeMap<String, Metric> =
        table().into_iter().map(|metric| (metric.name.clone(), metric)).collect();
    let mut told = Vec::new();
    until("all of it is told", || {
        told = read(&service.get("operations", "/metrics").body);
        let names: BTreeSet<&String> = told.iter().map(|metric| &metric.name).collect();
        table.keys().all(|name| names.contains(name) || others.contains(name))
    });
    for metric in &told {
        assert_eq!(Some(metric), table.get(&metric.name));
    }
}

/// What a text in Prometheus' format has: of each metric the labels of all that it has, but those of the format.
fn read(text: &str) -> Vec<Metric> {
    let label = Regex::new(r#"[{,](\w+)=""#).unwrap();
    let (mut found, mut help) = (Vec::new(), ("", ""));
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').unwrap();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            let meaning = if help.0 == name { help.1 } else { "" }.to_owned();
            found.push(Metric { name: name.to_owned(), kind: kind.to_owned(), meaning, ..Metric::default() });
        } else {
            let metric = found.last_mut().unwrap();
            assert!(line.starts_with(&metric.name), "{line}");
            let labels = label.captures_iter(line).map(|label| label[1].to_owned());
            metric.labels.extend(labels.filter(|label| metric.kind != "histogram" || label != "le"));
        }
    }
    found
}
