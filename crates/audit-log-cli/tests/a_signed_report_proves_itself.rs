//! A report that was signed is known from one that was changed, by us and by openssl.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

mod workplace;

use std::fs;
use std::process::Command;

use serde_json::Value;
use workplace::ocsf::with_signed_log;
use workplace::{Workplace, assert_code, stderr, stdout, text};

const OTHER_KEY: &str = "another key, of more than thirty-two bytes";

/// A place with `report.html`, signed with a key of the auditor's own.
fn with_signed_report() -> Workplace {
    let place = with_signed_log();
    fs::write(
        place.path("auditor.key"),
        "hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
    )
    .unwrap();
    fs::write(place.path("other.key"), OTHER_KEY).unwrap();
    let made = place.audit_log("report --month 2024-12 -o report.html --sign auditor.key log/audit.log");
    assert_code(&made, 0);
    assert!(stdout(&made).contains("report.html.sig"), "{}", text(&made));
    place
}

fn check(place: &Workplace, arguments: &str) -> (Option<i32>, String) {
    let output = place.command(&format!("report --check report.html {arguments}")).output().unwrap();
    (output.status.code(), text(&output))
}

#[test]
fn it_is_as_it_was_signed_or_not() {
    let place = with_signed_report();
    let (code, told) = check(&place, "--key-file auditor.key");
    assert_eq!(code, Some(0), "{told}");
    assert!(told.starts_with("as signed: report.html is the report that key "), "{told}");
    // The head that it names is the log's.
    let verified = stdout(&place.audit_log("verify log/audit.log"));
    let head = verified.lines().nth(1).unwrap().trim().strip_prefix("head ").unwrap();
    assert!(told.contains(head), "{told}");
    assert!(told.contains(&format!("audit-log verify --head {head} LOG")), "{told}");
    assert_code(&place.audit_log(&format!("verify --head {head} log/audit.log")), 0);

    let (code, told) = check(&place, "--key-file other.key");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("was not given"), "{told}");

    let report = fs::read(place.path("report.html")).unwrap();
    for at in [0, report.len() / 2, report.len() - 1] {
        let mut changed = report.clone();
        changed[at] ^= 1;
        fs::write(place.path("report.html"), &changed).unwrap();
        for key in ["--key-file auditor.key", "--key-file other.key"] {
            let (code, told) = check(&place, key);
            assert_eq!(code, Some(1), "byte {at}: {told}");
            assert!(told.starts_with("changed: report.html "), "{told}");
        }
    }
    fs::write(place.path("report.html"), &report).unwrap();
    assert_eq!(check(&place, "--key-file auditor.key").0, Some(0));

    fs::remove_file(place.path("report.html.sig")).unwrap();
    let (code, told) = check(&place, "--key-file auditor.key");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("report.html.sig"), "{told}");
}

#[test]
fn an_edited_signature_is_found_out() {
    let place = with_signed_report();
    let signed: Value = serde_json::from_str(&place.read("report.html.sig")).unwrap();
    let edits: [(&str, Value); 5] = [
        ("/sha256", "00".repeat(32).into()),
        ("/signed_at", "2020-01-01T00:00:00.000Z".into()),
        ("/chains/0/sequence_number", 41.into()),
        ("/chains/0/chain_id", "a b".into()),
        ("/mac", format!("sha256:{}", "00".repeat(32)).into()),
    ];
    for (path, value) in edits {
        let mut edited = signed.clone();
        *edited.pointer_mut(path).unwrap() = value;
        fs::write(place.path("report.html.sig"), edited.to_string()).unwrap();
        let (code, told) = check(&place, "--key-file auditor.key");
        assert_eq!(code, Some(1), "{path}: {told}");
    }
    let mut fewer = signed.clone();
    fewer["chains"] = Value::Array(vec![]);
    fs::write(place.path("report.html.sig"), fewer.to_string()).unwrap();
    assert_eq!(check(&place, "--key-file auditor.key").0, Some(1));
    // Its name is no part of what was signed: a report can be called otherwise.
    let mut renamed = signed;
    renamed["report"] = "october.html".into();
    fs::write(place.path("report.html.sig"), renamed.to_string()).unwrap();
    assert_eq!(check(&place, "--key-file auditor.key").0, Some(0));
    fs::write(place.path("report.html.sig"), "{}").unwrap();
    let (code, told) = check(&place, "--key-file auditor.key");
    assert_eq!(code, Some(2), "{told}");
}

#[test]
fn a_new_report_does_not_pass_for_the_signed_one() {
    let place = with_signed_report();
    let made = place.audit_log("report --month 2024-11 -o report.html log/audit.log");
    assert_code(&made, 0);
    assert!(stderr(&made).contains("report.html.sig is of an earlier report"), "{}", stderr(&made));
    assert_eq!(check(&place, "--key-file auditor.key").0, Some(1));
    let none = place.audit_log("report --month 2024-12 -o report.html --sign no.key log/audit.log");
    assert_code(&none, 2);
    assert!(stderr(&none).contains("cannot read the key no.key"), "{}", stderr(&none));
}

/// The commands of docs/formats.md.
#[test]
fn openssl_agrees() {
    let place = with_signed_report();
    let formats = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats.md");
    let formats = fs::read_to_string(formats).unwrap();
    let section = &formats[formats.find("## Signed reports").unwrap()..];
    let begin = section.find("```sh\n").unwrap() + 6;
    let commands = &section[begin..begin + section[begin..].find("```").unwrap()];
    for tool in ["jq", "openssl", "sha256sum"] {
        if Command::new(tool).arg("--version").output().is_err()
            && Command::new(tool).arg("version").output().is_err()
        {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "{tool} is missing, and in CI nothing is skipped"
            );
            println!("skipped: {tool} is not installed");
            return;
        }
    }
    let run = || Command::new("bash").args(["-c", commands]).current_dir(place.path("")).output().unwrap();
    let output = run();
    assert_eq!(
        stdout(&output),
        "report.html: OK\nthe report and the heads are what the key signed\n",
        "{}",
        stderr(&output)
    );
    let signature =
        place.read("report.html.sig").replace("\"sequence_number\": 42", "\"sequence_number\": 41");
    fs::write(place.path("report.html.sig"), signature).unwrap();
    assert!(!stdout(&run()).contains("what the key signed"));
}
