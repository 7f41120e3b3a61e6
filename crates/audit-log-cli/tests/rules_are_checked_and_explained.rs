//! `condition check|translate`, `alerts check` and `alerts explain`.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use workplace::{Workplace, assert_code, stderr, stdout, text};

fn condition(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_audit-log")).arg("condition").args(arguments).output().unwrap()
}

fn of_json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

#[test]
fn a_condition_is_one_or_is_told_why_not() {
    let right = condition(&["check", "event_type == 'backup.failed' and actor.id != 'bob'"]);
    assert_code(&right, 0);
    assert_eq!(stdout(&right), "ok\n");
    let wrong = condition(&["check", "action.result == 'ok' and actor.idd == 'bob'"]);
    assert_code(&wrong, 1);
    let told = stderr(&wrong);
    assert!(told.starts_with("error: column 27: ") && told.contains("did you mean actor.id?"), "{told}");
    let caret = told.lines().last().unwrap();
    assert_eq!(caret.trim_start(), "^^^^^^^^^");
    assert_eq!(caret.find('^'), told.lines().nth_back(1).unwrap().find("actor.idd"), "{told}");

    assert_eq!(
        of_json(&condition(&["check", "--json", "actor.id = 'x'"])),
        json!({"valid": true, "error": null})
    );
    let wrong = of_json(&condition(&["check", "--json", "actor.id ="]));
    assert_eq!((&wrong["valid"], &wrong["error"]["column"]), (&false.into(), &11.into()), "{wrong}");
    for odd in ["", "-1 = 1", "--", "(((((", "\u{1b}[2J"] {
        let output = condition(&["check", "--", odd]);
        assert_code(&output, 1);
        assert!(!text(&output).contains('\u{1b}'), "{odd:?}");
    }
}

#[test]
fn a_condition_is_translated_or_is_told_why_not() {
    for (language, expected) in
        [("sql", "event_type"), ("insights", "filter "), ("opensearch", "{"), ("jq", "select(")]
    {
        let translated = condition(&["translate", "--to", language, "event_type == 'backup.failed'"]);
        assert_code(&translated, 0);
        let translated = stdout(&translated);
        assert!(
            translated.starts_with(expected) && translated.contains("backup.failed"),
            "{language}: {translated}"
        );
    }
    let sealed = condition(&["translate", "--to", "insights", "--sealed", "event_type == 'backup.failed'"]);
    assert!(stdout(&sealed).contains("event.event_type"), "{}", text(&sealed));

    let admins = "event_type = 'auth.login' and 'admin' in actor.roles";
    let cannot = condition(&["translate", "--to", "insights", admins]);
    assert_code(&cannot, 1);
    assert!(
        stderr(&cannot).starts_with("error: column 31: CloudWatch Logs Insights can't say"),
        "{}",
        text(&cannot)
    );
    let cannot = of_json(&condition(&["translate", "--json", "--to", "insights", admins]));
    assert_eq!((&cannot["text"], &cannot["error"]["part"]), (&Value::Null, &"'admin' in actor.roles".into()));
    let told = of_json(&condition(&["translate", "--json", "--to", "jq", "actor.id = 'x'"]));
    assert!(told["text"].is_string() && told["error"].is_null(), "{told}");
    let wrong = condition(&["translate", "--to", "jq", "actor.idd = 'x'"]);
    assert_code(&wrong, 1);
    assert!(stderr(&wrong).contains("did you mean actor.id?"), "{}", text(&wrong));
    let unknown = condition(&["translate", "--to", "athena", "actor.id = 'x'"]);
    assert_code(&unknown, 2);
    assert!(stderr(&unknown).contains("did you mean sql?"), "{}", text(&unknown));
}

const RULES: &str = "
events: [backup.*, auth.login]
alerts:
  - name: failed
    condition: event_type == 'backup.failed' and context.environment == 'production'
    severity: high
    threshold: 3
    window: 10m
    group_by: actor.id
  - name: denied
    condition: event_type == 'access.denied'
  - name: missing
    condition: event_type == 'backup.completed'
    absent_for: 26h
  - name: after-failures
    condition: event_type == 'auth.login'
    preceded_by: {condition: event_type == 'auth.failed', threshold: 2, window: 1h}
  - name: of-alerts
    condition: event_type == 'alert.fired'
";

fn place(more: &str) -> Workplace {
    Workplace::new(&format!("destination: {{type: file, path: audit.log}}\n{RULES}{more}"))
}

#[test]
fn rules_are_right_or_can_never_fire() {
    let place = place("");
    let output = place.audit_log("alerts check");
    assert_code(&output, 0);
    let told = stdout(&output);
    assert!(told.contains("3 events within 10m, per actor.id") && told.contains("none for 26h"), "{told}");
    for doubt in [
        "denied: can never fire: it is about events that are not logged: `events` and `exclude_events` leave out `access.denied`",
        "after-failures: can never fire: its preceded_by is about events that are not logged",
        "of-alerts: can never fire: it is about alerts, and an alert cannot trigger an alert",
    ] {
        assert!(told.contains(doubt), "{told}");
    }
    assert!(told.lines().next().unwrap().ends_with("CHECK"), "{told}");
    assert!(told.ends_with("audit.yaml: 5 rules, 8 warnings\n"), "{told}");
    let report = of_json(&place.audit_log("alerts check --json"));
    assert_eq!((&report["valid"], &report["errors"]), (&true.into(), &json!([])), "{report}");
    let doubts: Vec<bool> =
        report["rules"].as_array().unwrap().iter().map(|rule| rule["doubt"].is_string()).collect();
    assert_eq!(doubts, [false, true, false, true, true], "{report}");
    let first = &report["rules"][0];
    assert_eq!(
        (&first["threshold"], &first["window"], &first["ok"]),
        (&3.into(), &"10m".into(), &true.into())
    );
}

