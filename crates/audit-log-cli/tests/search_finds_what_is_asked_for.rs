//! `search`: which records, how they are printed, and what the exit code says.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use workplace::ocsf::{records, with_copy, with_signed_log};
use workplace::{Workplace, assert_code, stderr, stdout, text};

const PLAIN: &str = "destination: {type: file, path: audit.log}";

/// Four events of two days, of which one has nearly nothing.
const EVENTS: &str = r#"{"event_type":"backup.failed","timestamp":"2026-03-01T02:00:00Z","event_id":"e1","actor":{"id":"cron"},"resource":{"id":"nightly"},"action":{"result":"failure"},"details":{"reason":"disk, \"full\"","size":7}}
{"event_type":"access.denied","timestamp":"2026-03-01T09:00:00Z","event_id":"e2","actor":{"id":"bob@company.com"},"details":{"reason":"no role","size":"7"}}
{"event_type":"access.denied","timestamp":"2026-03-02T09:00:00.250+01:00","event_id":"e3","actor":{"id":"bob@company.com"},"details":{"reason":""}}
{"event_type":"auth.login","timestamp":"2026-03-02T10:00:00Z","event_id":"e4"}
"#;

fn place() -> Workplace {
    let place = Workplace::new(PLAIN);
    fs::write(place.path("events.ndjson"), EVENTS).unwrap();
    place
}

fn search(place: &Workplace, arguments: &[&str]) -> Output {
    place.command("search").args(arguments).output().unwrap()
}

/// What is found, by the ids of the events.
fn found(place: &Workplace, arguments: &[&str]) -> Vec<String> {
    let output = search(place, &[arguments, &["--format", "csv", "--fields", "event_id"]].concat());
    assert_eq!(stderr(&output), "", "{arguments:?}");
    stdout(&output).lines().skip(1).map(str::to_owned).collect()
}

fn write_gz(place: &Workplace, name: &str, content: &str) {
    let mut packed = GzEncoder::new(File::create(place.path(name)).unwrap(), Compression::fast());
    packed.write_all(content.as_bytes()).unwrap();
    packed.finish().unwrap();
}

#[test]
fn without_filters_the_log_comes_out_as_it_is() {
    let place = with_signed_log();
    let all = search(&place, &["log/audit.log"]);
    assert_code(&all, 0);
    assert_eq!(stdout(&all), place.read("log/audit.log"));
    assert_eq!(stdout(&search(&place, &["log"])), place.read("log/audit.log"), "a directory");
    assert_eq!(stderr(&all), "");
}

#[test]
fn every_filter_leaves_out_what_it_should() {
    let place = place();
    let of = |arguments: &[&str]| found(&place, &[arguments, &["events.ndjson"]].concat());
    assert_eq!(of(&[]), ["e1", "e2", "e3", "e4"]);
    assert_eq!(of(&["--where", "details.reason contains 'role' or details.size = 7"]), ["e1", "e2"]);
    assert_eq!(of(&["--type", "access.*", "--type", "auth.login"]), ["e2", "e3", "e4"]);
    assert_eq!(of(&["--actor", "cron", "--actor", "nobody"]), ["e1"]);
    assert_eq!(of(&["--since", "2026-03-01T09:00:00Z", "--until", "2026-03-02T08:00:00.250Z"]), ["e2"]);
    assert_eq!(of(&["--since", "2026-03-02"]), ["e3", "e4"], "midnight in UTC");
    assert_eq!(of(&["--until", "2026-03-02", "--type", "access.denied"]), ["e2"]);
    assert_eq!(of(&["--since", "1h"]), [""; 0]);
    assert_eq!(of(&["--limit", "2"]), ["e1", "e2"]);
    assert_eq!(of(&["--limit", "0"]), [""; 0]);
}

