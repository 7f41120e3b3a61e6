//! What Redpanda writes is read, recorded like any other event, and kept whole.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod samples;

use audit_model::{Event, Timestamp, Value};
use audit_ocsf::{Mapping, Recorded, Version, event_from_value};

fn events() -> Vec<(Value, Event)> {
    let now = Timestamp::from_milliseconds(0).unwrap();
    let samples = samples::all().into_iter();
    samples.map(|sample| (sample.clone(), event_from_value(sample, now).unwrap())).collect()
}

/// Type, actor, where from, operation, result, resource, reason.
fn told(event: &Event) -> [String; 7] {
    let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let actor = event.actor.as_ref().unwrap();
    let action = event.action.as_ref().unwrap();
    let resource = event.resource.as_ref();
    [
        event.event_type.to_string(),
        text(actor.id.as_deref()),
        text(actor.ip_address.as_deref()),
        text(action.operation.as_deref()),
        text(action.result.as_ref().map(|result| result.as_str())),
        text(
            event
                .details
                .get("resource")
                .and_then(Value::as_str)
                .or(resource.and_then(|it| it.id.as_deref())),
        ),
        text(event.details.get("reason").and_then(Value::as_str)),
    ]
}

#[test]
fn each_says_who_did_what_to_what() {
    let told: Vec<[String; 7]> = events().iter().map(|(_, event)| told(event)).collect();
    assert_eq!(
        told,
        [
            ["auth.login", "user", "127.0.0.1", "-", "success", "kafka rpc protocol", "-"],
            [
                "auth.failed",
                "admin",
                "127.0.0.1",
                "-",
                "failure",
                "kafka rpc protocol",
                "SASL authentication failed: security: Invalid credentials",
            ],
            ["access.granted", "admin", "127.0.0.1", "create_acls", "success", "acl_binding:create acl", "-"],
            ["access.granted", "user", "127.0.0.1", "metadata", "success", "topic:test", "-"],
            ["access.granted", "admin", "127.0.0.1", "GET", "success", "-", "-"],
            [
                "access.denied",
                "user",
                "127.0.0.1",
                "GET",
                "denied",
                "-",
                "Forbidden (superuser role required)"
            ],
        ]
    );
    let (_, counted) = &events()[3];
    assert_eq!(counted.extra["count"], 2);
    assert_eq!(counted.extra["start_time"], "2023-11-21T02:24:40.724Z");
    assert_eq!(counted.extra["end_time"], "2023-11-21T02:24:40.725Z");
    assert_eq!(counted.timestamp.to_string(), "2023-11-21T02:24:40.724Z");
    let actor = |index: usize| events()[index].1.actor.clone().unwrap();
    assert_eq!(actor(2).actor_type.unwrap().as_str(), "admin");
    assert_eq!(actor(4).user_agent.unwrap(), "Go-http-client/1.1");
}

#[test]
fn each_is_kept_whole_and_can_be_sealed() {
    for (sample, event) in events() {
        assert_eq!(event.details["ocsf"], sample);
        let line = event.to_canonical_json().unwrap();
        assert_eq!(Event::from_json(&line, event.timestamp).unwrap(), event);
    }
}

#[test]
fn each_can_be_written_as_ocsf_again_in_any_version() {
    for (sample, event) in events() {
        for version in Version::ALL {
            let record = Mapping::new(*version).to_value(&event, Recorded::default()).unwrap();
            assert_eq!(record["class_uid"], sample["class_uid"]);
            assert_eq!(record["unmapped"]["details"]["ocsf"], sample);
            assert_eq!(event_from_value(record, event.timestamp).unwrap(), event);
        }
    }
}
