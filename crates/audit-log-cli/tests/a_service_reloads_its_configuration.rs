//! `audit-log serve` follows its configuration: by SIGHUP, when the file changes, when a ConfigMap's link is swapped. A wrong one
//! changes nothing, and all of it is on record.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};

mod service;
use service::{Service, until, verify};

const CONFIG: &str = "
destinations:
  - {type: file, path: log/audit.log}
  - {type: file, name: all, path: copies/all.log, batch: {max_age: 20ms}}
integrity: {chain: {enabled: true}}
events: [app.*]
sources: [{type: http, listen: '127.0.0.1:0'}]
access: {anonymous: [ingest]}
";

fn post(service: &Service, kind: &str) -> Value {
    let answer = service.post("application/json", &[], format!("{{\"event_type\":\"{kind}\"}}").as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["results"][0]["status"].clone()
}

fn has(directory: &Path, file: &str, text: &str) -> bool {
    fs::read_to_string(directory.join(file)).is_ok_and(|all| all.contains(text))
}

fn changes(event: &Value) -> Vec<String> {
    let changes = event["details"]["changes"].as_array().unwrap();
    changes.iter().map(|change| change["field"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_changed_is_done_and_recorded_and_the_rest_is_not_disturbed() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let service = Service::start(place, CONFIG);
    let address = service.address("http");
    assert_eq!(post(&service, "app.one"), "recorded");
    assert_eq!(post(&service, "other.one"), "not_selected");

    let new = CONFIG.replace("[app.*]", "[app.*, other.*]").replace(
        "integrity:",
        "  - {type: file, name: others, path: copies/others.log, events: [other.*], batch: {max_age: 20ms}}\nintegrity:",
    );
    fs::write(place.join("audit.yaml"), &new).unwrap();
    service.signal("-HUP");
    let changed = service.event("config.changed", |_| true);
    assert_eq!(changes(&changed), ["destinations[others]", "events"]);
    let events = &changed["details"]["changes"][1];
    assert_eq!(events["old_value"], json!(["app.*"]));
    assert_eq!(events["new_value"], json!(["app.*", "other.*"]));
    assert_eq!(changed["action"]["result"], "success");
    assert_eq!(service.address("http"), address, "the listener is the same");
    assert_eq!(post(&service, "other.two"), "recorded");
    until("the new destination has it", || has(place, "copies/others.log", "other.two"));
    assert!(!has(place, "copies/others.log", "app.one"));

    // One that goes, and one whose selection changes.
    let newer = CONFIG
        .replace("name: all,", "name: all, events: [app.*],")
        .replace("[app.*]\nsources", "[app.*, other.*]\nsources");
    fs::write(place.join("audit.yaml"), &newer).unwrap();
    service.event("config.changed", |event| changes(event).contains(&"destinations[all].events".to_owned()));
    assert_eq!(post(&service, "other.three"), "recorded");
    assert_eq!(post(&service, "app.four"), "recorded");
    until("the changed destination has it", || has(place, "copies/all.log", "app.four"));
    assert!(!has(place, "copies/all.log", "other.three"));
    assert!(!has(place, "copies/others.log", "other.three"), "it is gone");
    let all = fs::read_to_string(place.join("copies/all.log")).unwrap();
    assert_eq!(all.matches("other.two").count(), 1, "nothing twice");
    assert!(service.end().0.success());
    assert_eq!(verify(place)["chains"][0]["verdict"], "intact");
}

#[test]
fn a_wrong_one_changes_nothing_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let service = Service::start(place, CONFIG);
    let refused = |text: &str, expected: &str| {
        fs::write(place.join("audit.yaml"), text).unwrap();
        service.signal("-HUP");
        let told = service.event("config.changed", |event| {
            event["details"]["error"].as_str().is_some_and(|error| error.contains(expected))
        });
        assert_eq!(told["action"]["result"], "failure");
        assert_eq!(post(&service, "app.one"), "recorded", "it goes on");
        assert_eq!(post(&service, "other.one"), "not_selected", "as before");
    };
    refused(&CONFIG.replace("events:", "evnts:"), "did you mean `events`?");
    refused("destinations: [", "audit.yaml:");
    refused(
        &CONFIG.replace("[app.*]", "[other.*]\nchain_id: other"),
        "chain_id: cannot change while the log is open",
    );
    // An address that is taken: by the service itself, under another name.
    let taken = service.address("http");
    let second = format!("sources: [{{type: http, name: second, listen: '{taken}'}}, ");
    refused(&CONFIG.replace("[app.*]", "[other.*]").replace("sources: [", &second), "cannot listen");
    let told = service.log().iter().filter(|line| line["level"] == "ERROR").count();
    assert!(told >= 4, "{:?}", service.log());

    fs::write(place.join("audit.yaml"), CONFIG.replace("[app.*]", "[other.*]")).unwrap();
    service.event("config.changed", |event| event["action"]["result"] == "success");
    assert_eq!(post(&service, "other.one"), "recorded");
    assert!(service.end().0.success());
    assert_eq!(verify(place)["chains"][0]["verdict"], "intact");
}

#[test]
fn the_swap_of_a_config_maps_link_is_a_change() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    for (version, text) in [("..1", CONFIG.to_owned()), ("..2", CONFIG.replace("[app.*]", "[other.*]"))] {
        fs::create_dir(place.join(version)).unwrap();
        fs::write(place.join(version).join("audit.yaml"), text).unwrap();
    }
    symlink("..1", place.join("..data")).unwrap();
    symlink("..data/audit.yaml", place.join("audit.yaml")).unwrap();
    let service = Service::start_again(place);
    assert_eq!(post(&service, "other.one"), "not_selected");
    symlink("..2", place.join("..new")).unwrap();
    fs::rename(place.join("..new"), place.join("..data")).unwrap();
    let changed = service.event("config.changed", |_| true);
    assert_eq!(changes(&changed), ["events"]);
    assert_eq!(post(&service, "other.two"), "recorded");
    assert!(service.end().0.success());
}
