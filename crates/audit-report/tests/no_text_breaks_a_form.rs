//! Whatever somebody writes into an event: HTML stays well-formed and inert, CSV comes back as it was written.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

mod sample;

use std::io::Write as _;
use std::process::{Command, Stdio};

use audit_model::{Event, EventType};
use audit_report::{Integrity, Report};
use proptest::prelude::*;
use sample::{broken, made, october, tally, time};
use serde_json::{Value, json};

/// A report in which every text that can be anything is that one.
fn report_full_of(text: &str) -> Report {
    let at = "2026-10-05T12:00:00Z";
    let mut events: Vec<Event> = Vec::new();
    for (event_type, details) in [
        (
            "access.denied",
            json!({"operation": text, "resource": text, "required_permission": text, "reason": text,
            "user_permissions": [text, text]}),
        ),
        (
            "config.changed",
            json!({"config_type": text, "changes": [{"field": text, "old_value": text, "new_value": [text]}]}),
        ),
        ("own.failed", json!({"error": text})),
        ("audit.events_lost", json!({"count": 1, "reason": text, "first_time": text, "last_time": text})),
        ("audit.log_tampered", json!({"message": text})),
        ("audit.retention_applied", json!({"file": text, "rule": text, "first_sequence": 1})),
        ("audit.hold_placed", json!({"id": text, "reason": text})),
        ("alert.fired", json!({"alert_id": text, "rule": text, "severity": text, "group": {text: text}})),
        ("alert.notify_failed", json!({"alert_id": text, "error": text})),
    ] {
        let mut event = Event::at(time(at), event_type.parse::<EventType>().unwrap());
        event.event_id = text.into();
        event.actor = Some(audit_model::Actor::user(text).ip_address(text));
        event.action = Some(audit_model::Action::new(text, text));
        event.resource = Some(audit_model::Resource::new(text, text));
        event.details = details.as_object().unwrap().clone();
        events.push(event);
    }
    let mut integrity: Integrity = broken();
    let chain = &mut integrity.chains[0];
    chain.chain_id = text.into();
    chain.head = Some(text.into());
    chain.findings[0].file = Some(text.into());
    chain.findings[0].message = text.into();
    integrity.unreadable = chain.findings.clone();
    integrity.notes = vec![text.into()];
    let mut tally = tally(october(), &events);
    // A scan may hand over what no event has as its type.
    tally.count(time(at), text, Some(text), Some(text));
    Report::new(tally, integrity, made()).title(text).files([text]).note(text)
}

const NASTY: [&str; 12] = [
    "",
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title></svg>]]><!--<img src=x onerror=alert(1)>",
    "\"' onmouseover='x' \"",
    "&lt;&#60;&",
    "a\u{202e}gpj.exe\u{0}\u{1b}[2J\u{feff}\u{ffff}\u{85}",
    "=HYPERLINK(\"http://example.com\",\"x\")",
    "+1,\"2\"\r\n@SUM(A1)",
    "-2+3\t",
    " ;'leading and trailing ",
    "例え.テスト😀 zoë",
];

