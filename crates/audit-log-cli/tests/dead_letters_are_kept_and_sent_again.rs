//! Records that an endpoint refuses for good: listed with the reason, sent again when asked to, and never lost.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod endpoint;
mod workplace;

use std::fs;

use endpoint::Endpoint;
use workplace::{Workplace, assert_code, event, mode, numbers, stderr, stdout, text};

const LETTERS: &str = "state/siem.dead-letter.ndjson";

fn place(endpoint: &Endpoint) -> Workplace {
    Workplace::new(&format!(
        "drain_timeout: 5s\nstate_dir: state\ndestinations:\n  - {{type: file, path: log/audit.log}}\n  \
         - {{type: webhook, name: siem, url: '{}'}}\n",
        endpoint.url()
    ))
}

/// Ten events, of which an endpoint refuses the third and the eighth: records 4 and 9.
fn with_two_refused(endpoint: &Endpoint) -> Workplace {
    endpoint.answers(refusing(400));
    let place = place(endpoint);
    let run = place.run(&(0..10).map(|number| event(marked(number), number)).collect::<String>());
    assert_code(&run, 0);
    assert!(stderr(&run).contains("refused for good"), "{}", stderr(&run));
    place
}

fn marked(number: u64) -> &'static str {
    if number % 5 == 2 { "data.deleted" } else { "auth.login" }
}

fn refusing(status: u16) -> impl Fn(&str) -> u16 {
    move |body| if body.contains("data.deleted") { status } else { 200 }
}

fn listed(place: &Workplace) -> Vec<(u64, String)> {
    let letters = place.json("dead-letter list");
    let letters = letters.as_array().unwrap().iter();
    letters
        .map(|it| (it["sequence_number"].as_u64().unwrap(), it["reason"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn they_are_listed_with_the_reason_and_the_others_arrive() {
    let endpoint = Endpoint::up();
    let place = with_two_refused(&endpoint);
    let mut arrived = endpoint.numbers();
    arrived.sort_unstable();
    assert_eq!(arrived, [1, 2, 3, 5, 6, 7, 8, 10, 11, 12], "each of the others once");
    let list = place.audit_log("dead-letter list");
    assert_code(&list, 0);
    let lines: Vec<String> = stdout(&list).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 3, "{}", text(&list));
    for (line, number) in lines[1..].iter().zip(["4", "9"]) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[..3], ["siem", number, "data.deleted"]);
        assert!(line.contains("answered 400"), "the reason: {line}");
    }
    let letters = place.json("dead-letter list");
    let record = letters[0]["record"].as_str().unwrap();
    assert_eq!(Some(record), place.read("log/audit.log").lines().nth(3), "byte for byte");
    assert_eq!(
        (&letters[0]["destination"], &letters[0]["event_type"]),
        (&"siem".into(), &"data.deleted".into())
    );
    assert_eq!(mode(&place.path(LETTERS)), 0o600);
    // Nothing keeps the destination: what is refused for good is behind it.
    assert_code(&place.audit_log("status"), 0);
    let siem = place.status_of("siem");
    assert_eq!((&siem["lag_records"], &siem["state"]["dead_lettered"]), (&0.into(), &2.into()));
}

#[test]
fn what_is_taken_now_leaves_the_dead_letters() {
    let endpoint = Endpoint::up();
    let place = with_two_refused(&endpoint);
    endpoint.answers(|_| 200);
    let retry = place.audit_log("dead-letter retry");
    assert_code(&retry, 0);
    assert_eq!(stdout(&retry), "2 records taken, 0 refused again\n");
    assert_eq!(place.read(LETTERS), "");
    assert_eq!(stdout(&place.audit_log("dead-letter list")), "no dead letters\n");
    let arrived = endpoint.numbers();
    assert_eq!(arrived[arrived.len() - 2..], [4, 9]);
    let mut all = arrived;
    all.sort_unstable();
    assert_eq!(all, (1..=12).collect::<Vec<_>>(), "each once");
    let again = place.json("dead-letter retry");
    assert_eq!(again, serde_json::json!({"taken": 0, "refused": 0, "not_tried": 0}));
}

#[test]
fn what_is_refused_again_stays_with_the_new_reason() {
    let endpoint = Endpoint::up();
    let place = with_two_refused(&endpoint);
    endpoint.answers(refusing(422));
    let retry = place.audit_log("dead-letter retry");
    assert_code(&retry, 1);
    assert_eq!(stdout(&retry), "0 records taken, 2 refused again\n");
    let listed_now = listed(&place);
    assert_eq!(listed_now.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4, 9]);
    for (_, reason) in &listed_now {
        assert!(reason.contains("422") && !reason.contains("400"), "{reason}");
    }
    // One of them is taken.
    endpoint.answers(|body| if numbers(body) == [4] { 200 } else { 413 });
    let retry = place.audit_log("dead-letter retry");
    assert_code(&retry, 1);
    assert_eq!(stdout(&retry), "1 record taken, 1 refused again\n");
    assert_eq!(listed(&place).iter().map(|(number, _)| *number).collect::<Vec<_>>(), [9]);
    assert_eq!(mode(&place.path(LETTERS)), 0o600, "the new file as the old one");
}

