//! From a `format` to what is in a destination's file, and which file is the log.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs;
use std::path::Path;

use audit_config::{Config, parse};
use audit_model::{Event, EventType, Timestamp};
use serde_json::Value;

fn config(text: &str) -> Config {
    parse("a", text, &|_| None).unwrap_or_else(|errors| panic!("{errors}")).config
}

/// The chain `orders`, its files in `directory`.
fn chained(directory: &Path, destinations: &str) -> Config {
    let destinations = destinations.replace("$D", &directory.display().to_string());
    config(&format!(
        "chain_id: orders\nintegrity: {{chain: {{enabled: true}}}}\ndestinations: [{destinations}]"
    ))
}

/// Records as many accesses, all alike, and ends; the error of a configuration that cannot be run.
fn run(config: &Config, home: &Path, accesses: usize) -> Result<(), String> {
    let home = home.display().to_string();
    let environment = |name: &str| (name == "HOME").then(|| home.clone());
    let log = config.pipeline(&environment).map_err(|error| error.to_string())?.start().unwrap();
    let time = Timestamp::from_milliseconds(1_700_533_480_724).unwrap();
    for _ in 0..accesses {
        let _ = log.emit_blocking(&Event::at(time, EventType::ACCESS_GRANTED)).unwrap();
    }
    assert_eq!(log.close().unwrap().unwrap().undelivered, []);
    Ok(())
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

fn values(file: &Path) -> Vec<Value> {
    lines(file).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn only_a_native_file_is_the_log() {
    let journal = |destinations: &str| {
        let config = config(&format!("state_dir: /s\ndestinations: [{destinations}]"));
        let journal = config.journal(&|_| None).unwrap();
        let directory = config.delivery_dir(&journal).display().to_string();
        assert_eq!(directory, "/s");
        (journal.path.display().to_string(), journal.destination)
    };
    let ocsf = "{type: file, name: a, path: a.log, format: {type: ocsf}}";
    assert_eq!(journal(ocsf), ("/s/journal.log".to_owned(), None), "even if it is the only one");
    assert_eq!(journal(&format!("{ocsf}, {{type: file, path: b.log}}")), ("b.log".to_owned(), Some(1)));
    let native = "{type: file, path: b.log, format: {type: native}}";
    assert_eq!(journal(&format!("{ocsf}, {native}")), ("b.log".to_owned(), Some(1)));
    assert!(config(&format!("destinations: [{ocsf}]")).journal(&|_| None).is_none());
}

#[test]
fn batches_wait_for_the_longest_window_unless_their_age_is_set() {
    let delivered = |rest: &str| {
        let config = config(&format!("destinations: [{{{rest}}}]"));
        let shown = format!("{:?}", config.delivered(0).unwrap());
        let age = shown.split("age: ").nth(1).unwrap().split(' ').next().unwrap();
        age.to_owned()
    };
    let windows = "format: {type: ocsf, coalesce: [{events: [a.b], window: 10s}, {window: 30s}]}";
    assert_eq!(delivered(&format!("type: stdout, {windows}")), "30s");
    assert_eq!(delivered(&format!("type: stdout, {windows}, batch: {{max_age: 5s}}")), "5s");
    assert_eq!(delivered("type: stdout, format: {type: ocsf}"), "100ms");
    assert_eq!(delivered("type: stdout, format: {type: ocsf, coalesce: [{window: 1ms}]}"), "100ms");
}

#[test]
fn what_is_delivered_is_ocsf_and_merged() {
    let directory = tempfile::tempdir().unwrap();
    let format = "{type: ocsf, version: 1.3.0, product: {name: shop, vendor_name: us}, coalesce: [{events: [access.granted], \
                  window: 1m}]}";
    let config =
        chained(directory.path(), &format!("{{type: file, name: siem, path: $D/a.log, format: {format}}}"));
    run(&config, directory.path(), 3).unwrap();
    let log = lines(&directory.path().join(".local/state/audit-log/journal.log"));
    let records = values(&directory.path().join("a.log"));
    assert_eq!((log.len(), records.len()), (5, 3), "its begin, three accesses and its end");
    for record in &records {
        assert_eq!(record["metadata"]["version"], "1.3.0");
        assert_eq!(record["metadata"]["product"]["name"], "shop");
    }
    let access = &records[1];
    assert_eq!((access["class_uid"].as_u64(), access["count"].as_u64()), (Some(6003), Some(3)));
    assert_eq!(access["raw_data"], log[1], "the first of them");
    assert_eq!(access["unmapped"]["audit_log"]["last_sequence"], 4);
    let read = audit_ocsf::event_from_value(access.clone(), Timestamp::now()).unwrap();
    assert_eq!(read.event_type, EventType::ACCESS_GRANTED);
}

#[test]
fn a_file_keeps_the_format_that_it_began_with() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let file = at.join("a.log");
    let (native, ocsf) =
        ("{type: file, path: $D/a.log}", "{type: file, path: $D/a.log, format: {type: ocsf}}");
    let refused = |found: &str, expected: &str| {
        let file = file.display();
        Err(format!(
            "destinations[0].path: found {found} records in {file}, expected {expected} ones; give it another path"
        ))
    };
    run(&chained(at, native), at, 1).unwrap();
    let before = fs::read(&file).unwrap();
    let beside = "{type: file, name: b, path: $D/b.log}";
    for changed in [ocsf.to_owned(), format!("{ocsf}, {beside}")] {
        assert_eq!(run(&chained(at, &changed), at, 1), refused("native", "OCSF"), "{changed}");
    }
    assert_eq!(fs::read(&file).unwrap(), before, "nothing was appended");
    assert!(!at.join(".local").exists(), "nothing was begun elsewhere");
    run(&chained(at, native), at, 1).unwrap();

    fs::rename(&file, at.join("native.log")).unwrap();
    run(&chained(at, ocsf), at, 1).unwrap();
    run(&chained(at, ocsf), at, 1).unwrap();
    let before = fs::read(&file).unwrap();
    for changed in [native.to_owned(), format!("{native}, {beside}")] {
        assert_eq!(run(&chained(at, &changed), at, 1), refused("OCSF", "native"), "the log");
    }
    let copy = format!("{beside}, {native}");
    let config = chained(at, &copy);
    let refused = run(&config, at, 1).unwrap_err();
    assert!(refused.starts_with("destinations[1].path: found OCSF records in "), "a copy: {refused}");
    assert_eq!(fs::read(&file).unwrap(), before, "nothing was appended");
}

#[test]
fn the_log_in_the_state_directory_is_native() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().display();
    fs::write(directory.path().join("journal.log"), "{\"class_uid\":6003}\n").unwrap();
    let error = config(&format!("enterprise: {{audit: {{state_dir: {at}, destination: {{type: stdout}}}}}}"))
        .pipeline(&|_| None)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        format!(
            "enterprise.audit.state_dir: found OCSF records in {at}/journal.log, expected native ones; give it another path"
        )
    );
}
