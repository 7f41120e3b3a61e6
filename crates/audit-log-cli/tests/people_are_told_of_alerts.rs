//! From an event to a message: `run` with rules and notifiers.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod endpoint;
mod workplace;

use std::time::Duration;

use endpoint::{Endpoint, nobody};
use serde_json::Value;
use workplace::{Workplace, assert_code, event, text};

fn place(notify: &str) -> Workplace {
    Workplace::new(&format!(
        "\
state_dir: state
destination: {{type: file, path: log/audit.log}}
drain_timeout: 5s
alerts:
- name: failure
  description: Look at it.
  condition: \"event_type == 'backup.failed' and details.n > 1\"
  severity: high
  notify: {notify}
"
    ))
}

fn alerts(place: &Workplace) -> Vec<Value> {
    let lines = place.read("log/audit.log");
    let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take());
    events.filter(|event| event["event_type"].as_str().unwrap().starts_with("alert.")).collect()
}

#[test]
fn a_webhook_is_told_once_what_the_rule_found() {
    let endpoint = Endpoint::up();
    let place = place(&format!("[{{type: webhook, url: '{}', headers: {{X-Team: audit}}}}]", endpoint.url()));
    let run = place.run(&(0..4).map(|number| event("backup.failed", number)).collect::<String>());
    assert_code(&run, 0);
    let told: Vec<Value> =
        endpoint.requests().iter().map(|request| serde_json::from_str(&request.body).unwrap()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    let fired = alerts(&place);
    assert_eq!(fired.len(), 2);
    for (told, fired) in told.iter().zip(&fired) {
        assert_eq!(told["alert"]["alert_id"], fired["details"]["alert_id"]);
        assert_eq!(told["alert"]["severity"], "high");
        assert_eq!(told["alert"]["description"], "Look at it.");
    }
    let again = place.run("");
    assert_code(&again, 0);
    assert_eq!(endpoint.requests().len(), 2, "nothing is told twice");
    let status = place.status_of("notify-webhook");
    assert_eq!((&status["lag_records"], &status["state"]["delivered"]), (&0.into(), &2.into()));
    assert_code(&place.verify("log/audit.log"), 0);
}

#[test]
fn a_notifier_that_is_down_is_told_later_and_the_log_says_so() {
    let address = nobody();
    let place = place(&format!("[{{type: webhook, url: 'http://{address}/'}}]"));
    let mut child = place.begin_run();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), event("backup.failed", 7).as_bytes()).unwrap();
    let begun = std::time::Instant::now();
    while !place.read_if_there("log/audit.log").contains("alert.notify_failed") {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", place.read_if_there("log/audit.log"));
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert_code(&output, 1);
    let failed =
        alerts(&place).into_iter().find(|event| event["event_type"] == "alert.notify_failed").unwrap();
    assert_eq!(failed["resource"]["id"], "notify-webhook");
    assert_eq!(failed["details"]["rule"], "failure");
    assert_eq!(failed["details"]["given_up"], false);

    let endpoint = Endpoint::up_at(address);
    assert_code(&place.run(""), 0);
    assert_eq!(endpoint.requests().len(), 1, "it gets what it lacked");
}

#[test]
fn what_is_refused_for_good_is_in_the_dead_letters_and_can_be_sent_again() {
    let endpoint = Endpoint::up();
    endpoint.answers(|_| 400);
    let place = place(&format!("[{{type: webhook, name: pager, url: '{}'}}]", endpoint.url()));
    let run = place.run(&event("backup.failed", 7));
    assert_code(&run, 0);
    assert!(text(&run).contains("refused for good"), "{}", text(&run));
    let failed =
        alerts(&place).into_iter().find(|event| event["event_type"] == "alert.notify_failed").unwrap();
    assert_eq!(
        (&failed["details"]["given_up"], &failed["details"]["rule"]),
        (&true.into(), &"failure".into())
    );
    let letters = place.json("dead-letter list");
    assert_eq!(
        (&letters[0]["destination"], &letters[0]["event_type"]),
        (&"pager".into(), &"alert.fired".into())
    );
    endpoint.answers(|_| 200);
    assert_code(&place.audit_log("dead-letter retry"), 0);
    assert_eq!(place.json("dead-letter list"), Value::Array(Vec::new()));
    let last = endpoint.requests().last().unwrap().body.clone();
    assert_eq!(serde_json::from_str::<Value>(&last).unwrap()["alert"]["rule"], "failure");
}

#[test]
fn the_log_says_of_each_alert_that_it_was_given_up_though_it_is_closed_at_once() {
    let endpoint = Endpoint::up();
    endpoint.answers(|_| 400);
    let place = place(&format!("[{{type: webhook, url: '{}'}}]", endpoint.url()));
    let run = place.run(&(2..42).map(|number| event("backup.failed", number)).collect::<String>());
    assert_code(&run, 0);
    let failed = alerts(&place).into_iter().filter(|event| event["event_type"] == "alert.notify_failed");
    assert_eq!(failed.count(), 40);
    // Every letter says why; the terminal once.
    assert_eq!(text(&run).matches("refused for good").count(), 1, "{}", text(&run));
}

#[test]
fn a_notifier_that_hangs_delays_neither_the_log_nor_another() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::up();
    let place = place(&format!(
        "[{{type: webhook, name: silent, url: 'http://{}/'}}, {{type: webhook, url: '{}'}}]",
        silent.local_addr().unwrap(),
        endpoint.url()
    ));
    let mut child = place.begin_run();
    for number in 2..22 {
        let input = child.stdin.as_mut().unwrap();
        std::io::Write::write_all(input, event("backup.failed", number).as_bytes()).unwrap();
    }
    let begun = std::time::Instant::now();
    while endpoint.requests().len() < 20 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} of 20", endpoint.requests().len());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(alerts(&place).len(), 20, "and no more is in the log than the alerts");
    child.kill().unwrap();
    child.wait().unwrap();
    let silent = place.status_of("silent");
    assert_eq!(silent["state"]["delivered"], 0);
}

#[test]
fn what_would_be_summed_up_is_told_before_the_program_ends() {
    let endpoint = Endpoint::up();
    let place = place(&format!("[{{type: webhook, url: '{}'}}]\n  max_alerts: 2", endpoint.url()));
    assert_code(&place.run(&(2..9).map(|number| event("backup.failed", number)).collect::<String>()), 0);
    let told: Vec<Value> =
        alerts(&place).into_iter().map(|alert| alert["details"]["summed_up"].clone()).collect();
    assert_eq!(told, [Value::Null, Value::Null, 5.into()]);
    assert_eq!(endpoint.requests().len(), 3);
}
