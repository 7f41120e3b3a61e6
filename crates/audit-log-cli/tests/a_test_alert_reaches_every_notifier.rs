//! `alerts test`, and notifiers in `status`, `check destinations` and `dead-letter`.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod endpoint;
mod workplace;

use endpoint::{Endpoint, nobody};
use serde_json::Value;
use workplace::{Workplace, assert_code, events, stderr, stdout, text, wait_until};

fn place(url: &str, other: &str) -> Workplace {
    Workplace::new(&format!(
        "
destination: {{type: file, path: audit.log}}
state_dir: state
drain_timeout: 2s
alerts:
  - name: failed
    condition: event_type == 'backup.failed' and context.environment == 'production'
    severity: high
    notify:
      - {{type: webhook, name: desk, url: '{url}'}}
      - {{type: webhook, name: pager, url: '{other}'}}
  - name: each
    condition: event_type == 'restore.started'
    notify: [{{type: webhook, name: desk, url: '{url}'}}]
  - {{name: untold, condition: \"event_type == 'auth.login'\"}}
"
    ))
}

#[test]
fn a_test_is_sent_to_each_notifier_and_marked_as_one() {
    let (desk, pager) = (Endpoint::up(), Endpoint::up());
    let place = place(&desk.url(), &pager.url());
    let sent = place.audit_log("alerts test --rule failed");
    assert_code(&sent, 0);
    assert_eq!(stdout(&sent), "ok      desk (webhook)\nok      pager (webhook)\n");
    for endpoint in [&desk, &pager] {
        let message: Value = serde_json::from_str(&endpoint.taken()).unwrap();
        let text = message.to_string();
        assert!(
            text.contains("\"test\":true") && text.contains("failed") && text.contains("production"),
            "{text}"
        );
    }
    let one = place.audit_log("alerts test --rule failed --notifier pager --json");
    assert_code(&one, 0);
    let told: Value = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!(
        told,
        serde_json::json!([{"notifier": "pager", "type": "webhook", "ok": true, "error": null}])
    );
    assert_eq!((desk.requests().len(), pager.requests().len()), (1, 2));
    assert!(!place.path("audit.log").exists() && !place.path("state").exists(), "nothing is recorded");
}

#[test]
fn one_that_fails_is_told_with_the_reason() {
    let desk = Endpoint::up();
    desk.answers(|_| 403);
    let place = place(&desk.url(), &format!("http://{}/", nobody()));
    let sent = place.audit_log("alerts test --rule failed");
    assert_code(&sent, 1);
    let told = stdout(&sent);
    assert!(told.contains("FAILED  desk (webhook): ") && told.contains("403"), "{told}");
    assert!(told.contains("FAILED  pager (webhook): "), "{told}");
    for (arguments, why) in [
        ("alerts test --rule fialed", "did you mean `failed`?"),
        ("alerts test --rule untold", "the rule `untold` has no `notify`: nobody would be told"),
        (
            "alerts test --rule each --notifier pager",
            "the rule `each` has no notifier `pager`; expected one of `desk`",
        ),
    ] {
        let output = place.audit_log(arguments);
        assert_code(&output, 2);
        assert!(stderr(&output).contains(why), "{arguments}: {}", text(&output));
    }
    assert_eq!(desk.requests().len(), 1, "nothing is tried twice");
}

#[test]
fn the_commands_about_destinations_know_the_rules_and_their_notifiers() {
    let (desk, pager) = (Endpoint::up(), Endpoint::up());
    let place = place(&desk.url(), &pager.url());
    let checked = place.json("check destinations");
    let names: Vec<&str> =
        checked.as_array().unwrap().iter().map(|it| it["destination"].as_str().unwrap()).collect();
    assert_eq!(names, ["file", "alerts", "desk", "pager"], "{checked}");
    assert!(checked.as_array().unwrap().iter().all(|it| it["ok"] == true), "{checked}");

    // Refused for good: it goes to the dead letters, and is taken when it is sent again.
    desk.answers(|_| 400);
    assert_code(&place.run(&events(&["auth.login", "restore.started"])), 0);
    wait_until("the alert is given up", || !desk.requests().is_empty());
    if place.status_of("desk")["dead_letters"] == 0 {
        assert_code(&place.run(""), 0);
    }
    assert_eq!(place.status_of("desk")["dead_letters"], 1);
    assert_eq!(
        (place.status_of("alerts")["type"].as_str(), place.status_of("pager")["type"].as_str()),
        (Some("rules"), Some("webhook"))
    );
    let listed = place.json("dead-letter list -d desk");
    assert_eq!(listed[0]["event_type"], "alert.fired", "{listed}");
    desk.answers(|_| 200);
    let retried = place.audit_log("dead-letter retry");
    assert_code(&retried, 0);
    assert!(stdout(&retried).starts_with("1 record taken"), "{}", text(&retried));
    assert!(desk.taken().contains("restore.started"), "{}", desk.taken());
    assert_eq!(place.json("dead-letter list"), serde_json::json!([]));
    let unknown = place.audit_log("status -d nobody");
    assert_code(&unknown, 2);
    assert!(
        stderr(&unknown).contains("expected one of `file`, `alerts`, `desk`, `pager`"),
        "{}",
        text(&unknown)
    );
}

#[test]
fn what_is_made_up_is_said_to_be_so() {
    let desk = Endpoint::up();
    let place = Workplace::new(&format!(
        "
destination: {{type: file, path: audit.log}}
alerts:
  - name: odd
    condition: event_type == 'backup.failed' and actor.id matches '^[a-f]{{40}}$'
    notify: [{{type: webhook, name: desk, url: '{url}'}}]
  - name: missing
    condition: event_type == 'backup.completed'
    absent_for: 26h
    notify: [{{type: webhook, name: desk, url: '{url}'}}]
  - name: plain
    condition: event_type == 'backup.failed'
    notify: [{{type: webhook, name: desk, url: '{url}'}}]
",
        url = desk.url()
    ));
    let note = "note: no event could be made up that fits the condition; the one in the test is of type `backup.failed`";
    for (rule, is_noted, count) in [("odd", true, 1), ("missing", false, 0), ("plain", false, 1)] {
        let sent = place.audit_log(&format!("alerts test --rule {rule}"));
        assert_code(&sent, 0);
        assert_eq!(stderr(&sent).contains(note), is_noted, "{}", text(&sent));
        let requests = desk.requests();
        let message = format!("{:?}", requests.last().unwrap());
        assert!(message.contains(&format!("count\\\":{count}")), "{message}");
        assert_eq!(message.contains("\\\"event\\\":"), rule != "missing", "{message}");
    }
}
