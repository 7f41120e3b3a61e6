//! The rules of `alerts` watch on when a reload fails, and when one is tried again that failed half-way.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod running;

use std::fs;
use std::path::Path;

use audit_service::ReloadError;
use running::{Running, start, until};

fn old(directory: &Path) -> String {
    let at = |name: &str| directory.join(name).display().to_string();
    format!(
        "
destinations:
  - {{type: file, path: {}}}
  - {{type: file, name: copy, path: {}, batch: {{max_age: 20ms}}}}
sources: [{{type: http, listen: '127.0.0.1:0'}}]
access: {{anonymous: [ingest]}}
alerts:
  - {{name: first, condition: \"event_type == 'app.first'\", severity: high, notify: []}}
  - {{name: second, condition: \"event_type == 'app.second'\", severity: high, notify: []}}
",
        at("audit.log"),
        at("copy.log")
    )
}

/// That configuration, and one more destination whose state cannot be read.
fn with_an_unreadable_one(running: &Running, text: &str, name: &str) -> String {
    fs::create_dir(running.path(&format!(".audit.log.delivery/{name}.json"))).unwrap();
    let path = running.path(name).display().to_string();
    text.replace("sources:", &format!("  - {{type: file, name: {name}, path: {path}}}\nsources:"))
}

fn fired(running: &Running, rule: &str) -> bool {
    let rule = format!("\"{rule}\"");
    running.events("alert.fired").iter().any(|event| event.to_string().contains(&rule))
}

#[test]
fn an_added_destination_that_cannot_begin_leaves_all_as_it_was() {
    let running = start(old);
    running.post("app.first");
    until("the first rule has fired", || fired(&running, "first"));
    let text = with_an_unreadable_one(&running, &running.text(), "more");
    for _ in 0..2 {
        let error = running.change(&text).unwrap_err();
        assert!(matches!(error, ReloadError::Log(_)), "nothing has changed: {error:?}");
        assert_eq!(running.service.status()["warnings"].to_string(), "[]", "and nothing is tried again");
    }
    running.post("app.second");
    until("the second rule has fired", || fired(&running, "second"));
    running.end();
}

#[test]
fn a_retry_that_fails_leaves_rules_that_watch() {
    let running = start(old);
    running.post("app.first");
    until("the first rule has fired", || fired(&running, "first"));
    let state = running.path(".audit.log.delivery/copy.json");
    until("the copy has a state", || state.is_file());
    fs::remove_file(&state).unwrap();
    fs::create_dir(&state).unwrap();
    let half_way = running.text().replace("20ms", "30ms");
    let error = running.change(&half_way).unwrap_err();
    assert!(matches!(error, ReloadError::HalfWay(_)), "the copy has ended: {error:?}");
    // Once with all but the copy done, and once with nothing done.
    assert!(running.change(&half_way).is_err());
    let text = with_an_unreadable_one(&running, &half_way, "more");
    let error = running.change(&text).unwrap_err();
    assert!(matches!(error, ReloadError::HalfWay(_)), "it is half-way still: {error:?}");
    running.post("app.second");
    // Closing waits for the rules that watch, until they have seen all.
    running.service.stop();
    running.log.close().unwrap();
    assert!(fired(&running, "second"), "the second rule watches");
    let notices = fs::read_to_string(running.path("audit.log")).unwrap();
    assert!(!notices.contains("watch no more"), "{notices}");
}
