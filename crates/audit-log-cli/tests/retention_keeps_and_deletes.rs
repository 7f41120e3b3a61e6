//! What is too old is deleted and that is on record; what is held, or too young, stays. For the program, with real files.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::fs;
use std::process::Command;

use serde_json::Value;
use workplace::{Workplace, assert_code, event, stdout, text, wait_until};

const CONFIG: &str = "
destination: {type: file, path: audit.log, rotation: {max_age: 1ms}}
retention: {min_days: 365, max_days: 2555, interval: 1s}
";

/// The rotated files of a log, the oldest first.
fn rotated(place: &Workplace, log: &str) -> Vec<String> {
    let names = fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names
        .map(|name| name.into_string().unwrap())
        .filter(|name| name.starts_with(&format!("{log}.0")))
        .collect();
    names.sort();
    names
}

/// Some runs, each of which begins at least one new file.
fn filled(config: &str, runs: u64) -> Workplace {
    let place = Workplace::new(config);
    for number in 0..runs {
        assert_code(&place.run(&event("backup.completed", number)), 0);
    }
    place
}

/// Has the first files of a log rotated in these years: a name is all that tells their age.
fn age(place: &Workplace, log: &str, years: &[u32]) {
    for (name, year) in rotated(place, log).into_iter().zip(years) {
        let (before, time) = name.rsplit_once('.').unwrap();
        fs::rename(place.path(&name), place.path(&format!("{before}.{year}{}", &time[4..]))).unwrap();
    }
}

/// All that is left of the log.
fn all(place: &Workplace) -> String {
    let files = rotated(place, "audit.log").into_iter().chain(["audit.log".to_owned()]);
    files.map(|name| place.read_if_there(&name)).collect()
}

fn applied(place: &Workplace) -> Vec<Value> {
    let lines = all(place);
    let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take());
    events.filter(|event| event["event_type"] == "audit.retention_applied").collect()
}

