//! `alerts backtest`: what would have fired, when, how often, and whether that was expected.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::Value;
use workplace::{Workplace, assert_code, stderr, stdout, text};

const RULES: &str = "
alerts:
  - name: failed
    condition: event_type == 'backup.failed'
    severity: high
    notify: [{type: slack, webhook: '${NOBODY_HAS_SET_THIS}'}]
  - name: spike
    condition: event_type == 'access.denied'
    threshold: 3
    window: 5m
    group_by: actor.id
  - name: missing
    condition: event_type == 'backup.completed'
    absent_for: 26h
";

/// One event: hour, minute, type and actor.
fn event(hour: u32, minute: u32, event_type: &str, actor: &str) -> String {
    let (day, hour) = (1 + hour / 24, hour % 24);
    format!(
        "{{\"event_type\":\"{event_type}\",\"timestamp\":\"2026-03-{day:02}T{hour:02}:{minute:02}:00Z\",\
         \"actor\":{{\"id\":\"{actor}\"}}}}\n"
    )
}

/// Two days: a backup each night but the second, a failure, and bob who is refused three times and eve who is twice.
fn history() -> Vec<String> {
    vec![
        event(2, 0, "backup.completed", "cron"),
        event(9, 0, "access.denied", "bob"),
        event(9, 1, "access.denied", "eve"),
        event(9, 2, "access.denied", "bob"),
        event(9, 3, "access.denied", "eve"),
        event(9, 4, "access.denied", "bob"),
        event(26, 0, "backup.failed", "cron"),
        event(30, 0, "backup.completed", "cron"),
        event(40, 0, "auth.login", "bob"),
    ]
}

fn place() -> Workplace {
    let place = Workplace::new("destination: {type: file, path: audit.log}");
    fs::write(place.path("rules.yaml"), RULES).unwrap();
    fs::write(place.path("history.ndjson"), history().concat()).unwrap();
    place
}

fn backtest(place: &Workplace, arguments: &str) -> Output {
    place.command(&format!("alerts backtest --rules rules.yaml {arguments}")).output().unwrap()
}

fn json(place: &Workplace, arguments: &str) -> Value {
    let output = backtest(place, &format!("--json {arguments}"));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
}

fn of<'a>(report: &'a Value, rule: &str) -> &'a Value {
    report["rules"].as_array().unwrap().iter().find(|it| it["rule"] == rule).unwrap()
}

#[test]
fn each_rule_says_when_it_would_have_fired_and_how_often() {
    let place = place();
    let report = json(&place, "history.ndjson");
    let counts = |rule: &str| {
        let of = |what: &str| of(&report, rule)[what].as_u64().unwrap();
        [of("matched"), of("fired"), of("repeated"), of("resolved"), of("groups")]
    };
    assert_eq!(counts("failed"), [1, 1, 0, 0, 0]);
    assert_eq!(counts("spike"), [5, 1, 0, 1, 1], "bob's three, and not eve's two");
    assert_eq!(counts("missing"), [2, 1, 0, 1, 0]);
    assert_eq!(of(&report, "spike")["first"], "2026-03-01T09:04:00.000Z");
    assert_eq!(of(&report, "missing")["first"], "2026-03-02T04:00:00.000Z", "26 hours after the last one");
    assert_eq!(
        (&report["events"], &report["no_events"], &report["whole"]),
        (&9.into(), &0.into(), &true.into())
    );

    let table = stdout(&backtest(&place, "history.ndjson"));
    assert!(table.contains("RULE") && table.contains("2026-03-01T09:04:00.000Z"), "{table}");
    assert!(
        table.ends_with("9 events from 2026-03-01T02:00:00.000Z to 2026-03-02T16:00:00.000Z\n"),
        "{table}"
    );
}

