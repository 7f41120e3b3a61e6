//! `ocsf validate` and `ocsf explain`, on what people really have.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};
use workplace::ocsf::{ocsf, records, sample_lines, samples, with_copy};
use workplace::{Workplace, assert_code, stderr, stdout, text};

/// A place with the six samples as `six.ndjson`.
fn with_samples() -> Workplace {
    let place = Workplace::new("");
    fs::write(place.path("six.ndjson"), sample_lines()).unwrap();
    place
}

#[test]
fn a_log_as_ocsf_is_without_a_finding() {
    let place = with_copy();
    let output = ocsf(&place, "validate copy.ndjson");
    assert_code(&output, 0);
    assert_eq!(text(&output), "42 records: 42 valid, 0 with errors\n");
    let recommended = ocsf(&place, "validate --recommended copy.ndjson");
    assert_code(&recommended, 0);
    assert!(
        stdout(&recommended).contains("warning attribute_recommended_missing at "),
        "{}",
        text(&recommended)
    );
    let other = ocsf(&place, "validate --ocsf-version 1.0.0 copy.ndjson");
    assert!(
        stdout(&other).contains("copy.ndjson:1: error version_incompatible at metadata.version: "),
        "{}",
        text(&other)
    );
    assert_code(&other, 1);
}

#[test]
fn the_quirks_of_the_samples_are_found_at_their_lines() {
    let place = with_samples();
    let output = ocsf(&place, "validate six.ndjson");
    assert_code(&output, 1);
    let told = stdout(&output);
    assert!(told.contains("six.ndjson:3: warning attribute_required_empty at cloud.provider: "), "{told}");
    assert!(told.contains("six.ndjson:4: warning activity_id_suspicious at activity_id: "), "{told}");
    let url = "six.ndjson:5: error attribute_value_regex_not_matched at http_request.url.hostname: ";
    assert!(told.contains(url), "{told}");
    assert!(told.contains("\n6 records: 4 valid, 2 with errors, 4 with warnings\n"), "{told}");
    let summary: Vec<&str> = told.lines().rev().take(4).collect();
    assert_eq!(summary[3], "  4 warning     attribute_required_empty", "the most frequent first");
    assert_eq!(stdout(&ocsf(&place, "validate --quiet six.ndjson")), "");
    assert_code(&ocsf(&place, "validate --quiet six.ndjson"), 1);
    // For programs.
    let findings = records(&stdout(&ocsf(&place, "validate --json six.ndjson")));
    assert_eq!(findings.len(), 8);
    assert_eq!(
        findings[2],
        json!({
            "file": "six.ndjson", "line": 4, "severity": "warning", "code": "activity_id_suspicious", "path": "activity_id",
            "message": findings[2]["message"],
        })
    );
}

