//! Whatever comes in: no panic, no good input lost, and a message that helps.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use proptest::prelude::*;

const CONFIG: &str = "
enterprise:
  audit:
    destination: {type: file, path: log/audit.log}
    durability: os
    integrity: {chain: {enabled: true}}
";

fn audit_log(directory: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::cargo_bin("audit-log").unwrap();
    let command = command.env_remove("AUDIT_SIGNING_KEY").current_dir(directory);
    command.args(arguments).write_stdin(input).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn workplace() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("audit.yaml"), CONFIG).unwrap();
    directory
}

fn assert_no_panic(output: &Output) {
    assert!(!text(output).contains("panicked"), "{}", text(output));
    assert!(matches!(output.status.code(), Some(0..=2)), "{:?}: {}", output.status, text(output));
}

#[test]
fn a_refused_line_is_kept_with_the_reason_and_the_rest_goes_on() {
    let directory = workplace();
    let input = [
        r#"{"event_type":"auth.login","actor":{"id":"a"}}"#,
        r#"{"event_type":"auth.login","actor":{"id":7}}"#,
        r#"{"event_type":"auth.login","actor":{"id":"a","id":"b"}}"#,
        r#"{"event_type":"auth.login","details":{"n":9007199254740993}}"#,
        "not JSON",
        r#"{"event_type":"audit.retention_applied","details":{"last_sequence":9}}"#,
        "",
        r#"{"event_type":"auth.logout","timestamp":"yesterday"}"#,
        r#"{"event_type":"auth.logout"}"#,
    ];
    let run = audit_log(directory.path(), &["run", "-c", "audit.yaml"], input.join("\n").as_bytes());
    assert!(run.status.success(), "{}", text(&run));
    assert!(
        text(&run).contains("recorded 2 events") && text(&run).contains("6 lines refused"),
        "{}",
        text(&run)
    );
    let rejects = std::fs::read_to_string(directory.path().join("log/.audit.log.rejects.ndjson")).unwrap();
    let rejects: Vec<serde_json::Value> =
        rejects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<(u64, &str)> = rejects
        .iter()
        .map(|reject| (reject["line"].as_u64().unwrap(), reject["error"].as_str().unwrap()))
        .collect();
    assert_eq!(told[0], (2, "actor.id: found 7; expected a string"));
    assert_eq!(told[1], (3, "the name `id` occurs twice in one object at column 49"));
    assert!(told[2].1.contains("9007199254740993") && told[2].0 == 4);
    assert_eq!(told[3].0, 5);
    assert!(told[4].1.contains("`audit.retention_applied` is for the log's records about itself"));
    assert!(told[5].1.starts_with("timestamp: found the string \"yesterday\"; expected an RFC 3339 time"));
    assert_eq!(rejects[3]["input"], "not JSON");
}

#[test]
fn an_enormous_line_is_refused_and_the_next_one_taken() {
    let directory = workplace();
    let mut input = vec![b'x'; 20 << 20];
    input.extend_from_slice(b"\n{\"event_type\":\"auth.login\"}\n");
    let run = audit_log(directory.path(), &["run", "-c", "audit.yaml"], &input);
    assert!(
        text(&run).contains("recorded 1 event in") && text(&run).contains("1 line refused"),
        "{}",
        text(&run)
    );
}

#[test]
fn an_input_that_breaks_off_is_told_and_what_was_read_is_recorded() {
    let directory = workplace();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for number in 0..5000 {
        let line = format!("{{\"event_type\":\"auth.login\",\"details\":{{\"n\":{number}}}}}\n");
        std::io::Write::write_all(&mut encoder, line.as_bytes()).unwrap();
    }
    let packed = encoder.finish().unwrap();
    std::fs::write(directory.path().join("events.gz"), &packed[..packed.len() / 2]).unwrap();
    let run = audit_log(directory.path(), &["run", "-c", "audit.yaml", "-i", "events.gz", "--json"], b"");
    assert_eq!(run.status.code(), Some(1), "{}", text(&run));
    let summary: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert!(summary["recorded"].as_u64().unwrap() > 100, "{summary}");
    let verify = audit_log(directory.path(), &["verify", "log"], b"");
    assert_eq!(verify.status.code(), Some(0), "{}", text(&verify));
}

#[cfg(not(feature = "kafka"))]
#[test]
fn what_is_not_built_in_says_so_with_its_place() {
    let directory = workplace();
    let config = "enterprise:\n  audit:\n    destination:\n      type: kafka\n      bootstrap_servers: [k:9092]\n      topic: t\n";
    std::fs::write(directory.path().join("kafka.yaml"), config).unwrap();
    let run = audit_log(directory.path(), &["run", "-c", "kafka.yaml"], b"");
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run).contains("kafka.yaml:4:"), "{}", text(&run));
    assert!(text(&run).contains("not built into this version"), "{}", text(&run));
    let check = audit_log(directory.path(), &["config", "check", "kafka.yaml"], b"");
    assert_eq!(check.status.code(), Some(0), "it is valid all the same: {}", text(&check));
}

#[test]
fn a_key_that_is_not_there_says_where_it_should_be() {
    let directory = workplace();
    let config = format!("{CONFIG}    events: []\n").replace(
        "{chain: {enabled: true}}",
        "{signing: {enabled: true, key_env_var: NO_SUCH_VARIABLE_HERE}}",
    );
    std::fs::write(directory.path().join("signed.yaml"), config).unwrap();
    let run = audit_log(directory.path(), &["run", "-c", "signed.yaml"], b"");
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run).contains("NO_SUCH_VARIABLE_HERE is not set"), "{}", text(&run));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn run_survives_any_bytes(input in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let directory = workplace();
        assert_no_panic(&audit_log(directory.path(), &["run", "-c", "audit.yaml"], &input));
        let verified = audit_log(directory.path(), &["verify", "log/audit.log"], b"");
        prop_assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
    }

    #[test]
    fn run_accounts_for_every_line(input in "(\\{\"event_type\":\"[a-z.]{0,6}\"\\}|[a-z{}\",:]{0,12}|\\PC{0,8}){0,12}(\\n(\\{\"event_type\":\"[a-z]{1,4}\"\\}|[^\\n]{0,9})){0,20}") {
        let directory = workplace();
        let run = audit_log(directory.path(), &["run", "-c", "audit.yaml", "--json"], input.as_bytes());
        assert_no_panic(&run);
        let summary: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        let number = |key: &str| summary[key].as_u64().unwrap();
        let lines = input.split('\n').filter(|line| !line.bytes().all(|b| b.is_ascii_whitespace())).count() as u64;
        prop_assert_eq!(number("recorded") + number("rejected"), lines);
    }

    #[test]
    fn verify_survives_any_bytes(input in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let directory = workplace();
        assert_no_panic(&audit_log(directory.path(), &["verify", "-"], &input));
    }

    #[test]
    fn config_check_survives_any_bytes(input in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let directory = workplace();
        assert_no_panic(&audit_log(directory.path(), &["config", "check", "-"], &input));
    }
}
