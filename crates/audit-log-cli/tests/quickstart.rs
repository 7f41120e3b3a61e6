//! The commands that the README shows, on the files that it names.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A directory that has the repository's `docs`, so that the paths in the configuration hold.
fn workplace() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(repository().join("docs"), directory.path().join("docs")).unwrap();
    directory
}

fn audit_log(directory: &Path, arguments: &str) -> Output {
    let mut command = Command::cargo_bin("audit-log").unwrap();
    command
        .env_remove("AUDIT_SIGNING_KEY")
        .current_dir(directory)
        .args(arguments.split_whitespace())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

const RUN: &str = "run --config docs/examples/quickstart.yaml --input docs/examples/events.ndjson";
const VERIFY: &str = "verify --config docs/examples/quickstart.yaml audit-logs/audit.log";

#[test]
fn a_newcomer_holds_a_log_that_proves_itself() {
    let directory = workplace();
    let run = audit_log(directory.path(), RUN);
    assert!(run.status.success(), "{}", text(&run));
    assert!(
        text(&run).contains("recorded 40 events in audit-logs/audit.log, sealed and signed"),
        "{}",
        text(&run)
    );

    let verified = audit_log(directory.path(), VERIFY);
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
    assert!(text(&verified).starts_with("intact: chain "), "{}", text(&verified));
    assert!(text(&verified).contains("42 records (1 to 42), signed"), "{}", text(&verified));
    assert!(!text(&verified).contains("unanchored"), "the head file anchors it: {}", text(&verified));

    let mode = std::fs::metadata(directory.path().join("audit-logs")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "the log's directory is its owner's");
    let log = std::fs::read_to_string(directory.path().join("audit-logs/audit.log")).unwrap();
    let password = r#""password":"******""#;
    assert!(log.contains(password), "the secret in the example was masked");
}

#[test]
fn a_second_run_goes_on_with_the_chain() {
    let directory = workplace();
    for _ in 0..3 {
        assert!(audit_log(directory.path(), RUN).status.success());
    }
    let verified = audit_log(directory.path(), &format!("{VERIFY} --json"));
    let report: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(report["chains"].as_array().unwrap().len(), 1);
    assert_eq!(report["chains"][0]["verdict"], "intact");
    assert_eq!(report["chains"][0]["records"], 126);
}

#[test]
fn each_kind_of_damage_is_called_by_its_name() {
    type Damage = fn(&mut Vec<String>);
    let cases: &[(&str, Damage, &str)] = &[
        (
            "edited",
            |lines| lines[9] = lines[9].replacen("alice", "mallo", 1).replacen("production", "productiom", 1),
            ":10: record 10",
        ),
        ("missing", |lines| drop(lines.remove(19)), ":20: record 20 missing"),
        ("inserted", |lines| lines.insert(4, r#"{"event_type":"auth.login"}"#.to_owned()), ":5: "),
        ("reordered", |lines| lines.swap(6, 7), "record"),
        ("head cut", |lines| drop(lines.drain(..3)), "records 1 to 3 missing"),
        ("tail cut", |lines| lines.truncate(40), "records 41 to 42 missing"),
    ];
    let directory = workplace();
    assert!(audit_log(directory.path(), RUN).status.success());
    let path = directory.path().join("audit-logs/audit.log");
    let whole = std::fs::read_to_string(&path).unwrap();
    for (verdict, damage, place) in cases {
        let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
        damage(&mut lines);
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let found = audit_log(directory.path(), VERIFY);
        assert_eq!(found.status.code(), Some(1), "{verdict}: {}", text(&found));
        assert!(text(&found).starts_with(&format!("{verdict}: chain")), "{verdict}: {}", text(&found));
        assert!(text(&found).contains(place), "{verdict}: {}", text(&found));
    }
    // A line that stands there twice is what delivery at least once makes.
    let first = whole.lines().next().unwrap();
    std::fs::write(&path, format!("{first}\n{whole}")).unwrap();
    let found = audit_log(directory.path(), VERIFY);
    assert_eq!(found.status.code(), Some(0), "{}", text(&found));
    assert!(text(&found).contains("1 record more than once"), "{}", text(&found));
    assert!(text(&found).contains("audit.log:2: record 1 again"), "{}", text(&found));
    // The last line without its end.
    std::fs::write(&path, &whole[..whole.len() - 20]).unwrap();
    let found = audit_log(directory.path(), VERIFY);
    assert_eq!(found.status.code(), Some(1), "{}", text(&found));
    assert!(text(&found).contains("record 42"), "{}", text(&found));
}

#[test]
fn without_a_key_nothing_can_be_told() {
    let directory = workplace();
    assert!(audit_log(directory.path(), RUN).status.success());
    let verified = audit_log(directory.path(), "verify audit-logs");
    assert_eq!(verified.status.code(), Some(2), "{}", text(&verified));
    assert!(text(&verified).contains("no key was given"), "{}", text(&verified));
}

#[test]
fn every_event_type_is_in_the_example() {
    let events = std::fs::read_to_string(repository().join("docs/examples/events.ndjson")).unwrap();
    let own = ["alert", "audit"];
    for (event_type, _) in audit_model::EventType::CATALOGUE {
        let there = events.contains(&format!("\"event_type\": \"{event_type}\""));
        assert!(there || own.contains(&event_type.category()), "{event_type} is not in events.ndjson");
    }
}

#[test]
fn the_example_of_every_key_is_valid_and_runs() {
    let directory = workplace();
    let check = audit_log(directory.path(), "config check docs/examples/all-keys.yaml");
    // All keys together cannot be without one: files that are too many stay while they are too young.
    assert!(
        text(&check).ends_with("docs/examples/all-keys.yaml: valid, with 1 warning\n"),
        "{}",
        text(&check)
    );
    assert!(text(&check).contains("files that have records younger than 365 days stay"), "{}", text(&check));
    let run = audit_log(directory.path(), &RUN.replace("quickstart.yaml", "all-keys.yaml"));
    assert!(text(&run).contains("not selected by the configuration"), "{}", text(&run));
}

#[test]
fn a_head_noted_earlier_shows_a_cut_end() {
    let directory = workplace();
    let run = audit_log(directory.path(), &format!("{RUN} --json"));
    let summary: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let head = summary["head"].as_str().unwrap();
    let path = directory.path().join("audit-logs/audit.log");
    let whole = std::fs::read_to_string(&path).unwrap();
    let cut: String = whole.split_inclusive('\n').take(30).collect();
    std::fs::write(&path, cut).unwrap();
    std::fs::remove_file(directory.path().join("audit-logs/.audit.log.head")).unwrap();
    let without = audit_log(directory.path(), VERIFY);
    assert_eq!(without.status.code(), Some(0));
    assert!(text(&without).starts_with("intact, open: "), "{}", text(&without));
    assert!(text(&without).contains("the end is unanchored"), "{}", text(&without));
    let with = audit_log(directory.path(), &format!("{VERIFY} --head {head}"));
    assert_eq!(with.status.code(), Some(1));
    assert!(text(&with).starts_with("tail cut: "), "{}", text(&with));
}
