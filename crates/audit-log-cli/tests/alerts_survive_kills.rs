//! A program that is killed again and again misses no alert, and records none twice.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use serde_json::Value;
use workplace::{Workplace, assert_code};

const ACTORS: u64 = 300;

fn place() -> Workplace {
    Workplace::new(
        "\
destination: {type: file, path: log/audit.log}
drain_timeout: 60s
alerts:
- {name: failure, condition: \"event_type == 'backup.failed'\", max_alerts: 10000}
- {name: spike, condition: \"event_type == 'access.denied'\", threshold: 5, window: 6h, group_by: actor.id, max_alerts: 10000}
",
    )
}

/// The events of one run: a failure now and then, and denials of actors in turn.
fn event(number: u64) -> String {
    let event_type = if number.is_multiple_of(7) { "backup.failed" } else { "access.denied" };
    format!("{{\"event_type\":\"{event_type}\",\"actor\":{{\"id\":\"user {}\"}}}}\n", number % ACTORS)
}

#[test]
fn each_alert_is_recorded_once() {
    let place = place();
    let mut number = 0;
    for round in 0..12_u64 {
        let mut child = place.begin_run();
        let mut input = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || {
            // Until the program is gone.
            while input.write_all(event(number).as_bytes()).is_ok() {
                number += 1;
                if number.is_multiple_of(20) {
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            number
        });
        // Within the evaluator's batches, its pauses and its writing of what it remembers.
        std::thread::sleep(Duration::from_millis(150 + 97 * (round * 5 % 7)));
        child.kill().unwrap();
        child.wait().unwrap();
        number = writer.join().unwrap() + 1;
    }
    assert_code(&place.run(&event(1)), 0);
    assert_code(&place.verify("log/audit.log"), 0);

    let mut failures = BTreeMap::new();
    let mut denials: BTreeMap<String, u64> = BTreeMap::new();
    let mut spikes: BTreeMap<String, u64> = BTreeMap::new();
    for line in place.read("log/audit.log").lines() {
        let event = serde_json::from_str::<Value>(line).unwrap()["event"].take();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match (event["event_type"].as_str().unwrap(), event["details"]["rule"].as_str()) {
            ("backup.failed", _) => drop(failures.insert(text(&event["event_id"]), 0_u64)),
            ("access.denied", _) => *denials.entry(text(&event["actor"]["id"])).or_default() += 1,
            ("alert.fired", Some("failure")) => {
                *failures.get_mut(&text(&event["details"]["event"]["event_id"])).unwrap() += 1;
            }
            ("alert.fired", Some("spike")) => {
                assert_eq!(event["details"]["repeat"], 0, "the cooldown is six hours");
                *spikes.entry(text(&event["details"]["group"]["actor.id"])).or_default() += 1;
            }
            _ => {}
        }
    }
    assert!(failures.len() > 100, "{} failures", failures.len());
    assert_eq!(failures.values().filter(|alerts| **alerts != 1).count(), 0, "one alert for each failure");
    let expected: BTreeMap<String, u64> =
        denials.into_iter().filter(|(_, denials)| *denials >= 5).map(|(actor, _)| (actor, 1)).collect();
    assert!(expected.len() > 20, "{} spikes", expected.len());
    assert_eq!(spikes, expected);
}