#[test]
fn nasty_texts_do_nothing() {
    for text in NASTY {
        check(&report_full_of(text));
        check(&report_full_of(&text.repeat(900)));
    }
    let html = report_full_of(NASTY[6]).to_html();
    assert!(html.contains(r"a\u{202e}gpj.exe\u{0}\u{1b}[2J\u{feff}\u{ffff}\u{85}"), "what hides is shown");
    assert!(report_full_of(&"x".repeat(10_000)).to_html().len() < 60_000, "long values are cut");
    assert!(report_full_of(&"x".repeat(10_000)).to_html().contains("xxx…"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn no_text_does_anything(text in any::<String>(), odd in "[<>&\"'=+@,;\r\n\t -]{0,12}\\PC{0,6}") {
        check(&report_full_of(&text));
        check(&report_full_of(&odd));
    }
}

fn check(report: &Report) {
    let html = report.to_html();
    let names = well_formed(&html);
    // The style's end would otherwise be anywhere.
    assert_eq!(html.matches("<style>").count(), 1);
    for name in names {
        assert!(ELEMENTS.split(' ').any(|known| known == name), "<{name}> is no element that a report has");
    }
    let rows = parse_csv(&report.to_csv());
    for row in &rows {
        assert_eq!(row.len(), rows[0].len(), "{row:?}");
        assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{row:?}");
    }
    serde_json::from_str::<Value>(&report.to_json()).unwrap();
    let text = report.to_text();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}

const ELEMENTS: &str = "html head meta title style body svg defs pattern rect header p h1 h2 h3 time main div circle path \
                        section dl dt dd small figure figcaption ul li desc g line text details summary table thead tbody \
                        tfoot tr th td wbr span code nav a article strong del ins footer";

/// Reads HTML as strictly as XML: every element closed, every attribute quoted, no bare `<` or `&`. Returns the elements.
fn well_formed(html: &str) -> Vec<&str> {
    let mut rest = html.strip_prefix("<!DOCTYPE html>\n").unwrap();
    let (mut open, mut seen) = (Vec::new(), Vec::new());
    while let Some(at) = rest.find('<') {
        check_text(&rest[..at]);
        let end = rest[at..].find('>').expect("an element ends") + at;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed in the order in which they were opened");
            continue;
        }
        let is_closed = tag.ends_with('/');
        let tag = tag.trim_end_matches('/');
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        seen.push(name);
        while !attributes.trim().is_empty() {
            let (key, value) = attributes.trim_start().split_once("=\"").unwrap();
            assert!(key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{key}");
            assert!(!key.starts_with("on") && key != "style" && key != "src", "{key}");
            let (value, left) = value.split_once('"').unwrap();
            assert!(key != "href" || value.starts_with('#'), "a link that leads out: {value}");
            check_text(value);
            attributes = left;
        }
        if name == "style" {
            // CSS has no mark-up, and this is ours.
            rest = &rest[rest.find("</style>").unwrap()..];
        }
        if !is_closed {
            open.push(name);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest:?}");
    seen
}

fn check_text(text: &str) {
    assert!(!text.contains('>'), "{text}");
    for after in text.split('&').skip(1) {
        let entity = ["lt;", "gt;", "amp;", "quot;", "#39;"].iter().any(|entity| after.starts_with(entity));
        assert!(entity, "&{after}");
    }
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}

/// RFC 4180, strictly.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match (quoted, c) {
            (true, '"') if chars.peek() == Some(&'"') => cell.extend(chars.next()),
            (true, '"') => {
                quoted = false;
                assert!(matches!(chars.peek(), Some(',' | '\r')), "a closing quote ends a cell");
            }
            (true, c) => cell.push(c),
            (false, '"') => {
                assert!(cell.is_empty(), "a quote within a bare cell");
                quoted = true;
            }
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') => {
                assert_eq!(chars.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (false, '\n') => panic!("a bare line feed"),
            (false, c) => cell.push(c),
        }
    }
    assert!(!quoted && row.is_empty() && cell.is_empty(), "it ends with a row");
    rows
}

#[test]
fn cells_come_back_but_for_what_a_spreadsheet_would_run() {
    for (text, cell) in [
        ("a,b;\"c\"", "a,b;\"c\""),
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-", "'-"),
        ("x=1", "x=1"),
        ("two\r\nlines", "two\\r\\nlines"),
        ("＝1", "'＝1"),
    ] {
        let rows = parse_csv(&report_full_of(text).to_csv());
        let note = rows.iter().find(|row| row[0] == "note").unwrap();
        assert_eq!(note[13], cell);
    }
}

/// Parsers that others wrote agree: expat for the mark-up, Python's csv for the table.
#[test]
fn other_parsers_agree() {
    let python = std::env::var("AUDIT_TEST_PYTHON").ok().filter(|python| !python.is_empty());
    let Some(python) = python else {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "AUDIT_TEST_PYTHON is not set, and in CI nothing is skipped"
        );
        println!("skipped: AUDIT_TEST_PYTHON is not set (cargo xtask test sets it)");
        return;
    };
    const SCRIPT: &str = r#"
import csv, io, json, sys, html.parser, xml.etree.ElementTree as tree
for given in json.load(sys.stdin):
    root = tree.fromstring(given["html"].split("\n", 1)[1])
    found = "".join(root.itertext())
    assert given["shown"] in found, (given["shown"], found[:2000])
    tags = set()
    class Tags(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            tags.add(tag)
    parser = Tags(); parser.feed(given["html"]); parser.close()
    assert tags == {element.tag for element in root.iter()}, tags
    rows = list(csv.reader(io.StringIO(given["csv"], newline=""), strict=True))
    assert {len(row) for row in rows} == {14}, rows
print("agreed")
"#;
    let given: Vec<Value> = NASTY
        .iter()
        .map(|text| {
            let report = report_full_of(text);
            let shown = if text.chars().any(|c| c.is_control() || c == '\u{202e}') { "" } else { text };
            json!({"html": report.to_html(), "csv": report.to_csv(), "shown": shown})
        })
        .collect();
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(serde_json::to_string(&given).unwrap().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "agreed\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