#[test]
fn what_is_too_old_goes_and_the_log_still_verifies() {
    let place = filled(CONFIG, 4);
    let before = rotated(&place, "audit.log").len();
    age(&place, "audit.log", &[2010, 2011]);
    let names = rotated(&place, "audit.log");

    let plan = place.json("retention plan");
    let changes = plan["places"][0]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{plan:#}");
    assert_eq!(changes[0]["name"], names[0].as_str());
    assert_eq!(rotated(&place, "audit.log"), names, "a plan changes nothing");

    let output = place.audit_log("retention apply");
    assert_code(&output, 0);
    assert_eq!(stdout(&output).matches("done ").count(), 2, "{}", text(&output));
    let left = rotated(&place, "audit.log");
    assert!(!left.contains(&names[0]) && !left.contains(&names[1]) && left.contains(&names[2]), "{left:?}");

    let records = applied(&place);
    assert_eq!(records.len(), 2);
    for (record, name) in records.iter().zip(&names) {
        assert_eq!(record["details"]["file"], name.as_str());
        assert_eq!(record["details"]["rule"], "retention.max_days");
        assert!(record["details"]["last_signature"].as_str().unwrap().starts_with("sha256:"));
    }
    let verdict = place.verify("audit.log");
    assert_code(&verdict, 0);
    assert!(stdout(&verdict).starts_with("intact, head pruned by policy"), "{}", text(&verdict));

    let again = place.audit_log("retention apply");
    assert_code(&again, 0);
    assert!(!stdout(&again).contains("done "), "{}", text(&again));
    assert!(before >= 4);
}

#[test]
fn what_somebody_else_deletes_is_found_out_all_the_same() {
    let place = filled(CONFIG, 5);
    age(&place, "audit.log", &[2010, 2024]);
    assert_code(&place.audit_log("retention apply"), 0);
    let by_hand = &rotated(&place, "audit.log")[0];
    fs::remove_file(place.path(by_hand)).unwrap();
    let verdict = place.verify("audit.log");
    assert_code(&verdict, 1);
    assert!(stdout(&verdict).starts_with("head cut"), "{}", text(&verdict));
}

#[test]
fn a_hold_wins_over_age_and_number() {
    let config = CONFIG.replace("max_age: 1ms", "max_age: 1ms, max_files: 1");
    let place = filled(&config, 4);
    age(&place, "audit.log", &[2010, 2011, 2012, 2013]);
    let names = rotated(&place, "audit.log");
    let held = place
        .command("hold add case-17 -c audit.yaml --by legal@company.com --from 2011-06-01 --to 2011-12-31 --until 2099-01-01")
        .args(["--reason", "a lawsuit"])
        .output()
        .unwrap();
    assert_code(&held, 0);
    assert!(stdout(&held).contains("it is on record"), "{}", text(&held));

    let plan = place.audit_log("retention plan");
    assert!(stdout(&plan).contains("case-17") && stdout(&plan).contains("1 change"), "{}", text(&plan));
    assert_code(&place.audit_log("retention apply"), 0);
    let left = rotated(&place, "audit.log");
    // Before the held one nothing has to stay; behind it all has, or the chain would have a hole.
    assert_eq!(left[..3], names[1..4], "{left:?}");

    let list = place.json("hold list");
    assert_eq!(list["holds"][0]["id"], "case-17");
    assert_eq!(list["holds"][0]["active"], true);
    let twice = place.audit_log("hold add case-17 --reason again --by x");
    assert_code(&twice, 2);

    let released = place.audit_log("hold release case-17 --reason settled --by legal@company.com");
    assert_code(&released, 0);
    assert_code(&place.audit_log("retention apply"), 0);
    let left = rotated(&place, "audit.log");
    assert!(names[..4].iter().all(|name| !left.contains(name)), "{left:?}");
    let log = all(&place);
    for event_type in ["audit.hold_placed", "audit.hold_released"] {
        assert_eq!(log.matches(&format!("\"event_type\":\"{event_type}\"")).count(), 1, "{event_type}");
    }
    assert_code(&place.verify("audit.log"), 0);
    assert_eq!(stdout(&place.audit_log("hold list")), "no holds\n");
}

#[test]
fn a_running_log_keeps_itself_and_notices_holds() {
    let place = filled(CONFIG, 4);
    age(&place, "audit.log", &[2010, 2011]);
    let names = rotated(&place, "audit.log");
    let held = place.audit_log("hold add everything --reason audit --by auditor");
    assert_code(&held, 0);

    let mut child = place.begin_run();
    // Four runs, and the hold's.
    wait_until("it has the log", || all(&place).matches("audit.started").count() == 6);
    let busy = place.audit_log("retention apply");
    assert!(text(&busy).contains("applies its retention"), "{}", text(&busy));
    assert!(names.iter().all(|name| rotated(&place, "audit.log").contains(name)));

    let released = place.audit_log("hold release everything --reason done --by auditor");
    assert_code(&released, 0);
    assert!(stdout(&released).contains("records it within a second"), "{}", text(&released));
    wait_until("the two oldest are gone", || !rotated(&place, "audit.log").contains(&names[1]));
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(applied(&place).len(), 2);
    assert!(all(&place).contains("audit.hold_released"));
    assert_code(&place.verify("audit.log"), 0);
}

#[test]
fn files_are_counted_and_the_minimum_is_kept() {
    let rotation = "destination: {type: file, path: audit.log, rotation: {max_size_mb: 1, max_files: 2}}";
    // Each too large to share a file with another.
    let large = |number: u64| {
        let event = event("backup.completed", number);
        event.replace("\"n\":", &format!("\"note\":\"{}\",\"n\":", "x".repeat(600 << 10)))
    };
    let runs = |place: &Workplace| (0..5).for_each(|number| assert_code(&place.run(&large(number)), 0));
    let place = Workplace::new(&format!("{rotation}\nretention: {{min_days: 30}}"));
    runs(&place);
    assert_eq!(rotated(&place, "audit.log").len(), 4, "nothing is 30 days old");

    let place = Workplace::new(rotation);
    runs(&place);
    assert_eq!(rotated(&place, "audit.log").len(), 2);
    let records = applied(&place);
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record["details"]["rule"] == "rotation.max_files"), "{records:?}");
    assert_code(&place.verify("audit.log"), 0);
}

#[test]
fn a_copy_in_another_file_is_kept_by_the_same_policy() {
    let config = "
destinations:
  - {type: file, path: audit.log, rotation: {max_age: 1ms}}
  - {type: file, name: copy, path: copy.log, rotation: {max_age: 1ms, max_files: 1}}
retention: {max_days: 2555}
";
    let place = filled(config, 4);
    age(&place, "copy.log", &[2010, 2011]);
    let names = rotated(&place, "copy.log");
    assert_code(&place.audit_log("retention apply"), 0);
    assert!(!rotated(&place, "copy.log").contains(&names[1]));
    let records = applied(&place);
    assert_eq!(records.len(), 2, "{records:#?}");
    assert_eq!(records[0]["details"]["destination"], "copy");
    // What went from the copy excuses nothing in the log itself.
    let verdict = place.verify("audit.log");
    assert!(stdout(&verdict).starts_with("intact:"), "{}", text(&verdict));
    fs::remove_file(place.path(&rotated(&place, "audit.log")[0])).unwrap();
    assert_code(&place.verify("audit.log"), 1);
}

#[test]
fn broken_holds_keep_everything() {
    let place = filled(CONFIG, 3);
    age(&place, "audit.log", &[2010]);
    let names = rotated(&place, "audit.log");
    fs::write(place.path(".audit.log.holds.json"), "{ this is").unwrap();
    let plan = place.audit_log("retention plan");
    assert_code(&plan, 2);
    assert!(text(&plan).contains("holds.json"), "{}", text(&plan));
    let run = place.run(&event("backup.completed", 9));
    assert!(text(&run).contains("nothing is deleted"), "{}", text(&run));
    assert!(rotated(&place, "audit.log").contains(&names[0]));
}

