//! Several destinations without a server among them: which is the log, who gets what, and who reads it.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::fs;
use std::process::Stdio;

use workplace::{Workplace, assert_code, events, mode, numbers, stderr, stdout, text};

const THREE: &str = "
state_dir: state
destinations:
  - {type: file, name: backups, path: log/backups.log, events: ['backup.*']}
  - {type: file, path: log/audit.log}
  - {type: stdout}
";
const TYPES: [&str; 4] = ["auth.login", "backup.started", "backup.completed", "auth.logout"];

#[test]
fn the_first_file_that_gets_everything_is_the_log() {
    let place = Workplace::new(THREE);
    let run = place.run(&events(&TYPES));
    assert_code(&run, 0);
    assert!(stderr(&run).contains("recorded 4 events in log/audit.log"), "{}", text(&run));
    assert_eq!(numbers(&place.read("log/audit.log")), [1, 2, 3, 4, 5, 6]);
    let verified = place.verify("log/audit.log");
    assert_code(&verified, 0);
    assert!(text(&verified).starts_with("intact: "), "{}", text(&verified));
    assert!(!text(&verified).contains("unanchored"), "its head is beside it: {}", text(&verified));
}

#[test]
fn a_file_of_some_events_is_no_whole_log_and_not_called_edited() {
    let place = Workplace::new(THREE);
    assert_code(&place.run(&events(&TYPES)), 0);
    let copy = place.read("log/backups.log");
    assert_eq!(numbers(&copy), [3, 4]);
    for line in copy.lines() {
        assert!(place.read("log/audit.log").lines().any(|whole| whole == line), "byte for byte: {line}");
    }
    let verified = place.verify("log/backups.log");
    assert_code(&verified, 1);
    let report: serde_json::Value =
        serde_json::from_slice(&place.verify("log/backups.log --json").stdout).unwrap();
    let findings = report["chains"][0]["findings"].as_array().unwrap().clone();
    for finding in &findings {
        let verdict = finding["verdict"].as_str().unwrap();
        assert!(["head cut", "missing", "tail cut"].contains(&verdict), "{verdict}: {}", text(&verified));
    }
    assert!(!findings.is_empty() && !text(&verified).contains("edited"), "{}", text(&verified));
    // Beside the whole log it is what was said twice.
    let both = place.verify("log");
    assert_code(&both, 0);
    assert!(text(&both).contains("2 records more than once"), "{}", text(&both));
}

#[test]
fn standard_output_is_for_records_and_standard_error_for_the_summary() {
    let place = Workplace::new(THREE);
    let run = place.run(&events(&TYPES));
    assert_code(&run, 0);
    assert_eq!(stdout(&run), place.read("log/audit.log"), "the log, and nothing else");
    assert!(stderr(&run).contains("recorded 4 events"), "{}", stderr(&run));
    let next = place.command("run -c audit.yaml --json").output().unwrap();
    assert_code(&next, 0);
    assert_eq!(numbers(&stdout(&next)), [7, 8], "only what is new");
    let summary: serde_json::Value = serde_json::from_str(&stderr(&next)).unwrap();
    assert_eq!((&summary["recorded"], &summary["undelivered"]), (&0.into(), &serde_json::json!([])));
}