#[test]
fn what_is_wrong_with_a_rule_is_told_with_its_place() {
    let wrong = place(
        "  - {name: bad, condition: \"actor.idd = 'x'\"}\n  - {name: bad-too, condition: \"actor.id = \"}\n",
    );
    let output = wrong.audit_log("alerts check");
    assert_code(&output, 1);
    assert!(
        stdout(&output).contains("alerts[5].condition: column 1: ") && stdout(&output).contains("alerts[6]"),
        "{}",
        text(&output)
    );
    let report = of_json(&wrong.audit_log("alerts check --json"));
    assert_eq!(
        (&report["valid"], report["errors"].as_array().unwrap().len()),
        (&false.into(), 2),
        "{report}"
    );

    let lacks = place("  - {name: told, condition: \"actor.id = 'x'\", notify: [{type: slack}]}\n");
    let mut command = lacks.command("alerts check -c audit.yaml");
    let output = command.env_remove("AUDIT_SLACK_WEBHOOK").output().unwrap();
    assert_code(&output, 1);
    assert!(stdout(&output).contains("missing key `webhook` for rule `told`"), "{}", text(&output));
    assert!(
        stdout(&output).lines().any(|line| line.contains(" told ") && line.contains("WRONG")),
        "{}",
        text(&output)
    );

    let none = Workplace::new("destination: {type: file, path: audit.log}");
    let output = none.audit_log("alerts check");
    assert_code(&output, 0);
    assert!(stdout(&output).contains("no rules"), "{}", text(&output));
    let nowhere = none.command("alerts check -c nowhere.yaml").output().unwrap();
    assert_code(&nowhere, 2);
    assert!(stderr(&nowhere).contains("cannot read the configuration nowhere.yaml"), "{}", text(&nowhere));
}

const EVENT: &str = r#"{"event_type":"backup.failed","event_id":"evt_1","timestamp":"2026-03-01T02:00:00Z","actor":{"id":"bob"},"context":{"environment":"staging"}}"#;

fn explain(place: &Workplace, arguments: &str, events: &str) -> Output {
    let mut command = place.command(&format!("alerts explain -c audit.yaml {arguments}"));
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(events.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn an_event_is_explained_part_by_part() {
    let place = place("");
    let told = explain(&place, "--rule failed", EVENT);
    assert_code(&told, 0);
    assert_eq!(
        stdout(&told),
        "standard input:1: backup.failed evt_1 of 2026-03-01T02:00:00.000Z
  failed (high): it does not count
    ✗ event_type == 'backup.failed' and context.environment == 'production'
      ✓ event_type == 'backup.failed'   (event_type: \"backup.failed\")
      ✗ context.environment == 'production'   (context.environment: \"staging\")
"
    );
    let counts = explain(&place, "--rule failed", &EVENT.replace("staging", "production"));
    assert!(
        stdout(&counts)
            .contains("failed (high): it counts; the rule fires on 3 events within 10m, per actor.id"),
        "{}",
        text(&counts)
    );
    let before = explain(&place, "--rule after-failures", &EVENT.replace("backup.failed", "auth.failed"));
    assert!(stdout(&before).contains("it is one of those that have to come before"), "{}", text(&before));
    assert!(stdout(&before).contains("the configuration does not log it"), "{}", text(&before));
    let ends = explain(&place, "--rule missing", &EVENT.replace("failed", "completed"));
    assert!(
        stdout(&ends).contains("missing (medium): it ends the absence (none for 26h)"),
        "{}",
        text(&ends)
    );
}

#[test]
fn events_are_explained_in_every_form() {
    let place = place("");
    let pretty = serde_json::from_str::<Value>(EVENT).map(|event| format!("{event:#}")).unwrap();
    let seal = r#"{"chain_id":"c","previous_signature":"p","sequence_number":1,"signature":"s"}"#;
    let sealed = format!("{{\"event\":{EVENT},\"integrity\":{seal}}}");
    let ocsf =
        r#"{"class_uid":3002,"activity_id":1,"time":1700533469078,"status_id":2,"user":{"name":"admin"}}"#;
    fs::write(place.path("event.json"), &pretty).unwrap();
    let told = explain(&place, "--json -", &format!("{pretty}\n{EVENT}\n{sealed}\n{ocsf}\n"));
    assert_code(&told, 0);
    let lines: Vec<Value> = stdout(&told).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<&str> = lines.iter().map(|line| line["event_type"].as_str().unwrap()).collect();
    assert_eq!(types, ["backup.failed", "backup.failed", "backup.failed", "auth.failed"]);
    let rule = &lines[0]["rules"][0];
    assert_eq!(
        (&rule["rule"], &rule["matches"], &rule["condition"]["parts"][0]["true"]),
        (&"failed".into(), &false.into(), &true.into())
    );
    assert_eq!(rule["condition"]["parts"][1]["found"]["context.environment"], "staging");
    assert_eq!(lines[3]["logged"], false);
    assert_code(&explain(&place, "event.json", ""), 0);

    for (events, code, why) in [
        ("", 2, "no events: nothing to explain"),
        ("nothing", 2, "standard input:1: "),
        ("{\"actor\":{\"id\":\"bob\"}}", 2, "event_type"),
    ] {
        let output = explain(&place, "", events);
        assert_code(&output, code);
        assert!(stderr(&output).contains(why), "{events}: {}", text(&output));
    }
    let partly = explain(&place, "", &format!("{EVENT}\nnothing\n"));
    assert_code(&partly, 1);
    let unknown = explain(&place, "--rule fialed", EVENT);
    assert_code(&unknown, 2);
    assert!(stderr(&unknown).contains("did you mean `failed`?"), "{}", text(&unknown));
}