#[test]
fn each_format_says_the_same() {
    let place = place();
    let print = |format: &str, fields: &[&str]| {
        stdout(&search(
            &place,
            &[&["--format", format, "--threads", "2"], fields, &["events.ndjson"]].concat(),
        ))
    };
    let fields = ["--fields", "timestamp,actor.id,details.reason,details.size"];
    assert_eq!(print("ndjson", &[]), EVENTS);
    assert_eq!(print("json", &[]), format!("[\n{}\n]\n", EVENTS.trim_end().replace('\n', ",\n")));
    assert_eq!(
        print("ndjson", &fields),
        r#"{"timestamp":"2026-03-01T02:00:00.000Z","actor.id":"cron","details.reason":"disk, \"full\"","details.size":7}
{"timestamp":"2026-03-01T09:00:00.000Z","actor.id":"bob@company.com","details.reason":"no role","details.size":"7"}
{"timestamp":"2026-03-02T08:00:00.250Z","actor.id":"bob@company.com","details.reason":"","details.size":null}
{"timestamp":"2026-03-02T10:00:00.000Z","actor.id":null,"details.reason":null,"details.size":null}
"#
    );
    assert_eq!(
        print("csv", &fields),
        "timestamp,actor.id,details.reason,details.size\r\n\
         2026-03-01T02:00:00.000Z,cron,\"disk, \"\"full\"\"\",7\r\n\
         2026-03-01T09:00:00.000Z,bob@company.com,no role,7\r\n\
         2026-03-02T08:00:00.250Z,bob@company.com,\"\",\r\n\
         2026-03-02T10:00:00.000Z,,,\r\n"
    );
    assert_eq!(
        print("table", &[]),
        "TIMESTAMP                 EVENT_TYPE            ACTOR.ID           RESOURCE.ID        ACTION.RESULT\n\
         2026-03-01T02:00:00.000Z  backup.failed         cron               nightly            failure\n\
         2026-03-01T09:00:00.000Z  access.denied         bob@company.com    -                  -\n\
         2026-03-02T08:00:00.250Z  access.denied         bob@company.com    -                  -\n\
         2026-03-02T10:00:00.000Z  auth.login            -                  -                  -\n"
    );
    assert!(print("csv", &[]).starts_with("timestamp,event_type,actor.id,resource.id,action.result\r\n"));
    let array: Value = serde_json::from_str(&print("json", &fields)).unwrap();
    assert_eq!(array.as_array().unwrap().len(), 4);
}

#[test]
fn nothing_found_is_an_empty_result_in_each_format() {
    let place = place();
    for (format, printed) in [("json", "[]\n"), ("ndjson", ""), ("table", ""), ("csv", "event_id\r\n")] {
        let arguments = ["--actor", "nobody", "--format", format, "--fields", "event_id", "events.ndjson"];
        let output = search(&place, &arguments);
        assert_code(&output, 1);
        assert_eq!(text(&output), printed, "{format}");
    }
    let groups = ["--actor", "nobody", "--format", "json", "--group-by", "event_type", "events.ndjson"];
    assert_eq!(stdout(&search(&place, &groups)), "[]\n");
}

#[test]
fn a_count_is_one_number() {
    let place = place();
    let count = |arguments: &[&str], code: i32| {
        let output = search(&place, &[&["--count"], arguments, &["events.ndjson"]].concat());
        assert_code(&output, code);
        stdout(&output)
    };
    assert_eq!(count(&[], 0), "4\n");
    assert_eq!(count(&["--type", "access.denied"], 0), "2\n");
    assert_eq!(count(&["--actor", "nobody"], 1), "0\n");
    assert_eq!(count(&["--limit", "3"], 0), "3\n");
}

