//! The same rules on the same events: in `run`, as they come in, and in `alerts backtest`, afterwards.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::collections::BTreeMap;

use serde_json::Value;
use workplace::{Workplace, assert_code, text};

const CONFIG: &str = "
destination: {type: file, path: audit.log}
state_dir: state
exclude_events: [auth.token_refresh]
alerts:
  - {name: each, condition: \"event_type == 'backup.failed'\", max_alerts: 1000}
  - {name: spike, condition: \"event_type == 'access.denied'\", threshold: 3, window: 1h, group_by: actor.id, resolve_after: 366d}
  - {name: after, condition: \"event_type == 'auth.login'\", group_by: actor.id, resolve_after: 366d,
     preceded_by: {condition: \"event_type == 'auth.failed'\", threshold: 2, window: 2h}}
  - {name: not-logged, condition: \"event_type == 'auth.token_refresh'\"}
  - {name: of-nobody, condition: \"actor.id == 'nobody'\"}
";

/// Half a day of events, one a minute until now, of seven people.
fn events() -> String {
    let begin = audit_model::Timestamp::now().as_milliseconds() - 720 * 60_000;
    let types = [
        "access.denied",
        "auth.failed",
        "auth.login",
        "backup.failed",
        "auth.token_refresh",
        "access.denied",
    ];
    let mut events = String::new();
    let mut seed = 11_u64;
    for minute in 0..720 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = (seed >> 33) as usize;
        let (event_type, actor) = (types[random % types.len()], random / 64 % 7);
        let time = audit_model::Timestamp::from_milliseconds(begin + minute * 60_000).unwrap();
        events += &format!(
            "{{\"event_type\":\"{event_type}\",\"timestamp\":\"{time}\",\"event_id\":\"evt_{minute}\",\
             \"actor\":{{\"id\":\"user{actor}\"}}}}\n"
        );
    }
    events
}

/// How many alerts began, by rule: records of a log.
fn recorded(log: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in log.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let (event, details) = (&record["event"], &record["event"]["details"]);
        if event["event_type"] != "alert.fired" || details["repeat"] != 0 {
            continue;
        }
        let alerts = details["summed_up"].as_u64().unwrap_or(1);
        *counts.entry(details["rule"].as_str().unwrap().to_owned()).or_default() += alerts;
    }
    counts
}

fn backtested(place: &Workplace, path: &str) -> BTreeMap<String, u64> {
    let output = place.audit_log(&format!("alerts backtest --json {path}"));
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    let rules = report["rules"].as_array().unwrap().iter();
    rules
        .map(|rule| {
            let of = |what: &str| rule[what].as_u64().unwrap();
            (rule["rule"].as_str().unwrap().to_owned(), of("fired") + of("summed_up"))
        })
        .filter(|(_, fired)| *fired > 0)
        .collect()
}

#[test]
fn what_a_backtest_finds_is_what_run_has_recorded() {
    let place = Workplace::new(CONFIG);
    std::fs::write(place.path("events.ndjson"), events()).unwrap();
    let expected = backtested(&place, "events.ndjson");
    assert_eq!(
        expected.keys().map(String::as_str).collect::<Vec<_>>(),
        ["after", "each", "spike"],
        "{expected:?}"
    );
    assert!(expected["spike"] >= 2 && expected["after"] >= 2, "{expected:?}");

    let run = place.run(&events());
    assert_code(&run, 0);
    let found = recorded(&place.read("audit.log"));
    assert_eq!(found, expected, "{}", text(&run));
    assert_eq!(
        backtested(&place, "audit.log"),
        expected,
        "the log gives the same again, its alerts trigger none"
    );
    assert_code(&place.verify("audit.log"), 0);
}