#[test]
fn every_layout_and_packing_is_read() {
    let place = with_samples();
    let lines = sample_lines();
    let array = format!("[{}]", lines.trim_end().replace('\n', ","));
    let pretty_array = format!("{:#}", serde_json::from_str::<Value>(&array).unwrap());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(lines.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let layouts: [(&str, &[u8]); 5] = [
        ("stream.json", samples().as_bytes()),
        ("array.json", array.as_bytes()),
        ("pretty.json", pretty_array.as_bytes()),
        ("dos.ndjson", lines.replace('\n', "\r\n").as_bytes()),
        ("packed", &packed),
    ]
    .map(|(name, text)| (name, text.to_vec().leak() as &[u8]));
    for (name, bytes) in layouts {
        fs::write(place.path(name), bytes).unwrap();
        let output = ocsf(&place, &format!("validate {name}"));
        assert_code(&output, 1);
        assert!(
            stdout(&output).contains("6 records: 4 valid, 2 with errors, 4 with warnings"),
            "{name}: {}",
            text(&output)
        );
    }
    let input = fs::File::open(place.path("packed")).unwrap();
    for arguments in ["ocsf validate", "ocsf validate -"] {
        let output = place.command(arguments).stdin(input.try_clone().unwrap()).output().unwrap();
        std::io::Seek::rewind(&mut &input).unwrap();
        assert!(
            stdout(&output).contains("standard input:4: warning activity_id_suspicious"),
            "{}",
            text(&output)
        );
    }
}

#[test]
fn what_is_no_json_is_a_finding_and_stops_nothing() {
    let place = with_samples();
    let good = sample_lines().lines().next().unwrap().to_owned();
    let lines = [
        good.as_str(),
        "no \u{1b}[31mJSON",
        "{\"class_uid\":3002",
        good.as_str(),
        &"[".repeat(5000),
        "{\"class_uid\":3002,\"class_uid\":6003}",
        "{\n  \"class_uid\": 3002, // Authentication\n  \"time\": 1\n}",
        "[3]",
        good.as_str(),
    ];
    fs::write(place.path("bad"), lines.join("\n")).unwrap();
    let output = ocsf(&place, "validate bad");
    assert_code(&output, 1);
    let told = stdout(&output);
    assert!(!told.contains('\u{1b}'), "{told:?}");
    for expected in [
        "bad:2: error not_json: expected ident at column 2\n",
        "bad:3: error not_json: EOF while parsing an object at column 17: the value has no end\n",
        "bad:5: error not_json: ",
        "bad:6: error name_repeated: the name `class_uid` occurs twice in one object",
        "bad:8: error not_json: JSON has no comments (the value begins in line 7)\n",
        "bad:11: error record_wrong_type: ",
        "9 records: 3 valid, 6 with errors\n",
    ] {
        assert!(told.contains(expected), "{expected}\nin:\n{told}");
    }
    let hostile = json!({"class_uid": 3002, "\u{1b}]0;x\u{7}": "\u{202e}"}).to_string();
    fs::write(place.path("hostile\u{1b}[2J"), &hostile).unwrap();
    for command in ["validate", "explain"] {
        let mut command = place.command(&format!("ocsf {command}"));
        let output = command.arg("hostile\u{1b}[2J").output().unwrap();
        let clean = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
        assert!(text(&output).chars().all(clean), "{:?}", text(&output));
    }
}

#[test]
fn exit_codes_tell_what_was_read() {
    let place = with_samples();
    fs::write(place.path("empty"), "").unwrap();
    fs::write(place.path("login"), sample_lines().lines().next().unwrap()).unwrap();
    fs::create_dir(place.path("directory")).unwrap();
    for command in ["validate", "explain"] {
        assert_code(&ocsf(&place, &format!("{command} login")), 0);
        let empty = ocsf(&place, &format!("{command} empty"));
        assert_code(&empty, 2);
        assert!(text(&empty).contains("no records: nothing to "), "{}", text(&empty));
        let directory = ocsf(&place, &format!("{command} directory"));
        assert_code(&directory, 2);
        assert_eq!(stderr(&directory), "error: cannot read directory: it is a directory\n");
        let nowhere = ocsf(&place, &format!("{command} nowhere login"));
        assert_code(&nowhere, 1);
        assert!(
            stderr(&nowhere).starts_with("error: cannot read nowhere: No such file"),
            "{}",
            text(&nowhere)
        );
        assert!(
            stdout(&nowhere).contains("login") || stdout(&nowhere).contains("1 record: 1 valid"),
            "the rest goes on"
        );
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(sample_lines().repeat(50).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    fs::write(place.path("half.gz"), &packed[..packed.len() - 20]).unwrap();
    let half = ocsf(&place, "validate half.gz");
    assert_code(&half, 1);
    assert!(
        stdout(&half).contains(": error cannot_be_read: cannot be read from here on: "),
        "{}",
        text(&half)
    );
}

#[test]
fn ids_are_explained_in_words() {
    let place = with_samples();
    let output = ocsf(&place, "explain six.ndjson");
    assert_code(&output, 0);
    let told = stdout(&output);
    let (first, rest) = told.split_once("\n\n").unwrap();
    assert!(
        first.starts_with("six.ndjson:1: Authentication (Identity & Access Management), OCSF 1.0.0\n"),
        "{first}"
    );
    assert!(first.contains("  activity_id: 1 (Logon)\n"), "{first}");
    assert!(first.contains("time: 1700533469078 (2023-11-21T02:24:29.078Z)"), "{first}");
    assert!(rest.starts_with("six.ndjson:2: Authentication"), "{rest}");
    let explained = records(&stdout(&ocsf(&place, "explain --json six.ndjson")));
    assert_eq!(explained.len(), 6);
    assert_eq!((&explained[3]["line"], &explained[3]["class"]), (&json!(4), &json!("API Activity")));
    // A record of the log is not spread over the screen.
    let place = with_copy();
    let told = stdout(&ocsf(&place, "explain copy.ndjson"));
    assert!(told.contains("  raw_data: (record 1 of the log, "), "{told}");
    assert!(told.lines().all(|line| line.chars().count() < 160), "{told}");
}