#[test]
fn groups_come_with_the_largest_first_and_tell_nothing_from_something() {
    let place = place();
    let odd = r#"{"event_type":"auth.login","timestamp":"2026-03-03T10:00:00Z","actor":{"id":"-"}}
{"event_type":"auth.login","timestamp":"2026-03-03T10:00:00Z","actor":{"id":""}}
{"event_type":"auth.login","timestamp":"2026-03-03T10:00:00Z","actor":{"id":null}}
{"event_type":"auth.login","timestamp":"2026-03-03T10:00:00Z","actor":{"id":"null"}}
"#;
    fs::write(place.path("odd.ndjson"), odd).unwrap();
    let group = |arguments: &[&str]| {
        let output = search(&place, &[arguments, &["events.ndjson", "odd.ndjson"]].concat());
        assert_code(&output, 0);
        stdout(&output)
    };
    assert_eq!(
        group(&["--group-by", "event_type,actor.id"]),
        r#"{"event_type":"access.denied","actor.id":"bob@company.com","count":2}
{"event_type":"auth.login","actor.id":null,"count":2}
{"event_type":"auth.login","actor.id":"","count":1}
{"event_type":"auth.login","actor.id":"-","count":1}
{"event_type":"auth.login","actor.id":"null","count":1}
{"event_type":"backup.failed","actor.id":"cron","count":1}
"#
    );
    assert_eq!(
        group(&["--group-by", "actor.id", "--format", "csv"]),
        "actor.id,count\r\nbob@company.com,2\r\n,2\r\n\"\",1\r\n'-,1\r\ncron,1\r\nnull,1\r\n"
    );
    assert_eq!(
        group(&["--group-by", "actor.id", "--format", "table"]),
        "ACTOR.ID         COUNT\n\
         bob@company.com      2\n\
         -                    2\n\
         \"\"                   1\n\
         \"-\"                  1\n\
         cron                 1\n\
         null                 1\n"
    );
    let typed = group(&["--group-by", "details.size", "--format", "json", "--limit", "3"]);
    let typed: Value = serde_json::from_str(&typed).unwrap();
    let sizes: Vec<&Value> = typed.as_array().unwrap().iter().map(|group| &group["details.size"]).collect();
    assert_eq!(sizes, [&Value::Null, &"7".into(), &7.into()], "the number and the text are two groups");
}

#[test]
fn groups_and_counts_are_the_same_on_any_number_of_threads() {
    let place = Workplace::new(PLAIN);
    let line = |number: u32| {
        let (kind, actor) =
            (["backup.failed", "auth.login", "access.denied"][number as usize % 3], number % 17);
        format!(
            "{{\"event_type\":\"{kind}\",\"timestamp\":\"2026-03-01T02:00:00Z\",\"actor\":{{\"id\":\"a{actor}\"}},\"details\":{{\"n\":{number}}}}}\n"
        )
    };
    let all: String = (0..40_000).map(line).collect();
    fs::write(place.path("many.ndjson"), &all).unwrap();
    write_gz(&place, "many.gz", &all);
    let groups = |threads: &str, file: &str| {
        stdout(&search(&place, &["--group-by", "event_type,actor.id", "--threads", threads, file]))
    };
    let one = groups("1", "many.ndjson");
    assert_eq!(one.lines().count(), 51);
    assert_eq!(one, groups("4", "many.ndjson"));
    assert_eq!(one, groups("2", "many.gz"));
    let rows = |threads: &str, file: &str| {
        stdout(&search(&place, &["--where", "details.n between 5000 and 35000", "--threads", threads, file]))
    };
    let expected: String = (5000..=35_000).map(line).collect();
    assert!(rows("1", "many.ndjson") == expected, "in the order of the file");
    assert!(rows("4", "many.ndjson") == expected, "on four threads");
    assert!(rows("4", "many.gz") == expected, "of a packed file");
}

