//! A change of the log that was done in part only is finished by the next reload, whether the file says the same as before or what it said
//! at first.
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
events: [app.*]
sources: [{{type: http, listen: '127.0.0.1:0'}}]
access: {{anonymous: [ingest]}}
",
        at("audit.log"),
        at("copy.log")
    )
}

/// Another destination, another selection, and another limit of the one that cannot be replaced.
fn new(running: &Running) -> String {
    let more = format!(
        "  - {{type: file, name: more, path: {}, batch: {{max_age: 20ms}}}}\nevents: [app.*, other.*]",
        running.path("more.log").display()
    );
    running.text().replace("20ms", "30ms").replace("events: [app.*]", &more)
}

/// Where the state of the copy's delivery is: a directory there is nothing that can be read or written.
fn break_it(running: &Running) -> impl Fn() + use<> {
    let state = running.path(".audit.log.delivery/copy.json");
    until("the copy has a state", || state.is_file());
    fs::remove_file(&state).unwrap();
    fs::create_dir(&state).unwrap();
    move || fs::remove_dir_all(&state).unwrap()
}

fn has(running: &Running, file: &str, text: &str) -> bool {
    fs::read_to_string(running.path(file)).is_ok_and(|all| all.contains(text))
}

/// A service whose log is between two configurations, the text of the new one, and what mends it.
fn half_way() -> (Running, String, impl Fn() + use<>) {
    let running = start(old);
    assert_eq!(running.post("app.one"), "recorded");
    until("the copy has it", || has(&running, "copy.log", "app.one"));
    let text = new(&running);
    let mend = break_it(&running);
    let error = running.change(&text).unwrap_err();
    assert!(matches!(error, ReloadError::HalfWay(_)), "{error}");
    assert_eq!(running.post("other.one"), "not_selected", "the rest is not done");
    until("the destination that could begin has", || has(&running, "more.log", "app.one"));
    let warnings = running.service.status()["warnings"].to_string();
    assert!(warnings.contains("the last reload stopped half-way"), "{warnings}");
    (running, text, mend)
}

#[test]
fn with_the_same_file_the_rest_is_done() {
    let (running, text, mend) = half_way();
    assert!(running.change(&text).is_err(), "nothing is mended yet");
    mend();
    let changes = running.change(&text).unwrap();
    assert!(changes.iter().any(|change| change.field == "events"), "{changes:?}");
    assert_eq!(running.post("other.two"), "recorded");
    until("all destinations have it", || {
        has(&running, "copy.log", "other.two") && has(&running, "more.log", "other.two")
    });
    assert_eq!(running.service.status()["warnings"].to_string(), "[]");
    assert!(running.change(&text).unwrap().is_empty());
    let told = running.changes(3);
    let results: Vec<_> = told.iter().map(|event| event["action"]["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["failure", "failure", "success"]);
    running.end();
}

#[test]
fn with_the_file_of_before_all_is_as_before() {
    let (running, _, mend) = half_way();
    mend();
    let old = old(running.directory.path());
    // Nothing is different from what was last in effect, and the log is.
    assert_eq!(running.change(&old).unwrap(), []);
    assert_eq!(running.service.status()["warnings"].to_string(), "[]");
    assert_eq!(running.post("other.two"), "not_selected");
    assert_eq!(running.post("app.two"), "recorded");
    until("the copy has it", || has(&running, "copy.log", "app.two"));
    assert!(!has(&running, "more.log", "app.two"), "that destination is gone");
    running.end();
}
