//! `ocsf convert` and `run --input-format ocsf`: nothing is lost on the way, and what cannot be taken is told.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::fs;

use serde_json::{Value, json};
use workplace::ocsf::{
    ocsf, records, sample_lines, samples, verify, with_copy, with_signed_log, without_log,
};
use workplace::{Workplace, assert_code, mode, stderr, stdout, text};

#[test]
fn a_log_comes_back_from_its_copy_to_the_last_byte() {
    let place = with_copy();
    let back = ocsf(&place, "convert --to native --original copy.ndjson");
    assert_code(&back, 0);
    assert_eq!(stdout(&back), place.read("log/audit.log"));
    assert_eq!(stderr(&back), "42 records read, 42 written, 0 refused\n");
    let events = ocsf(&place, "convert --to native copy.ndjson");
    assert_code(&events, 0);
    let sealed = records(&place.read("log/audit.log"));
    for (event, record) in records(&stdout(&events)).iter().zip(&sealed) {
        assert_eq!(event, &record["event"]);
    }
    let bare = ocsf(&place, "convert --to ocsf --no-raw-data -o bare.ndjson log/audit.log");
    assert_code(&bare, 0);
    assert!(!place.read("bare.ndjson").contains("raw_data"));
    let none = ocsf(&place, "convert --to native --original bare.ndjson");
    assert_code(&none, 1);
    assert!(
        stderr(&none).starts_with("bare.ndjson:1: carries no line of a log in raw_data\n"),
        "{}",
        text(&none)
    );
    assert_eq!(stdout(&none), "");
}

#[test]
fn redpandas_samples_are_recorded_sealed_and_read_again() {
    let place = without_log();
    let samples = sample_lines();
    fs::write(place.path("six.ndjson"), &samples).unwrap();
    let run = place.audit_log("run --input-format ocsf -i six.ndjson");
    assert_code(&run, 0);
    assert!(stdout(&run).contains("recorded 6 events in log/audit.log, sealed and signed"), "{}", text(&run));
    let (code, told) = verify(&place, "log/audit.log");
    assert!(code == Some(0) && told.contains("8 records (1 to 8), signed"), "{told}");
    let log = records(&place.read("log/audit.log"));
    let types: Vec<&str> = log[1..7].iter().map(|it| it["event"]["event_type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        ["auth.login", "auth.failed", "access.granted", "access.granted", "access.granted", "access.denied"]
    );
    for (record, sample) in log[1..7].iter().zip(records(&samples)) {
        assert_eq!(record["event"]["details"]["ocsf"], sample, "kept whole");
    }
    assert_eq!(log[1]["event"]["timestamp"], "2023-11-21T02:24:29.078Z");
    // The same events without a log between, also from records laid out for people.
    fs::write(place.path("six.json"), workplace::ocsf::samples()).unwrap();
    let events = ocsf(&place, "convert --to native six.json");
    assert_code(&events, 0);
    for (event, record) in records(&stdout(&events)).iter().zip(&log[1..7]) {
        assert_eq!(
            (&event["event_type"], &event["details"]),
            (&record["event"]["event_type"], &record["event"]["details"])
        );
    }
}

#[test]
fn what_is_no_record_goes_to_the_rejects_with_the_reason() {
    let place = with_copy();
    let log_of_another = place.read("copy.ndjson");
    let lines = [
        log_of_another.lines().next().unwrap(),
        r#"{"class_uid":6003,"time":9007199254740993}"#,
        r#"{"event_type":"auth.login"}"#,
        r#"{"class_uid":6003,"class_uid":3002}"#,
        "no JSON",
        log_of_another.lines().nth(1).unwrap(),
    ];
    fs::write(place.path("in.ndjson"), lines.join("\n")).unwrap();
    let run = place.audit_log("run --input-format ocsf -i in.ndjson --rejects rejects --json");
    assert_code(&run, 0);
    let summary: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&summary["recorded"], &summary["rejected"]), (&json!(1), &json!(5)));
    let rejects = records(&place.read("rejects"));
    let told: Vec<(u64, &str)> =
        rejects.iter().map(|it| (it["line"].as_u64().unwrap(), it["error"].as_str().unwrap())).collect();
    assert_eq!(told[0].0, 1);
    assert!(
        told[0].1.contains("`audit.started` tells of the log that this record was copied from"),
        "{told:?}"
    );
    assert!(told[1].0 == 2 && told[1].1.contains("9007199254740993"), "{told:?}");
    assert_eq!(told[2], (3, "class_uid: found nothing; expected the number of an OCSF class, such as 6003"));
    assert!(told[3].0 == 4 && told[3].1.contains("occurs twice"), "{told:?}");
    assert_eq!(told[4].0, 5);
}