#[test]
fn a_reader_of_standard_output_that_goes_away_keeps_nobody_for_ever() {
    let place = Workplace::new(&format!("drain_timeout: 1s\n{THREE}"));
    let mut run = place.begin_run();
    drop(run.stdout.take());
    std::io::Write::write_all(&mut run.stdin.take().unwrap(), events(&TYPES).as_bytes()).unwrap();
    let run = run.wait_with_output().unwrap();
    assert_code(&run, 1);
    assert!(stderr(&run).contains("destination `stdout` lacks 6 records: "), "{}", stderr(&run));
    assert_eq!(numbers(&place.read("log/backups.log")), [3, 4], "the others have theirs");
    let next = place.audit_log("run");
    assert_code(&next, 0);
    assert_eq!(numbers(&stdout(&next)), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn all_that_is_written_is_its_owners_alone() {
    let place = Workplace::new(THREE);
    let log = "log/audit.log log/.audit.log.head log/backups.log";
    let state = "state/backups.json state/stdout.json state/.lock";
    assert_code(&place.run(&(events(&TYPES) + "rubbish\n")), 0);
    for file in log.split(' ').chain(state.split(' ')).chain(["log/.audit.log.rejects.ndjson"]) {
        assert_eq!(mode(&place.path(file)), 0o600, "{file}");
    }
    for directory in ["log", "state"] {
        assert_eq!(mode(&place.path(directory)), 0o700, "{directory}");
    }
    assert!(!place.path("log/.audit.log.delivery").exists(), "`state_dir` says where");
    // Without it, beside the log.
    place.configure(&THREE.replace("state_dir: state", ""));
    assert_code(&place.run(""), 0);
    assert_eq!(mode(&place.path("log/.audit.log.delivery")), 0o700);
    assert_eq!(mode(&place.path("log/.audit.log.delivery/stdout.json")), 0o600);
}

#[test]
fn without_a_file_that_gets_everything_the_log_is_in_the_state_directory() {
    let some = "{type: file, path: backups.log, events: ['backup.*']}";
    let place = Workplace::new(&format!("destinations: [{some}, {{type: stdout}}]\nstate_dir: state"));
    let run = place.run(&events(&TYPES));
    assert_code(&run, 0);
    assert!(stderr(&run).contains("recorded 4 events in state/journal.log"), "{}", text(&run));
    assert_eq!(mode(&place.path("state/journal.log")), 0o600);
    assert_code(&place.verify("state/journal.log"), 0);
    assert_eq!(numbers(&place.read("backups.log")), [3, 4]);
    // Where there is no such key, where the system says.
    place.configure(&format!("destinations: [{some}, {{type: stdout}}]"));
    for (variable, log) in [
        ("STATE_DIRECTORY", "S/journal.log"),
        ("XDG_STATE_HOME", "X/audit-log/journal.log"),
        ("HOME", "H/.local/state/audit-log/journal.log"),
    ] {
        let mut run = place.command("run -c audit.yaml");
        for other in ["STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"] {
            run.env_remove(other);
        }
        let run = run.env(variable, place.path(&log[..1])).output().unwrap();
        assert_code(&run, 0);
        assert!(place.path(log).is_file(), "{variable}: {}", text(&run));
    }
    let mut nowhere = place.command("run -c audit.yaml");
    for variable in ["STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"] {
        nowhere.env_remove(variable);
    }
    let nowhere = nowhere.output().unwrap();
    assert_code(&nowhere, 2);
    assert!(text(&nowhere).contains("set `state_dir`"), "{}", text(&nowhere));
}

#[test]
fn status_tells_before_between_and_after_runs() {
    let place = Workplace::new(THREE);
    let before = place.audit_log("status");
    assert_code(&before, 0);
    assert!(stdout(&before).starts_with("log log/audit.log, 0 records\n"), "{}", text(&before));
    assert_eq!(stdout(&before).matches("never").count(), 2, "{}", text(&before));
    assert_eq!(place.json("status")["last_sequence"], 0);
    assert_eq!(place.status_of("stdout")["lag_records"], 0);
    assert!(!place.path("log").exists() && !place.path("state").exists(), "it only reads");

    assert_code(&place.run(&events(&TYPES)), 0);
    let after = place.audit_log("status");
    assert_code(&after, 0);
    let (header, rows) =
        stdout(&after).split_once("LAST SUCCESS\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(header.starts_with("log log/audit.log, 6 records\n"), "{header}");
    assert!(rows.contains("is the log") && rows.matches("has all").count() == 2, "{rows}");
    let status = place.json("status");
    assert_eq!((&status["last_sequence"], &status["log"]), (&6.into(), &"log/audit.log".into()));
    let names: Vec<_> =
        status["destinations"].as_array().unwrap().iter().map(|it| &it["destination"]).collect();
    assert_eq!(names, ["backups", "file", "stdout"]);
    assert_eq!(place.status_of("file")["is_log"], true);
    let backups = place.status_of("backups");
    assert_eq!((&backups["state"]["acknowledged"], &backups["state"]["delivered"]), (&6.into(), &2.into()));

    let one = place.audit_log("status --destination stdout");
    assert!(stdout(&one).contains("stdout") && !stdout(&one).contains("backups"), "{}", text(&one));
    let unknown = place.audit_log("status --destination nobody");
    assert_code(&unknown, 2);
    let names = "no destination is called `nobody`; expected one of `backups`, `file`, `stdout`";
    assert!(stderr(&unknown).contains(names), "{}", text(&unknown));
}

#[test]
fn status_says_when_there_is_no_way_to_tell() {
    let place = Workplace::new(THREE);
    assert_code(&place.run(&events(&TYPES)), 0);
    fs::write(place.path("state/stdout.json"), "{\"acknow").unwrap();
    let status = place.audit_log("status");
    assert_code(&status, 2);
    assert!(stderr(&status).contains("state/stdout.json is damaged"), "{}", text(&status));
    assert_code(&place.audit_log("status --destination backups"), 0);
    // `run` says so, goes on, and mends it.
    let run = place.audit_log("run");
    assert_code(&run, 0);
    assert!(stderr(&run).contains("state/stdout.json is damaged"), "{}", stderr(&run));
    assert_eq!(numbers(&stdout(&run)), [1, 2, 3, 4, 5, 6, 7, 8], "once more, rather than never");
    assert_code(&place.audit_log("status"), 0);
    assert_code(&place.command("status -c no-such-file.yaml").output().unwrap(), 2);
    place.configure("destinations: [{type: flie, path: x}]");
    assert_code(&place.audit_log("status"), 2);
}

#[test]
fn a_state_of_another_log_is_told_and_all_is_delivered() {
    let place = Workplace::new(THREE);
    assert_code(&place.run(&events(&TYPES)), 0);
    fs::remove_dir_all(place.path("log")).unwrap();
    let run = place.run("");
    assert_code(&run, 0);
    assert!(stderr(&run).contains("destination `stdout` had the records of chain-"), "{}", stderr(&run));
    assert_eq!(numbers(&stdout(&run)), [1, 2]);
}

#[test]
fn files_of_others_in_the_state_directory_are_let_be() {
    let place = Workplace::new(THREE);
    fs::create_dir(place.path("state")).unwrap();
    let foreign = ["notes.txt", "kafka.json", "kafka.dead-letter.ndjson", ".stdout.json.new"];
    for name in foreign {
        fs::write(place.path("state").join(name), "rubbish\n").unwrap();
    }
    assert_code(&place.run(&events(&TYPES)), 0);
    assert_code(&place.audit_log("status"), 0);
    assert_code(&place.audit_log("dead-letter list"), 0);
    for name in &foreign[..3] {
        assert_eq!(place.read(&format!("state/{name}")), "rubbish\n");
    }
}

#[test]
fn two_runs_do_not_share_a_state_directory() {
    let place = Workplace::new(THREE);
    let first = place.begin_run();
    workplace::wait_until("the first has begun", || place.path("state/stdout.json").exists());
    let other = THREE.replace("log/", "other/");
    fs::write(place.path("other.yaml"), other).unwrap();
    let second = place.command("run -c other.yaml").output().unwrap();
    assert_code(&second, 2);
    assert!(stderr(&second).contains("another process delivers from here"), "{}", text(&second));
    let same = place.audit_log("run");
    assert_code(&same, 2);
    assert!(stderr(&same).contains(&format!("process {}", first.id())), "{}", text(&same));
    assert_code(&first.wait_with_output().unwrap(), 0);
    assert_eq!(place.status_of("stdout")["state"]["acknowledged"], 2);
}

#[test]
fn two_of_one_type_need_names() {
    let place = Workplace::new("");
    for (config, expected) in [
        (
            "destinations: [{type: file, path: a.log}, {type: file, path: b.log}]",
            "audit.yaml:1:43: destinations[1]: found type `file` without a `name`, as in `destinations[0]`; expected a `name` for each",
        ),
        (
            "destinations: [{type: file, path: a.log}, {type: stdout, name: x}, {type: stdout, name: x}]",
            "destinations[2].name: found the name of `destinations[1]` again, expected another",
        ),
        (
            "destinations: [{type: file, path: a.log}, {type: stdout, name: ../x}]",
            "destinations[1].name: expected 1 to 100 ASCII letters, digits, `.`, `_` and `-`",
        ),
    ] {
        place.configure(config);
        for command in ["run", "status", "dead-letter list", "dead-letter retry", "check destinations"] {
            let output =
                place.command(&format!("{command} -c audit.yaml")).stdin(Stdio::null()).output().unwrap();
            assert_code(&output, 2);
            assert!(stderr(&output).contains(expected), "{command}: {}", text(&output));
        }
        let check = place.command("config check audit.yaml").output().unwrap();
        assert_code(&check, 1);
        assert!(stdout(&check).contains(expected), "{}", text(&check));
    }
    assert!(!place.path("a.log").exists());
}