#[test]
fn every_alert_is_listed_with_its_time_group_and_event() {
    let place = place();
    let listed = stdout(&backtest(&place, "--list history.ndjson"));
    let lines: Vec<&str> = listed.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(
        lines,
        [
            "2026-03-01T09:04:00.000Z  fired      spike  3 events  actor.id=\"bob\"  history.ndjson:6",
            "2026-03-01T09:09:00.000Z  resolved   spike  3 events  actor.id=\"bob\"  history.ndjson:6",
            "2026-03-02T02:00:00.000Z  fired      failed  1 event  history.ndjson:7",
            "2026-03-02T04:00:00.000Z  fired      missing  0 events",
            "2026-03-02T06:00:00.000Z  resolved   missing  0 events",
        ]
    );
    let report = json(&place, "--list history.ndjson");
    let alerts = report["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 5);
    assert_eq!(
        (&alerts[0]["group"]["actor.id"], &alerts[0]["event_id"]),
        (&"bob".into(), &"history.ndjson:6".into())
    );
    assert_eq!(alerts[0]["alert_id"], alerts[1]["alert_id"], "one alert that began and ended");
    assert_eq!(of(&report, "failed")["fired"], 1);
    assert_eq!(
        json(&place, "--list --rule spike --until 2026-03-01T09:00:30Z history.ndjson")["alerts"],
        Value::Array(vec![])
    );
}

#[test]
fn what_was_expected_decides_the_exit_code() {
    let place = place();
    let met = backtest(&place, "--expect failed=1 --expect spike>=1 --expect missing<=1 history.ndjson");
    assert_code(&met, 0);
    assert!(stdout(&met).ends_with("ok      3 expectations met\n"), "{}", text(&met));
    let missed = backtest(&place, "--expect failed=3 --expect spike=0 --expect missing=1 history.ndjson");
    assert_code(&missed, 1);
    assert!(
        stdout(&missed).contains("FAILED  expected failed=3, and it fired 1 time\n"),
        "{}",
        text(&missed)
    );
    assert!(stdout(&missed).contains("FAILED  expected spike=0, and it fired 1 time\n"), "{}", text(&missed));
    let report = json(&place, "--expect failed=3 --expect spike=1 history.ndjson");
    let expectations = report["expectations"].as_array().unwrap();
    assert_eq!(
        expectations[0],
        serde_json::json!({"expected": "failed=3", "rule": "failed", "fired": 1, "met": false})
    );
    assert_eq!(expectations[1]["met"], true);

    for (arguments, why) in [
        ("--expect spikee=1 history.ndjson", "no rule is called `spikee`; did you mean `spike`?"),
        ("--expect nothing-like-it=1 history.ndjson", "expected one of `failed`, `spike`, `missing`"),
        ("--rule spike --expect failed=1 history.ndjson", "no rule is called `failed`"),
        ("--rule Failed history.ndjson", "did you mean `failed`?"),
        ("--expect spike history.ndjson", "expected NAME=NUMBER, NAME>=NUMBER or NAME<=NUMBER"),
        ("--since 2026-03-02 --until 2026-03-01 history.ndjson", "nothing is left to replay"),
        ("--since yesterday history.ndjson", "such as 7d"),
        ("--config audit.yaml history.ndjson", "cannot be used with"),
        ("nowhere.ndjson", "cannot read nowhere.ndjson"),
    ] {
        let output = backtest(&place, arguments);
        assert_code(&output, 2);
        assert!(stderr(&output).contains(why), "{arguments}: {}", text(&output));
    }
}

#[test]
fn since_and_until_bound_what_is_replayed_and_how_long_time_passes() {
    let place = place();
    let report = json(&place, "--since 2026-03-02 history.ndjson");
    assert_eq!((&report["events"], &report["left_out"]), (&3.into(), &6.into()));
    assert_eq!(of(&report, "missing")["fired"], 0, "the absence counts from --since");
    assert_eq!(of(&report, "failed")["fired"], 1);
    let report = json(&place, "--until 2026-03-02T03:59:00Z history.ndjson");
    assert_eq!(of(&report, "missing")["fired"], 0);
    // Time passes up to --until, whether anything happens or not; without it, only to the last event.
    let report = json(&place, "--until 2026-03-03T08:00:01Z history.ndjson");
    assert_eq!(
        (of(&report, "missing")["fired"].as_u64(), of(&report, "missing")["resolved"].as_u64()),
        (Some(2), Some(1))
    );
    let nothing = backtest(&place, "--since 1h history.ndjson");
    assert_code(&nothing, 2);
    assert!(stderr(&nothing).contains("no events: nothing to replay"), "{}", text(&nothing));
}

#[test]
fn a_line_that_is_no_event_is_told_and_the_rest_goes_on() {
    let place = place();
    let mut lines = history();
    lines.insert(3, "not JSON at all\n".to_owned());
    lines.insert(5, "{\"event_type\":\"auth.login\"}\n".to_owned());
    lines.push(format!(
        "{{\"event_type\":\"backup.failed\",\"timestamp\":\"2026-03-02T16:00:01Z\",\"x\":\"{}\"}}\n",
        "\u{1b}[2J"
    ));
    fs::write(place.path("odd.ndjson"), lines.concat()).unwrap();
    let output = backtest(&place, "odd.ndjson --expect spike=1 --expect failed=1");
    assert_code(&output, 0);
    let told = stderr(&output);
    assert!(
        told.contains("odd.ndjson:4: ") && told.contains("odd.ndjson:6: timestamp: found nothing"),
        "{told}"
    );
    assert!(stdout(&output).contains(", 3 lines that are no event\n"), "{}", text(&output));
    let many = "nothing\n".repeat(1000) + &history().concat();
    fs::write(place.path("many.ndjson"), many).unwrap();
    let output = backtest(&place, "many.ndjson");
    assert_code(&output, 0);
    assert_eq!(stderr(&output).lines().count(), 11, "ten of them, and how many more: {}", stderr(&output));
    assert!(stderr(&output).contains("and 990 more lines that are no events"), "{}", stderr(&output));
}

#[test]
fn late_events_and_repeated_ones_are_told() {
    let place = place();
    let mut lines = history();
    lines.swap(7, 8);
    let repeated = event(9, 4, "access.denied", "bob").replace("\"actor\"", "\"event_id\":\"e1\",\"actor\"");
    lines.insert(6, repeated.repeat(2));
    fs::write(place.path("late.ndjson"), lines.concat()).unwrap();
    let report = json(&place, "late.ndjson");
    assert_eq!(report["out_of_order"], 1);
    assert_eq!(of(&report, "spike")["duplicates"], 1);
    let output = backtest(&place, "late.ndjson");
    assert!(
        stdout(&output).contains("spike: 1 event stood there twice and counted once\n"),
        "{}",
        text(&output)
    );
    assert!(stdout(&output).contains(", 1 older than one before"), "{}", text(&output));
}

#[test]
fn standard_input_compressed_files_and_ocsf_records_are_read_as_well() {
    let place = place();
    let expected = "--expect failed=1 --expect spike=1 --expect missing=1";
    let mut piped = place.command(&format!("alerts backtest --rules rules.yaml {expected}"));
    let mut child = piped.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(history().concat().as_bytes()).unwrap();
    assert_code(&child.wait_with_output().unwrap(), 0);

    let packed = File::create(place.path("history.ndjson.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
    packed.write_all(history().concat().as_bytes()).unwrap();
    packed.finish().unwrap();
    assert_code(&backtest(&place, &format!("{expected} history.ndjson.gz")), 0);

    let whole = fs::read(place.path("history.ndjson.gz")).unwrap();
    fs::write(place.path("torn.gz"), &whole[..whole.len() - 20]).unwrap();
    let torn = backtest(&place, "torn.gz");
    assert!(matches!(torn.status.code(), Some(1 | 2)), "{}", text(&torn));
    assert!(stderr(&torn).contains("cannot be read from here on"), "{}", text(&torn));

    let converted = place.command("ocsf convert --to ocsf history.ndjson -o history.ocsf").output().unwrap();
    assert_code(&converted, 0);
    let ocsf = backtest(&place, &format!("{expected} history.ocsf"));
    assert_code(&ocsf, 0);
}

#[test]
fn a_log_is_read_with_its_rotated_files_and_in_their_order() {
    let place = place();
    place.configure(
        "destination: {type: file, path: log/audit.log, rotation: {max_size_mb: 1, compress: true}}",
    );
    let filler = "x".repeat(2000);
    let mut events = String::new();
    for number in 0..1500 {
        let (hour, minute, second) = (number / 3600, number / 60 % 60, number % 60);
        events += &format!(
            "{{\"event_type\":\"backup.failed\",\"timestamp\":\"2026-03-01T{hour:02}:{minute:02}:{second:02}Z\",\
             \"event_id\":\"e{number}\",\"actor\":{{\"id\":\"a\"}},\"details\":{{\"x\":\"{filler}\"}}}}\n"
        );
    }
    assert_code(&place.run(&events), 0);
    let files = fs::read_dir(place.path("log")).unwrap().count();
    assert!(files > 3, "{files}: it was rotated");
    for path in ["log/audit.log", "log"] {
        let report = json(&place, &format!("--rule failed {path}"));
        let rule = of(&report, "failed");
        let told = rule["fired"].as_u64().unwrap() + rule["summed_up"].as_u64().unwrap();
        assert_eq!((rule["matched"].as_u64(), told), (Some(1500), 1500), "{path}: {report}");
        assert_eq!(report["out_of_order"], 0, "{path}: {report}");
        let first = report["first"].as_str().unwrap();
        assert!(
            first.starts_with("2026-02-28T23:59:59."),
            "the log's own records are of the events' time: {first}"
        );
    }
    let only = json(&place, "--rule failed --only log/audit.log");
    assert!(of(&only, "failed")["matched"].as_u64().unwrap() < 1500, "{only}");
}

#[test]
fn a_configuration_leaves_out_what_it_does_not_log() {
    let place = place();
    place.configure(&format!(
        "destination: {{type: file, path: audit.log}}\nevents: [backup.*, access.denied]\nwhere: actor.id != 'bob'\n{RULES}"
    ));
    let output = place.audit_log("alerts backtest --json history.ndjson");
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    assert_eq!((of(&report, "spike")["matched"].as_u64(), report["not_logged"].as_u64()), (Some(2), Some(3)));
    assert_eq!(of(&report, "failed")["fired"], 1);
}

#[test]
fn rules_that_are_wrong_are_told_with_their_place() {
    let place = place();
    for (rules, why) in [
        (
            "alerts:\n  - name: a\n    condition: actor.idd == 'bob'\n",
            "rules.yaml:3:16: alerts[0].condition: column 1: ",
        ),
        (
            "alerts:\n  - {name: a, condition: \"actor.id == '${NOBODY_HAS_SET_THIS}'\"}\n",
            "`NOBODY_HAS_SET_THIS` is not set",
        ),
        ("alerts: []\n", "found no rule"),
        ("events: [backup.*]\n", "found no rule"),
        (": :", "rules.yaml"),
    ] {
        fs::write(place.path("rules.yaml"), rules).unwrap();
        let output = backtest(&place, "history.ndjson");
        assert_code(&output, 2);
        assert!(stderr(&output).contains(why), "{rules}: {}", text(&output));
    }
    let twice = place.command("alerts backtest --rules rules.yaml --rules rules.yaml history.ndjson");
    fs::write(place.path("rules.yaml"), RULES).unwrap();
    let twice = { twice }.output().unwrap();
    assert_code(&twice, 2);
    assert!(stderr(&twice).contains("the name is taken by another rule"), "{}", text(&twice));
}
