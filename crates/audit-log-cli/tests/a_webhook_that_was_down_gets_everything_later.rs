//! `run` and `status` while an endpoint is down, after it is up again, and when `run` is killed in the middle.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod endpoint;
mod workplace;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::{Duration, Instant};

use endpoint::{Endpoint, nobody};
use workplace::{Workplace, assert_code, event, events, numbers, stderr, stdout, text, wait_until};

const TYPES: [&str; 4] = ["auth.login", "backup.started", "backup.completed", "auth.logout"];

fn config(url: &str, more: &str) -> String {
    format!(
        "drain_timeout: 1s\nstate_dir: state\n{more}\ndestinations:\n  - {{type: file, path: log/audit.log}}\n  \
         - {{type: webhook, name: siem, url: '{url}', batch: {{max_records: 2}}, retry: {{initial_delay: 50ms, max_delay: 200ms}}}}\n"
    )
}

/// Each number once, where it came first.
fn without_repeats(numbers: &[u64]) -> Vec<u64> {
    let mut seen = BTreeSet::new();
    numbers.iter().copied().filter(|number| seen.insert(*number)).collect()
}

#[test]
fn what_it_lacks_is_told_and_delivered_by_the_next_run() {
    let address = nobody();
    let place = Workplace::new(&config(&format!("http://{address}/audit"), ""));
    let run = place.run(&events(&TYPES));
    assert_code(&run, 1);
    assert!(stdout(&run).contains("recorded 4 events"), "{}", text(&run));
    let warning = "warning: destination `siem` lacks 6 records: cannot connect to ";
    assert!(stderr(&run).contains(warning), "{}", stderr(&run));
    assert!(stderr(&run).contains("it gets them when this runs again"), "{}", stderr(&run));

    let status = place.audit_log("status");
    assert_code(&status, 1);
    let row = stdout(&status).lines().find(|line| line.contains(" siem ")).unwrap_or_default().to_owned();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words[..5], ["siem", "webhook", "failing", "0", "6"], "{}", text(&status));
    assert_eq!(words[words.len() - 1], "never", "{row}");
    assert!(stdout(&status).contains("siem: failing since 20"), "{}", text(&status));
    assert!(stdout(&status).contains(&address.to_string()), "the failure's text: {}", text(&status));
    let json = place.audit_log("status --json");
    assert_code(&json, 1);
    let siem = place.status_of("siem");
    assert_eq!((&siem["lag_records"], &siem["state"]["acknowledged"]), (&6.into(), &0.into()));
    assert!(siem["lag_seconds"].as_f64().unwrap() > 0.9, "it waited a second: {siem}");
    assert!(siem["state"]["failure"]["attempts"].as_u64().unwrap() > 1, "{siem}");
    assert!(siem["state"]["failure"]["message"].as_str().unwrap().contains("cannot connect"), "{siem}");
    assert_code(&place.audit_log("status --destination file"), 0);

    let endpoint = Endpoint::up_at(address);
    let next = place.run("");
    assert_code(&next, 0);
    assert_eq!(without_repeats(&endpoint.numbers()), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(endpoint.numbers().len(), 8, "none came while it was down, and so none is repeated");
    assert_eq!(endpoint.taken(), place.read("log/audit.log"), "byte for byte");
    assert_code(&place.audit_log("status"), 0);
    let siem = place.status_of("siem");
    assert_eq!((&siem["lag_records"], &siem["state"]["failure"]), (&0.into(), &serde_json::Value::Null));
    assert_eq!(siem["state"]["delivered"], 8);
}

#[test]
fn the_summary_in_json_names_who_lacks_what() {
    let place = Workplace::new(&config(&format!("http://{}/", nobody()), ""));
    let run = place.audit_log("run --json");
    assert_code(&run, 1);
    let summary: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let left = &summary["undelivered"][0];
    assert_eq!((&left["destination"], &left["records"]), (&"siem".into(), &2.into()));
    assert!(left["reason"].as_str().unwrap().contains("cannot connect"), "{summary}");
    let quiet = place.audit_log("run --quiet");
    assert_code(&quiet, 1);
    assert_eq!(stdout(&quiet), "");
}

#[test]
fn who_stops_a_service_does_not_answer_for_a_dead_endpoint() {
    let place = Workplace::new(&config(&format!("http://{}/", nobody()), ""));
    let mut run = place.begin_run();
    let input = run.stdin.take();
    wait_until("it fails", || place.read_if_there("state/siem.json").contains("failure"));
    let begun = Instant::now();
    let told = std::process::Command::new("kill").args(["-TERM", &run.id().to_string()]).status().unwrap();
    assert!(told.success());
    let run = run.wait_with_output().unwrap();
    drop(input);
    assert_code(&run, 0);
    assert!(stderr(&run).contains("destination `siem` lacks 2 records"), "{}", text(&run));
    assert!(begun.elapsed() < Duration::from_secs(8), "`drain_timeout` is a second: {:?}", begun.elapsed());
}

