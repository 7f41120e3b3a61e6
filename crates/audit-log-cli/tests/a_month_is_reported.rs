//! `audit-log report` over logs that `run` wrote, in every form; what is broken comes first.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use workplace::ocsf::{records, with_copy, with_signed_log};
use workplace::{Workplace, assert_code, stderr, stdout, text};

/// The report as JSON.
fn report(place: &Workplace, arguments: &str) -> Value {
    let output = place.audit_log(&format!("report --format json {arguments}"));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
}

/// What the specification's script asks for: how many events of each type.
fn types(report: &Value) -> BTreeMap<String, u64> {
    let types = report["operations"]["types"].as_array().unwrap();
    types
        .iter()
        .map(|it| (it["event_type"].as_str().unwrap().to_owned(), it["total"].as_u64().unwrap()))
        .collect()
}

#[test]
fn it_counts_what_is_there() {
    let place = with_signed_log();
    let (mut expected, mut of_today) = (BTreeMap::new(), BTreeMap::new());
    let mut denied = Vec::new();
    for event in records(&place.read("events.ndjson")) {
        // Those that came without a time got that of their arrival.
        let counts = if event["timestamp"].is_null() { &mut of_today } else { &mut expected };
        *counts.entry(event["event_type"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        if event["event_type"] == "access.denied" {
            denied.push((event["actor"]["id"].clone(), event["details"]["resource"].clone()));
        }
    }
    let report = self::report(&place, "--month 2024-12 log/audit.log");
    assert_eq!(types(&report), expected);
    assert_eq!(report["summary"]["events"], 38);
    assert_eq!(report["integrity"]["verdict"], "sound");
    assert_eq!(report["integrity"]["chains"][0]["records"], 42);
    let told: Vec<_> = report["denied"]["rows"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), denied.len());
    for (row, (actor, resource)) in told.iter().zip(denied) {
        assert_eq!((&row["actor"], &row["resource"]), (&actor, &resource));
    }
    // So did the log's own records.
    of_today.extend([("audit.started".to_owned(), 1), ("audit.stopped".to_owned(), 1)]);
    let today = self::report(&place, "--last 1d log/audit.log");
    assert_eq!(types(&today), of_today);
}

#[test]
fn every_form_begins_with_the_verdict() {
    let place = with_signed_log();
    let text_form = place.audit_log("report --month 2024-12 log/audit.log");
    assert_code(&text_form, 0);
    assert!(stdout(&text_form).starts_with("SOUND: The log is sound\n"), "{}", stdout(&text_form));
    assert!(stdout(&text_form).contains("Audit report: December 2024\n"));
    for (file, beginning) in [
        ("report.html", "<!DOCTYPE html>"),
        ("report.json", "{\n  \"format\": \"audit-log/report-data/v1\""),
        ("report.csv", "section,time,"),
        ("report.txt", "SOUND: "),
        ("report", "SOUND: "),
    ] {
        let written = place.audit_log(&format!("report --month 2024-12 -o {file} log/audit.log"));
        assert_code(&written, 0);
        assert!(stdout(&written).starts_with("SOUND: "), "{}", text(&written));
        assert!(place.read(file).starts_with(beginning), "{file}");
        let mode = fs::metadata(place.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let chosen = place.audit_log("report --month 2024-12 --format csv -o report.txt log/audit.log");
    assert_code(&chosen, 0);
    assert!(place.read("report.txt").starts_with("section,"), "--format counts before the ending");
}

#[test]
fn a_broken_log_is_reported_as_that() {
    let place = with_signed_log();
    let log = place.read("log/audit.log");
    let without: String =
        log.split_inclusive('\n').enumerate().filter(|(n, _)| *n != 9).map(|(_, it)| it).collect();
    fs::write(place.path("cut.log"), without).unwrap();
    let output = place.audit_log("report --month 2024-12 cut.log");
    assert_code(&output, 1);
    assert!(stdout(&output).starts_with("BROKEN: The log is broken\n"), "{}", stdout(&output));
    assert!(stdout(&output).contains("records missing: record 10 missing"), "{}", stdout(&output));
    let html = place.audit_log("report --month 2024-12 -o cut.html cut.log");
    assert_code(&html, 1);
    assert!(place.read("cut.html").contains("<h2>The log is broken</h2>"));
    // The verdict is on all of the log, whatever the period.
    assert_code(&place.audit_log("report --month 2020-01 cut.log"), 1);
}

#[test]
fn what_nobody_can_tell_is_said_so() {
    let place = with_signed_log();
    for (arguments, why) in [
        ("report --month 2024-12 events.ndjson -c audit.yaml", "40 events without a seal"),
        ("report --month 2024-12 log/audit.log", "a key that was not given"),
    ] {
        let output = place.command(arguments).output().unwrap();
        assert_code(&output, 2);
        let told = stdout(&output);
        assert!(
            told.starts_with("CANNOT TELL: ") && told.lines().nth(1).unwrap().to_lowercase().contains(why),
            "{told}"
        );
        assert!(told.contains("Events                 38"), "{told}");
    }
}

#[test]
fn one_log_in_many_shapes_gives_the_same_figures() {
    let place = with_copy();
    let expected = report(&place, "--month 2024-12 log/audit.log");
    let of_copy = report(&place, "--month 2024-12 copy.ndjson");
    assert_eq!(types(&of_copy), types(&expected));
    for section in ["denied", "configuration_changes", "failures", "actors", "timeline"] {
        assert_eq!(of_copy[section], expected[section], "{section}");
    }
    let log = place.read("log/audit.log");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(log.as_bytes()).unwrap();
    fs::write(place.path("audit.gz"), packed.finish().unwrap()).unwrap();
    let of_packed = report(&place, "--month 2024-12 audit.gz");
    assert_eq!(of_packed["operations"], expected["operations"]);
    let of_directory = report(&place, "--month 2024-12 log");
    assert_eq!(of_directory["operations"], expected["operations"]);
    let input = fs::File::open(place.path("log/audit.log")).unwrap();
    let piped =
        place.command("report -c audit.yaml --month 2024-12 --format json -").stdin(input).output().unwrap();
    assert_code(&piped, 0);
    let piped: Value = serde_json::from_slice(&piped.stdout).unwrap();
    assert_eq!(piped["operations"], expected["operations"]);
    assert_eq!(piped["files"], json!(["standard input"]));
}

#[test]
fn lines_that_are_no_events_are_told() {
    let place = Workplace::new("");
    let event = r#"{"event_type":"auth.login","timestamp":"2026-10-05T08:00:00Z"}"#;
    fs::write(place.path("some.ndjson"), format!("{event}\nhello\n{event}\n{{\"event_type\":\"x.y\"}}\n"))
        .unwrap();
    let output = place.command("report --month 2026-10 some.ndjson").output().unwrap();
    let told = stdout(&output);
    assert!(told.contains("Events                 2"), "{told}");
    assert!(told.contains("2 lines are no events, and in no count: the first some.ndjson:2:"), "{told}");
}

#[test]
fn a_run_that_began_before_the_period_and_crashed_in_it_is_told() {
    let place = Workplace::new("");
    let own = |time: &str, event_type: &str, id: &str| {
        json!({"timestamp": time, "event_type": event_type, "event_id": id, "resource": {"type": "audit_log", "id": "a.log"}})
            .to_string() + "\n"
    };
    let lines = [
        own("2026-08-01T00:00:00Z", "audit.started", "1"),
        own("2026-10-05T00:00:00Z", "audit.started", "2"),
        own("2026-10-06T00:00:00Z", "audit.stopped", "3"),
        own("2026-10-06T00:01:00Z", "audit.started", "4"),
    ];
    fs::write(place.path("a.log"), lines.concat()).unwrap();
    let report: Value = {
        let output = place.command("report --month 2026-10 --format json a.log").output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(report["gaps"]["total"], 1, "{}", report["gaps"]);
    assert_eq!(report["gaps"]["rows"][0]["kind"], "crash");
    assert_eq!(report["summary"]["events"], 3);
}

#[test]
fn periods_are_read_and_refused() {
    let place = with_signed_log();
    let period = |arguments: &str| report(&place, &format!("{arguments} log/audit.log"))["period"].clone();
    let days = |from: &str, to: &str| json!({"from": format!("{from}T00:00:00.000Z"), "to": format!("{to}T00:00:00.000Z")});
    assert_eq!(period("--month 2024-02"), days("2024-02-01", "2024-03-01"));
    assert_eq!(period("--month 2026-12"), days("2026-12-01", "2027-01-01"));
    assert_eq!(period("--from 2024-02-28 --to 2024-03-01"), days("2024-02-28", "2024-03-01"));
    // The last complete month ends where this one begins.
    let last = period("");
    let to = last["to"].as_str().unwrap();
    assert!(
        to.ends_with("-01T00:00:00.000Z") && last["from"].as_str().unwrap().ends_with("-01T00:00:00.000Z"),
        "{last}"
    );
    let now = audit_model::Timestamp::now().to_string();
    assert_eq!(to[..7], now[..7]);
    for (arguments, why) in [
        ("--month 2024-13", "such as 2026-10"),
        ("--month October", "such as 2026-10"),
        ("--from 2024-03-01 --to 2024-02-01", "holds nothing"),
        ("--to 2024-02-01", "--from"),
        ("--month 2024-01 --last 3d", "cannot be used with"),
        ("--last 2024-01-01", "how long"),
        ("--sign quickstart.key", "--output"),
        ("--format pdf", "possible values"),
        ("-o /no/such/directory/report.html", "cannot write /no/such/directory/report.html"),
    ] {
        let output = place.audit_log(&format!("report {arguments} log/audit.log"));
        assert_code(&output, 2);
        assert!(stderr(&output).contains(why), "{arguments}: {}", stderr(&output));
    }
    let missing = place.audit_log("report no-such.log");
    assert_code(&missing, 2);
    assert!(stderr(&missing).contains("no-such.log"), "{}", stderr(&missing));
}

#[test]
fn the_policy_comes_from_the_configuration() {
    let place = with_signed_log();
    let retention = "    retention: {min_days: 365, max_days: 2555, lifecycle: [{days: 90, storage_class: STANDARD_IA}]}\n";
    fs::write(place.path("kept.yaml"), place.read("audit.yaml") + retention).unwrap();
    let told = stdout(&place.command("report --month 2024-12 -c kept.yaml log/audit.log").output().unwrap());
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("at least 365 days and at most 2,555 days; STANDARD_IA after 90 days"), "{told}");
}
