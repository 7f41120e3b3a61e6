//! Destinations with `format: {type: ocsf}`: they get OCSF that proves itself, and the log stays as it is.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

#[cfg(feature = "webhook")]
mod endpoint;
mod workplace;

use std::fs;

use workplace::ocsf::{ocsf, records};
use workplace::{Workplace, assert_code, events, numbers, stderr, stdout, text};

const TYPES: [&str; 4] = ["auth.login", "backup.started", "billing.exported", "auth.logout"];

fn place(destinations: &str) -> Workplace {
    Workplace::new(&format!(
        "state_dir: state\nchain_id: orders\ndrain_timeout: 5s\ndestinations:\n{destinations}"
    ))
}

/// Where the log itself is when no destination is it.
fn journal(place: &Workplace) -> String {
    let everything = place.everything();
    let logs = everything.iter().filter(|(_, bytes)| bytes.starts_with(b"{\"event\":"));
    let logs: Vec<_> = logs.filter(|(path, _)| path.starts_with(place.path("state"))).collect();
    assert_eq!(logs.len(), 1, "{:?}", everything.keys());
    logs[0].0.display().to_string()
}

#[track_caller]
fn assert_is_copy_of_log(place: &Workplace, copy: &str) {
    let log = journal(place);
    assert_eq!(numbers(&place.read(&log)), [1, 2, 3, 4, 5, 6], "as the log has them");
    assert_code(&place.verify(&log), 0);
    let original = ocsf(place, &format!("convert --to native --original {copy}"));
    assert_code(&original, 0);
    assert_eq!(stdout(&original), place.read(&log), "byte for byte");
    let verified = place.verify(copy);
    assert_code(&verified, 0);
    assert!(stdout(&verified).starts_with("intact: chain orders, 6 records (1 to 6)"), "{}", text(&verified));
    assert_code(&ocsf(place, &format!("validate {copy}")), 0);
    for record in records(&place.read(copy)) {
        assert_eq!(record["metadata"]["version"], "1.3.0");
    }
}

#[test]
fn a_file_is_a_copy_and_not_the_log() {
    let place = place("  - {type: file, path: copy/audit.ndjson, format: {type: ocsf, version: 1.3.0}}\n");
    let run = place.run(&events(&TYPES));
    assert_code(&run, 0);
    assert_is_copy_of_log(&place, "copy/audit.ndjson");
}

#[test]
fn standard_output_is_ocsf_beside_a_log_that_is_not() {
    let place = place("  - {type: stdout, format: {type: ocsf, version: 1.3.0}}\n");
    let run = place.run(&events(&TYPES));
    assert_code(&run, 0);
    assert!(stderr(&run).contains("recorded 4 events"), "{}", text(&run));
    fs::write(place.path("out.ndjson"), &run.stdout).unwrap();
    assert_is_copy_of_log(&place, "out.ndjson");
}

#[test]
fn what_is_merged_adds_up() {
    let format = "format: {type: ocsf, coalesce: [{events: [access.*], window: 60s}]}";
    let place = place(&format!("  - {{type: file, path: copy/audit.ndjson, {format}}}\n"));
    let access = "{\"event_type\":\"access.granted\",\"actor\":{\"id\":\"a\"},\"timestamp\":\"2025-01-01T00:00:00Z\"}\n";
    assert_code(&place.run(&access.repeat(500)), 0);
    let copy = records(&place.read("copy/audit.ndjson"));
    let accesses = copy.iter().filter(|record| record["metadata"]["event_code"] == "access.granted");
    let counts: Vec<u64> = accesses.map(|record| record["count"].as_u64().unwrap_or(1)).collect();
    assert_eq!(counts.iter().sum::<u64>(), 500, "{counts:?}");
    assert!(counts.len() < 250, "{counts:?}");
    assert_eq!(numbers(&place.read(&journal(&place))).len(), 502);
}

#[cfg(feature = "webhook")]
#[test]
fn an_endpoint_gets_ocsf_and_its_dead_letters_too_when_they_are_sent_again() {
    use endpoint::Endpoint;
    use serde_json::json;

    let endpoint = Endpoint::up();
    endpoint.answers(|body| if body.contains("billing.exported") { 400 } else { 200 });
    let format = "format: {type: ocsf, version: 1.3.0}";
    let place = place(&format!("  - {{type: webhook, name: siem, url: '{}', {format}}}\n", endpoint.url()));
    let run = place.run(&events(&TYPES));
    assert_code(&run, 0);
    let sequences = |text: &str| {
        let mut numbers: Vec<u64> =
            records(text).iter().map(|record| record["metadata"]["sequence"].as_u64().unwrap()).collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(sequences(&endpoint.taken()), [1, 2, 3, 5, 6], "{}", text(&run));
    endpoint.answers(|_| 200);
    let retry = place.audit_log("dead-letter retry");
    assert_code(&retry, 0);
    assert_eq!(stdout(&retry), "1 record taken, 0 refused again\n");
    assert_eq!(sequences(&endpoint.taken()), [1, 2, 3, 4, 5, 6]);
    let last = records(&endpoint.taken()).pop().unwrap();
    assert_eq!((&last["metadata"]["sequence"], &last["class_uid"]), (&json!(4), &json!(6003)));
    let mut copy = records(&endpoint.taken());
    copy.sort_by_key(|record| record["metadata"]["sequence"].as_u64());
    fs::write(place.path("taken.ndjson"), copy.iter().map(|it| format!("{it}\n")).collect::<String>())
        .unwrap();
    assert_is_copy_of_log(&place, "taken.ndjson");
}