#[test]
fn copies_in_ocsf_are_found_by_the_same_questions() {
    let place = with_copy();
    let ask = |path: &str| {
        let question =
            ["--where", "event_type like '%.failed' and actor.id exists", "--fields", "event_type,actor.id"];
        let output = search(&place, &[&question[..], &[path]].concat());
        assert_code(&output, 0);
        stdout(&output)
    };
    assert_eq!(ask("copy.ndjson"), ask("log/audit.log"));
    let records = records(&stdout(&search(&place, &["--type", "backup.*", "copy.ndjson"])));
    assert!(records.iter().all(|record| record["class_uid"].is_number()), "as they stand in the copy");
}

#[test]
fn records_that_are_spread_over_lines_come_out_on_one() {
    let place = Workplace::new(PLAIN);
    let spread = "{\n  \"event_type\": \"auth.login\",\n  \"timestamp\": \"2026-03-01T02:00:00Z\",\n  \"details\": {\"a b\": \"x  y\"}\n}\n";
    fs::write(place.path("spread.json"), format!("[{spread},{spread}]")).unwrap();
    let output = search(&place, &["spread.json"]);
    let line = "{\"event_type\":\"auth.login\",\"timestamp\":\"2026-03-01T02:00:00Z\",\"details\":{\"a b\":\"x  y\"}}\n";
    assert_eq!(stdout(&output), line.repeat(2));
}

#[test]
fn standard_input_patterns_and_packed_files_are_read() {
    let place = place();
    write_gz(&place, "old.ndjson.gz", &EVENTS.replace("\"event_id\":\"e", "\"event_id\":\"old-e"));
    let mut child = place
        .command("search --count --type access.denied old.ndjson.gz -")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(EVENTS.as_bytes()).unwrap();
    assert_eq!(stdout(&child.wait_with_output().unwrap()), "4\n");
    let quoted = found(&place, &["--type", "auth.*", "*.ndjson*"]);
    assert_eq!(quoted, ["e4", "old-e4"]);
    let nothing = search(&place, &["--count", "*.nothing", "events.ndjson"]);
    assert_code(&nothing, 2);
    assert_eq!(stdout(&nothing), "4\n", "what is there is searched all the same");
    assert!(stderr(&nothing).contains("*.nothing: no file is called so"), "{}", text(&nothing));
}

#[test]
fn a_limit_ends_the_reading_of_what_never_ends() {
    let place = place();
    let mut child = place.command("search --limit 3 -").stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || while stdin.write_all(EVENTS.as_bytes()).is_ok() {});
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_code(&output, 0);
    assert_eq!(stdout(&output).lines().count(), 3);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = place();
    for format in ["ndjson", "json", "csv", "table"] {
        let mut child =
            place.command(&format!("search --format {format} -")).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || while stdin.write_all(EVENTS.as_bytes()).is_ok() {});
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert_code(&output, 0);
        assert_eq!(stderr(&output), "", "{format}");
    }
}

#[test]
fn lines_that_are_no_events_are_told_and_the_rest_is_found() {
    let place = place();
    let bad = "no event\n".repeat(8);
    fs::write(place.path("mixed.ndjson"), format!("{EVENTS}{bad}{EVENTS}")).unwrap();
    let output = search(&place, &["--count", "mixed.ndjson"]);
    assert_code(&output, 0);
    assert_eq!(stdout(&output), "8\n");
    let told = stderr(&output);
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("mixed.ndjson:5: ") && lines[4].starts_with("mixed.ndjson:9: "), "{told}");
    assert_eq!(lines[5..], ["8 lines are no events and were left out"], "{told}");
}

#[test]
fn what_cannot_be_read_is_told_beside_what_can() {
    let place = place();
    write_gz(&place, "cut.gz", &EVENTS.repeat(1000));
    let whole = fs::read(place.path("cut.gz")).unwrap();
    fs::write(place.path("cut.gz"), &whole[..whole.len() / 2]).unwrap();
    for bad in ["missing.ndjson", "cut.gz"] {
        let output = search(&place, &["--type", "auth.login", bad, "events.ndjson"]);
        assert_code(&output, 2);
        assert!(stdout(&output).ends_with("\"event_id\":\"e4\"}\n"), "{}", text(&output));
        assert!(stderr(&output).contains(&format!("error: cannot read {bad}: ")), "{}", text(&output));
    }
}

