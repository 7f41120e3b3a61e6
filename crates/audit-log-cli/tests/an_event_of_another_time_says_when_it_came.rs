//! An event tells its own time, which is its sender's word; when the log got it is the log's.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use serde_json::Value;
use workplace::{Workplace, assert_code};

#[test]
fn unless_it_comes_at_once_or_says_so_itself() {
    let place = Workplace::new("destination: {type: file, path: a.log}");
    let events = [
        r#"{"event_type":"auth.login","timestamp":"2024-12-01T10:15:30.123Z"}"#,
        r#"{"event_type":"auth.login"}"#,
        r#"{"event_type":"auth.login","timestamp":"2024-12-01T10:15:30.123Z","logged_time":"2024-12-01T10:15:31.000Z"}"#,
        r#"{"event_type":"auth.login","timestamp":"2124-12-01T10:15:30.123Z"}"#,
    ];
    assert_code(&place.run(&(events.join("\n") + "\n")), 0);
    let records: Vec<Value> =
        place.read("a.log").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let started = records[0]["event"]["timestamp"].as_str().unwrap();
    let events: Vec<&Value> = records
        .iter()
        .map(|record| &record["event"])
        .filter(|event| event["event_type"] == "auth.login")
        .collect();
    for index in [0, 3] {
        let logged = events[index]["logged_time"].as_str().expect("it is of another time");
        assert!(logged >= started && logged.starts_with("20"), "{logged}");
    }
    assert_eq!(events[1].get("logged_time"), None, "it came at once");
    assert_eq!(events[2]["logged_time"], "2024-12-01T10:15:31.000Z", "its sender knows");
}