#[test]
fn a_plan_is_a_table_for_people() {
    let place = filled(CONFIG, 3);
    age(&place, "audit.log", &[2010]);
    let plan = place.audit_log("retention plan");
    assert!(stdout(&plan).contains("PLACE") && stdout(&plan).contains("1 change"), "{}", text(&plan));
    let help =
        Command::new(env!("CARGO_BIN_EXE_audit-log")).args(["hold", "add", "--help"]).output().unwrap();
    assert!(text(&help).contains("--reason"));
}

#[test]
fn a_day_is_held_to_its_end() {
    let place = filled(CONFIG, 3);
    age(&place, "audit.log", &[2010]);
    let name = &rotated(&place, "audit.log")[0];
    let day = {
        let time = name.rsplit('.').next().unwrap();
        format!("{}-{}-{}", &time[..4], &time[4..6], &time[6..8])
    };
    let held = place.audit_log(&format!("hold add day --reason x --by y --from {day} --to {day}"));
    assert_code(&held, 0);
    assert!(stdout(&place.audit_log("retention plan")).contains("0 changes"));
    // A time without its zone is refused, not read as another.
    assert_code(&place.audit_log(&format!("hold add t --reason x --by y --to {day}T18:00")), 2);
}

#[test]
fn an_unsealed_log_keeps_the_file_that_knows_its_number() {
    let place = Workplace::new("");
    let config =
        "destination: {type: file, path: audit.log, rotation: {max_age: 1ms}}\nretention: {max_days: 30}\n";
    fs::write(place.path("audit.yaml"), config).unwrap();
    for number in 0..3 {
        assert_code(&place.run(&event("backup.completed", number)), 0);
    }
    let count = rotated(&place, "audit.log").len();
    age(&place, "audit.log", &vec![2010; count]);
    let plan = place.json("retention plan");
    assert_eq!(plan["places"][0]["changes"].as_array().unwrap().len(), count - 1, "{plan:#}");
    let note = plan["places"][0]["notes"][0].as_str().unwrap();
    assert!(note.contains("stays until there is a newer one"), "{note}");
}

#[test]
fn nothing_is_held_where_there_is_no_log() {
    let place = Workplace::new(CONFIG);
    let held = place.audit_log("hold add early --reason x --by y");
    assert_code(&held, 2);
    assert!(text(&held).contains("there is no log at"), "{}", text(&held));
    assert!(!place.path("audit.log").exists());
}

#[test]
fn a_hold_that_could_not_be_put_on_record_holds_and_is_recorded_later() {
    let place = filled(CONFIG, 3);
    age(&place, "audit.log", &[2010]);
    let no_key = "integrity: {chain: {enabled: true}, signing: {enabled: true, key_file: no.key}}";
    fs::write(place.path("audit.yaml"), format!("{CONFIG}{no_key}\n")).unwrap();
    let held = place.audit_log("hold add case-17 --reason lawsuit --by legal@company.com");
    assert_code(&held, 1);
    let said = text(&held);
    assert!(
        said.contains("is placed") && said.contains("put on record when the log is next opened"),
        "{said}"
    );
    place.configure(CONFIG);
    assert!(stdout(&place.audit_log("retention plan")).contains("0 changes"));
    assert!(!all(&place).contains("audit.hold_placed"));
    assert_code(&place.run(&event("backup.completed", 9)), 0);
    assert!(all(&place).contains("audit.hold_placed"));
}

#[test]
fn a_destination_may_be_called_log() {
    let place = filled(
        "
destinations:
  - {type: file, path: audit.log, rotation: {max_age: 1ms}}
  - {type: file, name: log, path: copy/audit.log, rotation: {max_age: 1ms}}
retention: {max_days: 2555}
",
        3,
    );
    fs::create_dir_all(place.path("copy")).unwrap();
    let names: Vec<_> = fs::read_dir(place.path("copy")).unwrap().map(|it| it.unwrap().file_name()).collect();
    let mut old: Vec<String> = names.into_iter().map(|name| name.into_string().unwrap()).collect();
    old.retain(|name| name.starts_with("audit.log.0"));
    old.sort();
    let (before, time) = old[0].rsplit_once('.').unwrap();
    let aged = format!("{before}.2010{}", &time[4..]);
    fs::rename(place.path(&format!("copy/{}", old[0])), place.path(&format!("copy/{aged}"))).unwrap();
    let own = rotated(&place, "audit.log");
    assert_code(&place.audit_log("retention apply"), 0);
    assert!(!place.path(&format!("copy/{aged}")).exists());
    assert!(own.iter().all(|name| place.path(name).exists()));
    // Of two files of one name, the deletion excuses the one that it was of.
    fs::remove_file(place.path(&own[0])).unwrap();
    assert_code(&place.verify("audit.log"), 1);
}
