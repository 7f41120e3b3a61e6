//! What matters is what a record says: a copy that went through other programs verifies.
#![allow(clippy::unwrap_used)]

mod log;

use audit_integrity::Verdict::{Edited, Intact};
use log::*;
use serde_json::Value;

fn closed_with_all_sorts() -> Vec<Line> {
    let mut sealer = sealer("c", hmac("k"));
    let mut lines: Vec<_> = [
        r#"{"event_type":"a.b","zwölf":[1,2.5,1e-7,-0,{"b":null,"a":true}],"details":{"\u000f":"\"\\/\u2028😀"}}"#,
        r#"{"event_type":"a.b","event":{"integrity":{}},"integrity":",\"integrity\":{}}"}"#,
        r#"{"😀":1,"דּ":2,"":3}"#,
    ]
    .map(|event| seal(&mut sealer, event))
    .into();
    lines.push(seal(&mut sealer, r#"{"event_type":"audit.stopped"}"#));
    lines
}

#[track_caller]
fn assert_intact(content: &str) {
    let report = only_chain(report_of(&verifier(), &[content]));
    assert_found(&report, Intact, &[]);
    assert_eq!(report.records, 4);
}

fn text() -> String {
    String::from_utf8(closed_with_all_sorts().concat()).unwrap()
}

#[test]
fn as_it_was_written() {
    assert_intact(&text());
}

#[test]
fn with_white_space() {
    assert_intact(&text().replace("},\"integrity\":{", " \t}\t,  \"integrity\" : { "));
}

#[test]
fn with_the_line_ends_of_windows() {
    assert_intact(&text().replace('\n', "\r\n"));
}

#[test]
fn with_blank_lines() {
    assert_intact(&text().replace('\n', "\n\n \r\n"));
}

#[test]
fn with_names_in_another_order() {
    fn reversed(value: &Value) -> String {
        match value {
            Value::Object(map) => {
                let members: Vec<_> = map
                    .iter()
                    .rev()
                    .map(|(k, v)| format!("{}: {}", Value::from(k.as_str()), reversed(v)))
                    .collect();
                format!("{{{}}}", members.join(", "))
            }
            Value::Array(items) => format!("[{}]", items.iter().map(reversed).collect::<Vec<_>>().join(", ")),
            scalar => scalar.to_string(),
        }
    }
    let lines =
        text().lines().map(|line| reversed(&serde_json::from_str(line).unwrap()) + "\n").collect::<String>();
    assert_ne!(lines, text());
    assert_intact(&lines);
}

#[test]
fn with_other_escapes_and_spellings_of_numbers() {
    let other = text().replace("\\u000f", "\\u000F").replace("1e-7", "0.0000001").replace("2.5", "25E-1");
    let other = other.replace("zwölf", "zw\\u00f6lf").replace("😀", "\\ud83d\\ude00");
    assert_ne!(other, text());
    assert_intact(&other);
}

#[test]
fn compressed_more_than_once_into_one_file() {
    let lines = closed_with_all_sorts();
    for pack in [gzip, zstd] {
        let members = [pack(&lines[..2].concat()), pack(&lines[2..].concat())].concat();
        let report = only_chain(report_of(&verifier(), &[members]));
        assert_found(&report, Intact, &[]);
    }
}

#[test]
fn and_one_that_says_something_else_does_not() {
    for (from, to) in
        [("true", "false"), ("-7", "-8"), ("null", "{}"), ("\\u000f", "\\u000e"), ("\"\":3", "\"\":3.5")]
    {
        assert!(text().contains(from), "{from}");
        let other = text().replacen(from, to, 1).replace('\n', "\r\n");
        let report = only_chain(report_of(&verifier(), &[other]));
        assert_eq!((report.verdict, report.findings.len()), (Edited, 1), "{from}: {report:#?}");
    }
}