#[test]
fn a_log_that_is_gone_is_not_taken_for_an_empty_one() {
    let place = with_signed_log();
    fs::remove_file(place.path("log/audit.log")).unwrap();
    for path in ["log", "log/audit.log"] {
        let output = search(&place, &["--count", path]);
        assert_code(&output, 2);
        assert!(
            stderr(&output).contains("error: cannot read log/audit.log: No such file"),
            "{}",
            text(&output)
        );
    }
}

#[test]
fn printed_questions_get_the_answers_of_jq() {
    let place = with_signed_log();
    let jq = |question: &str| {
        let output =
            Command::new("jq").args(["-c", question]).arg(place.path("log/audit.log")).output().ok()?;
        assert!(output.status.success(), "{}", text(&output));
        Some(records(&stdout(&output)))
    };
    let ask = |arguments: &[&str]| {
        let output = search(&place, &[arguments, &["log/audit.log"]].concat());
        assert_code(&output, 0);
        records(&stdout(&output))
    };
    let questions: [(&str, &[&str]); 2] = [
        (r#"select(.event.event_type == "backup.failed")"#, &["--type", "backup.failed"]),
        (
            r#"select(.event.event_type == "access.denied" and .event.actor.id == "bob@example.com")"#,
            &["--type", "access.denied", "--actor", "bob@example.com"],
        ),
    ];
    for (question, arguments) in questions {
        let Some(expected) = jq(question) else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no jq");
            println!("skipped: there is no jq");
            return;
        };
        assert!(!expected.is_empty());
        assert_eq!(ask(arguments), expected, "{question}");
    }
    let mut expected = BTreeMap::new();
    for event_type in jq(".event.event_type").unwrap() {
        *expected.entry(event_type.as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    let groups = ask(&["--group-by", "event_type"]);
    let counted = groups
        .iter()
        .map(|group| (group["event_type"].as_str().unwrap().to_owned(), group["count"].as_u64().unwrap()));
    assert_eq!(counted.collect::<BTreeMap<_, _>>(), expected);
}

#[test]
fn what_is_asked_wrongly_is_said_with_its_remedy() {
    let place = place();
    let refused = |arguments: &[&str], told: &str| {
        let output = search(&place, &[arguments, &["events.ndjson"]].concat());
        assert_code(&output, 2);
        assert!(stderr(&output).contains(told), "{arguments:?}: {}", text(&output));
        assert_eq!(stdout(&output), "", "{arguments:?}");
    };
    refused(
        &["--where", "actor.idd = 'bob'"],
        "error: column 1: actor.idd is not a field; did you mean actor.id?",
    );
    refused(&["--where", "actor.idd = 'bob'"], "\n  ^^^^^^^^^\n");
    refused(
        &["--since", "yesterday"],
        "expected a time with its zone such as 2026-01-31T08:00:00Z, a date such as 2026-01-31",
    );
    refused(&["--since", "2026-03-02", "--until", "2026-03-01"], "nothing is left to search");
    refused(
        &["--fields", "actor.idd"],
        "--fields: column 1: actor.idd is not a field; did you mean actor.id?",
    );
    refused(&["--group-by", "a,,b"], "--group-by a,,b: expected fields with commas");
    refused(&["--type", "not a type"], "is not an event pattern");
    refused(&["--count", "--follow"], "cannot be used with");
    refused(&["--group-by", "actor.id", "--follow"], "cannot be used with");
    refused(&["--verify", "--follow"], "cannot be used with");
    refused(&["--key-file", "x.key"], "are for --verify");
}

#[test]
fn an_unknown_type_is_warned_of_and_searched_for() {
    let place = place();
    let output = search(&place, &["--count", "--type", "bakcup.*", "events.ndjson"]);
    assert_code(&output, 1);
    assert!(stderr(&output).contains("did you mean backup.*?"), "{}", text(&output));
    let custom = search(&place, &["--count", "--type", "billing.*", "events.ndjson"]);
    assert_eq!(text(&custom), "0\n", "others have types of their own");
}

#[test]
#[cfg(not(feature = "s3"))]
fn objects_of_s3_need_the_feature() {
    let output = search(&place(), &["s3://bucket/prefix", "events.ndjson"]);
    assert_code(&output, 2);
    assert!(stderr(&output).contains("build with `--features s3`"), "{}", text(&output));
    assert_eq!(stdout(&output), EVENTS);
}

#[test]
fn hostile_texts_neither_steer_a_terminal_nor_become_formulas() {
    let place = Workplace::new(PLAIN);
    let actors = ["=HYPERLINK(\"x\")", "a\u{1b}[2J\u{202e}b", "x\r\n,y", "+1", "\t=1", "-"];
    let line = |actor: &&str| {
        let event = serde_json::json!({"event_type": "auth.login", "timestamp": "2026-03-01T02:00:00Z", "actor": {"id": actor}});
        format!("{event}\n")
    };
    fs::write(place.path("hostile.ndjson"), actors.iter().map(line).collect::<String>()).unwrap();
    let print = |format: &str| {
        let output =
            search(&place, &["--fields", "actor.id,event_type", "--format", format, "hostile.ndjson"]);
        assert_code(&output, 0);
        stdout(&output)
    };
    let table = print("table");
    assert_eq!(table.lines().count(), 7, "{table}");
    assert!(!table.contains(['\u{1b}', '\u{202e}', '\r', '\t']), "{table}");
    assert!(table.contains("a\\u{1b}[2J\\u{202e}b") && table.contains("\"-\""), "{table}");
    assert_eq!(
        print("csv"),
        "actor.id,event_type\r\n\"'=HYPERLINK(\"\"x\"\")\",auth.login\r\na\u{1b}[2J\u{202e}b,auth.login\r\n\"x\r\n,y\",auth.login\r\n\
         '+1,auth.login\r\n'\t=1,auth.login\r\n'-,auth.login\r\n"
    );
    let read: Vec<String> =
        records(&print("ndjson")).iter().map(|it| it["actor.id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(read, actors);
}

#[test]
fn nothing_is_printed_of_a_log_that_is_not_intact() {
    let place = with_signed_log();
    let verified = |arguments: &str| place.command(&format!("search --verify {arguments}")).output().unwrap();
    let intact = verified("--key-file quickstart.key --type backup.failed log/audit.log");
    assert_code(&intact, 0);
    assert_eq!(stdout(&intact).lines().count(), 1);
    assert!(
        stderr(&intact).starts_with("intact: chain ") && stderr(&intact).lines().count() == 1,
        "{}",
        text(&intact)
    );

    let no_key = verified("log/audit.log");
    assert_code(&no_key, 2);
    assert_eq!(stdout(&no_key), "");
    assert!(stderr(&no_key).contains("no key was given"), "{}", text(&no_key));

    let log = place.read("log/audit.log");
    fs::write(place.path("log/audit.log"), log.replacen("alice", "mallo", 1)).unwrap();
    let broken = verified("-c audit.yaml --count log/audit.log");
    assert_code(&broken, 2);
    assert_eq!(stdout(&broken), "");
    assert!(stderr(&broken).starts_with("edited: chain "), "{}", text(&broken));
    assert_code(&search(&place, &["--count", "log/audit.log"]), 0);

    let unsealed = Workplace::new(PLAIN);
    fs::write(unsealed.path("events.ndjson"), EVENTS).unwrap();
    let output = search(&unsealed, &["--verify", "events.ndjson"]);
    assert_code(&output, 2);
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("4 events without a seal"), "{}", text(&output));
}

#[test]
fn standard_input_is_verified_before_it_is_searched() {
    let place = with_signed_log();
    let log = place.read("log/audit.log");
    let through = |content: &str| {
        let mut child = place
            .command("search --verify --key-file quickstart.key --type backup.failed -")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(content.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let intact = through(&log);
    assert_code(&intact, 0);
    assert_eq!(stdout(&intact).lines().count(), 1);
    let broken = through(&log.replacen("alice", "mallo", 1));
    assert_code(&broken, 2);
    assert_eq!(stdout(&broken), "");
}

/// With `script`, which gives a program a terminal; every Debian has it.
#[test]
fn on_a_terminal_it_is_a_table_that_fits() {
    let place = with_signed_log();
    for columns in [80, 120] {
        let command = format!("stty cols {columns}; {} search log", env!("CARGO_BIN_EXE_audit-log"));
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).current_dir(place.path("")).stdin(Stdio::null());
        let Ok(output) = script.output() else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no `script`");
            println!("skipped: there is no `script` to make a terminal");
            return;
        };
        let shown = stdout(&output).replace('\r', "");
        let header = shown.lines().next().unwrap();
        assert!(header.starts_with("TIMESTAMP  ") && header.contains("EVENT_TYPE"), "{shown}");
        assert_eq!(shown.matches("TIMESTAMP").count(), 1, "{shown}");
        assert_eq!(shown.lines().count(), 43, "{shown}");
        let widest = shown.lines().map(|line| line.chars().count()).max().unwrap();
        assert!((columns - 15..=columns).contains(&widest), "{widest} of {columns}: {shown}");
        assert_eq!(shown.contains("2024-12-01T08:02:11.004Z"), columns == 120, "{shown}");
    }
}

#[test]
fn all_rotated_files_are_read_however_many_and_whatever_their_names() {
    let place = Workplace::new(PLAIN);
    let line = |actor: &str| {
        format!(
            "{{\"event_type\":\"auth.login\",\"timestamp\":\"2026-03-01T02:00:00Z\",\"actor\":{{\"id\":\"{actor}\"}}}}\n"
        )
    };
    for number in 1..=150 {
        let name = format!("audit.log.{number:012}-{number:012}.20260301T030000Z");
        fs::write(place.path(&name), line("many")).unwrap();
    }
    // Of an earlier log in the same place.
    fs::write(place.path("audit.log.000000000007-000000000007.20250301T030000Z"), line("earlier")).unwrap();
    fs::write(place.path("audit.log"), line("active")).unwrap();
    assert_eq!(
        stdout(&search(&place, &["--group-by", "actor.id", "--format", "csv", "audit.log"]))
            .replace('\r', ""),
        "actor.id,count\nmany,150\nactive,1\nearlier,1\n"
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(place.path("audit.log"), place.path("link.log")).unwrap();
        assert_eq!(stdout(&search(&place, &["--count", "link.log"])), "152\n");
    }
}

#[test]
fn what_is_no_event_in_a_part_that_nobody_asked_for_is_not_printed_as_one() {
    let place = place();
    let good = r#"{"event_type":"access.denied","timestamp":"2026-03-01T09:00:00Z","actor":{"id":"eve"}}"#;
    let broken = r#"{"event_type":"access.denied","timestamp":"2026-03-01T09:00:00Z","actor":{"id":"mallory"},"details":{,,,}}"#;
    let joined = format!("{{\"event_type\":\"auth.login\",\"timestamp\":\"2026-03-01T09:00:00Z\"}}{good}");
    fs::write(place.path("odd.ndjson"), format!("{good}\n{broken}\n{joined}\n")).unwrap();
    let output = search(&place, &["--type", "access.denied", "--format", "json", "odd.ndjson"]);
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    assert!(
        stderr(&output).contains("odd.ndjson:2") && stderr(&output).contains("odd.ndjson:3"),
        "{}",
        stderr(&output)
    );
}
