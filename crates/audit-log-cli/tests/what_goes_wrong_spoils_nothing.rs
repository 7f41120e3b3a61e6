//! Torn files, states of other logs, places that are down, signals while waiting: what goes wrong beside delivery is told and
//! spoils nothing.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod endpoint;
mod workplace;

use std::fs;
use std::time::{Duration, Instant};

use endpoint::{Endpoint, nobody};
use workplace::{Workplace, assert_code, event, events, stderr, stdout, text, wait_until};

fn config(url: &str) -> String {
    format!(
        "drain_timeout: 5s\nstate_dir: state\ndestinations:\n  - {{type: file, path: log/audit.log}}\n  \
         - {{type: webhook, name: siem, url: '{url}'}}\n"
    )
}

#[test]
fn a_dead_letter_whose_writing_broke_off_spoils_no_other() {
    let endpoint = Endpoint::up();
    endpoint.answers(|_| 400);
    let place = Workplace::new(&config(&endpoint.url()));
    assert_code(&place.run(&event("auth.login", 0)), 0);
    let letters = "state/siem.dead-letter.ndjson";
    // As after a full disk, or a crash.
    fs::write(place.path(letters), place.read(letters) + "{\"sequence_number\":4,\"ti").unwrap();
    assert_code(&place.run(""), 0);
    let list = place.json("dead-letter list");
    assert_eq!(list.as_array().unwrap().len(), 5, "{list}");
}

#[test]
fn a_signal_ends_the_waiting_for_a_dead_endpoint() {
    let place = Workplace::new(&config(&format!("http://{}/", nobody())));
    let mut run = place.begin_run();
    drop(run.stdin.take());
    wait_until("it waits", || place.read_if_there("log/audit.log").contains("audit.stopped"));
    let begun = Instant::now();
    std::process::Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap();
    let run = run.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_code(&run, 0);
}

#[test]
fn status_believes_no_state_of_another_log() {
    let place = Workplace::new(&config("http://127.0.0.1:1/"));
    fs::create_dir(place.path("state")).unwrap();
    for acknowledged in [700, u64::MAX] {
        let state = format!("{{\"chain_id\":\"other\",\"acknowledged\":{acknowledged}}}");
        fs::write(place.path("state/siem.json"), state).unwrap();
        let other = config("http://127.0.0.1:1/").replace("state_dir: state", "state_dir: elsewhere");
        place.configure(&other.replace("5s", "1ms"));
        place.run(&events(&["auth.login"]));
        place.configure(&config("http://127.0.0.1:1/"));
        let status = place.audit_log("status");
        assert!(!stdout(&status).contains("has all"), "{}", text(&status));
    }
}

#[test]
fn a_retry_before_any_run_has_nothing_to_do() {
    let place = Workplace::new(&config("http://127.0.0.1:1/"));
    assert_code(&place.audit_log("dead-letter retry"), 0);
}

#[test]
fn check_destinations_tries_the_state_directory_and_run_begins_nothing_without() {
    let endpoint = Endpoint::up();
    let place = Workplace::new(&config(&endpoint.url()));
    fs::write(place.path("state"), "a file").unwrap();
    let run = place.run("");
    assert_code(&run, 2);
    let check = place.audit_log("check destinations");
    assert_code(&check, 1);
    assert_eq!(place.read_if_there("log/audit.log"), "", "nothing was begun");
}

#[test]
fn names_and_paths_that_collide_are_told_by_the_check() {
    let place = Workplace::new("");
    for config in [
        "destinations: [{type: file, path: a.log}, {type: file, name: stdout, path: b.log}, {type: stdout}]",
        "destinations: [{type: file, path: a.log}, {type: file, name: b, path: a.log}]",
    ] {
        place.configure(config);
        let check = place.command("config check audit.yaml").output().unwrap();
        assert_code(&check, 1);
    }
}

#[test]
fn an_endpoint_that_is_down_refuses_nothing() {
    let endpoint = Endpoint::up();
    endpoint.answers(|_| 400);
    let place = Workplace::new(&config(&endpoint.url()));
    assert_code(&place.run(""), 0);
    assert_eq!(place.status_of("siem")["state"]["last_success"], serde_json::Value::Null, "none was taken");
    drop(endpoint);
    let retry = place.audit_log("dead-letter retry");
    assert_code(&retry, 1);
    let list = place.json("dead-letter list");
    assert!(list[0]["reason"].as_str().unwrap().contains("answered 400"), "{list} {}", stderr(&retry));
}