#[test]
fn none_is_lost_when_the_endpoint_is_down() {
    let endpoint = Endpoint::up();
    let place = with_two_refused(&endpoint);
    drop(endpoint);
    let retry = place.audit_log("dead-letter retry");
    assert_code(&retry, 1);
    let numbers: Vec<u64> = listed(&place).into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [4, 9], "{}", text(&retry));
}

#[test]
fn a_destination_is_chosen_by_its_name() {
    let endpoint = Endpoint::up();
    let place = with_two_refused(&endpoint);
    let before = place.everything();
    let unknown = "no destination is called `kafka`; expected one of `file`, `siem`";
    for command in ["list", "retry"] {
        let output = place.audit_log(&format!("dead-letter {command} --destination kafka"));
        assert_code(&output, 2);
        assert!(stderr(&output).contains(unknown), "{}", text(&output));
    }
    let other = place.audit_log("dead-letter retry --destination file");
    assert_code(&other, 0);
    assert_eq!(stdout(&other), "0 records taken, 0 refused again\n");
    assert_eq!(stdout(&place.audit_log("dead-letter list -d file")), "no dead letters\n");
    assert_eq!(listed(&place).len(), 2);
    assert_eq!(place.everything(), before);
}

#[test]
fn a_damaged_file_is_named_with_the_line_and_left_as_it_is() {
    let endpoint = Endpoint::up();
    let place = with_two_refused(&endpoint);
    let damaged = place.read(LETTERS) + "{\"sequence_number\":12,\"ti\n";
    fs::write(place.path(LETTERS), &damaged).unwrap();
    endpoint.answers(|_| 200);
    let sent = endpoint.requests().len();
    for command in ["list", "retry"] {
        let output = place.audit_log(&format!("dead-letter {command}"));
        assert_code(&output, 2);
        let place_of_it = "state/siem.dead-letter.ndjson:3: found no dead letter: ";
        assert!(stderr(&output).contains(place_of_it), "{}", text(&output));
    }
    assert_eq!(place.read(LETTERS), damaged);
    assert_eq!(endpoint.requests().len(), sent, "nothing was sent");
}

#[test]
fn a_retry_beside_a_run_loses_none() {
    let endpoint = Endpoint::up();
    let place = with_two_refused(&endpoint);
    let mut run = place.begin_run();
    let mut input = run.stdin.take().unwrap();
    for number in 100..130 {
        std::io::Write::write_all(&mut input, event("data.deleted", number).as_bytes()).unwrap();
        if number % 10 == 0 {
            assert_code(&place.audit_log("dead-letter retry"), 1);
        }
    }
    drop(input);
    assert_code(&run.wait_with_output().unwrap(), 0);
    let mut kept: Vec<u64> = listed(&place).into_iter().map(|(number, _)| number).collect();
    kept.sort_unstable();
    kept.dedup();
    // Two of the first run, whose last record is 12, and thirty after this one's `audit.started`.
    assert_eq!(kept, [4, 9].into_iter().chain(14..44).collect::<Vec<_>>());
}