#[test]
fn what_cannot_be_converted_is_told_and_the_rest_goes_on() {
    let place = with_signed_log();
    let log = place.read("log/audit.log");
    let mut lines: Vec<&str> = log.lines().collect();
    lines.insert(1, "no \u{1b}[31mJSON");
    lines.insert(2, r#"{"class_uid":6003}"#);
    lines.insert(3, r#"{"event_type":"auth.login","timestamp":"2025-01-01T00:00:00Z"}"#);
    fs::write(place.path("mixed"), lines.join("\n")).unwrap();
    let converted = ocsf(&place, "convert --to ocsf mixed");
    assert_code(&converted, 1);
    let told = stderr(&converted);
    assert!(
        told.starts_with("mixed:2: found no record of an audit log: ") && !told.contains('\u{1b}'),
        "{told}"
    );
    assert!(told.contains("\nmixed:3: ") && told.contains("it is an OCSF record already"), "{told}");
    assert!(told.ends_with("45 records read, 43 written, 2 refused\n"), "{told}");
    assert_eq!(stdout(&converted).lines().count(), 43);
    let back = ocsf(&place, "convert --to native mixed");
    assert_code(&back, 1);
    assert!(stderr(&back).contains("mixed:2: ") && stderr(&back).contains("44 refused"), "{}", text(&back));
}

#[test]
fn coalescing_keeps_every_event_in_the_count_and_the_log_in_its_order() {
    let place = Workplace::new("destinations: [{type: file, path: log/audit.log}]");
    let event = |number: u64| {
        let (second, user) = (number / 10 % 60, number % 3);
        format!(
            "{{\"event_type\":\"access.granted\",\"actor\":{{\"id\":\"u{user}\"}},\"timestamp\":\"2025-01-01T00:{:02}:{second:02}Z\"}}\n",
            number / 600
        )
    };
    fs::write(place.path("in.ndjson"), (0..2000).map(event).collect::<String>()).unwrap();
    let coalesced = ocsf(&place, "convert --to ocsf --coalesce 10s in.ndjson");
    assert_code(&coalesced, 0);
    let told = stderr(&coalesced);
    assert!(told.contains("coalesced: events in 2000, sum of counts out 2000\n"), "{told}");
    let records = records(&stdout(&coalesced));
    let counts: u64 = records.iter().map(|record| record["count"].as_u64().unwrap_or(1)).sum();
    assert_eq!(counts, 2000);
    assert!(records.len() < 100, "{}", records.len());
    let times: Vec<i64> = records.iter().map(|record| record["time"].as_i64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    for record in &records {
        let (first, last) = (record["start_time"].as_i64(), record["end_time"].as_i64());
        assert!(last.zip(first).is_none_or(|(last, first)| last - first <= 10_000), "{record}");
    }
    // What is coalesced may be coalesced again: its counts count.
    fs::write(place.path("again.ndjson"), {
        let once = stdout(&coalesced);
        fs::write(place.path("once.ndjson"), once).unwrap();
        ocsf(&place, "convert --to native once.ndjson").stdout
    })
    .unwrap();
    let again = ocsf(&place, "convert --to ocsf --coalesce 1h again.ndjson");
    assert!(stderr(&again).contains("events in 2000, sum of counts out 2000"), "{}", text(&again));
    let of_others = ocsf(&place, "convert --to ocsf --coalesce 10s --coalesce-events auth.* in.ndjson");
    assert!(stderr(&of_others).starts_with("2000 records read, 2000 written"), "{}", text(&of_others));
}

#[test]
fn the_output_has_its_name_when_it_is_whole_and_never_an_inputs() {
    let place = with_signed_log();
    let before = place.read("log/audit.log");
    let itself = ocsf(&place, "convert --to ocsf -o ./log/../log/audit.log log/audit.log");
    assert_code(&itself, 2);
    assert!(stderr(&itself).contains("is one of the files to read; choose another"), "{}", text(&itself));
    assert_eq!(place.read("log/audit.log"), before);
    assert_code(&ocsf(&place, "convert --to ocsf -o out.ndjson nowhere"), 2);
    assert!(!place.path("out.ndjson").exists());
    assert_code(&ocsf(&place, "convert --to ocsf -o out.ndjson log/audit.log nowhere"), 1);
    assert_eq!(place.read("out.ndjson").lines().count(), 42);
    assert_eq!(mode(&place.path("out.ndjson")), 0o600, "as private as the log");
    for wrong in [
        "convert log/audit.log",
        "convert --to ocsf --original log/audit.log",
        "convert --to native --coalesce 1s copy.ndjson",
        "convert --to ocsf --coalesce soon log/audit.log",
        "convert --to ocsf --product Kafka log/audit.log",
        "convert --to ocsf --ocsf-version 1.2.0 log/audit.log",
        "convert --to ocsf -c audit.yaml log/audit.log",
    ] {
        let output = ocsf(&place, wrong);
        assert_code(&output, 2);
        assert_eq!(stdout(&output), "", "{wrong}");
    }
}

#[test]
fn product_and_version_are_those_that_were_asked_for() {
    let place = with_signed_log();
    let converted =
        ocsf(&place, "convert --to ocsf --ocsf-version 1.8.0 --product Backup --vendor OSO log/audit.log");
    assert_code(&converted, 0);
    fs::write(place.path("copy.ndjson"), &converted.stdout).unwrap();
    let metadata = &records(&stdout(&converted))[5]["metadata"];
    assert_eq!(
        (&metadata["version"], &metadata["product"]),
        (&json!("1.8.0"), &json!({"name": "Backup", "vendor_name": "OSO"}))
    );
    assert_code(&ocsf(&place, "validate copy.ndjson"), 0);
    assert_eq!(verify(&place, "copy.ndjson").0, Some(0));
    assert!(samples().starts_with("{\n"));
}