#[test]
fn an_endpoint_that_recovers_is_told_of_once_and_nothing_is_out_of_order() {
    let endpoint = Endpoint::up();
    let place = Workplace::new(&config(&endpoint.url(), ""));
    endpoint.answers(|_| 503);
    let mut run = place.begin_run();
    let mut input = run.stdin.take().unwrap();
    for number in 0..50 {
        input.write_all(event("auth.login", number).as_bytes()).unwrap();
    }
    wait_until("it fails", || endpoint.requests().len() > 2);
    endpoint.answers(|_| 200);
    drop(input);
    let run = run.wait_with_output().unwrap();
    assert_code(&run, 0);
    assert_eq!(endpoint.numbers(), (1..=52).collect::<Vec<_>>());
    assert_eq!(stderr(&run).matches("it is tried again, and records wait").count(), 1, "{}", stderr(&run));
    assert_eq!(stderr(&run).matches("takes records again").count(), 1, "{}", stderr(&run));
}

#[test]
fn a_selection_of_the_endpoints_own_leaves_no_lag() {
    let endpoint = Endpoint::up();
    let config = config(&endpoint.url(), "").replace("name: siem,", "name: siem, events: ['backup.*'],");
    let place = Workplace::new(&config);
    assert_code(&place.run(&events(&TYPES)), 0);
    assert_eq!(endpoint.numbers(), [3, 4]);
    assert_eq!(place.status_of("siem")["lag_records"], 0);
    assert_eq!(place.status_of("siem")["state"]["delivered"], 2);
}

#[test]
fn a_run_killed_in_mid_stream_loses_nothing_and_keeps_the_order() {
    for round in 0..10 {
        let endpoint = Endpoint::up();
        endpoint.answers(|_| {
            // Or else all would be there before anybody could kill anything.
            std::thread::sleep(Duration::from_millis(2));
            200
        });
        let config = config(&endpoint.url(), "").replace("drain_timeout: 1s", "drain_timeout: 30s");
        let place = Workplace::new(&config.replace("max_records: 2", "max_records: 7"));
        let mut run = place.begin_run();
        let mut input = run.stdin.take().unwrap();
        let feeding = std::thread::spawn(move || {
            // Until nobody reads any more, and slowly: the log is faster than an endpoint.
            (0..).try_for_each(|number| {
                std::thread::sleep(Duration::from_micros(200));
                input.write_all(event("auth.login", number).as_bytes())
            })
        });
        let enough = 1 + round * 3;
        wait_until("some have arrived", || endpoint.requests().len() > enough);
        run.kill().unwrap();
        run.wait().unwrap();
        assert!(feeding.join().unwrap().is_err());

        let next = place.run("");
        assert_code(&next, 0);
        let log = numbers(&place.read("log/audit.log"));
        let arrived = endpoint.numbers();
        assert_eq!(log, (1..=log.len() as u64).collect::<Vec<_>>());
        assert_eq!(without_repeats(&arrived), log, "round {round}: all of it, and in order");
        // No more than what was on its way is repeated, and as the same batch.
        assert!(arrived.len() - log.len() <= 7, "round {round}: {} repeats", arrived.len() - log.len());
        let bodies: Vec<String> = endpoint.requests().into_iter().map(|request| request.body).collect();
        let mut through = 0;
        for (at, body) in bodies.iter().enumerate() {
            let of_body = numbers(body);
            assert!(of_body[0] > through || bodies[..at].contains(body), "round {round}: {of_body:?}");
            through = through.max(of_body[of_body.len() - 1]);
        }
        assert_code(&place.audit_log("status"), 0);
        let verified = place.verify("log/audit.log");
        assert_code(&verified, 0);
        assert!(text(&verified).starts_with("intact: "), "{}", text(&verified));
    }
}

#[test]
fn a_required_endpoint_that_is_dead_does_not_keep_events_out_of_the_log() {
    for on_failure in ["reject", "permit", "block"] {
        let address = nobody();
        let more = format!("required_timeout: 1s\non_failure: {on_failure}");
        let config = config(&format!("http://{address}/"), &more);
        let place = Workplace::new(&config.replace("name: siem,", "name: siem, required: true,"));
        let run = place.run(&events(&TYPES));
        assert_code(&run, 1);
        assert_eq!(numbers(&place.read("log/audit.log")).len(), 6, "{on_failure}: {}", text(&run));
        assert!(stderr(&run).contains("destination `siem` lacks 6 records"), "{on_failure}: {}", text(&run));
        let endpoint = Endpoint::up_at(address);
        assert_code(&place.run(""), 0);
        assert_eq!(without_repeats(&endpoint.numbers()), [1, 2, 3, 4, 5, 6, 7, 8], "{on_failure}");
    }
}
