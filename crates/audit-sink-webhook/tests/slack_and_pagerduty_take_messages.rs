//! Messages for Slack's incoming webhooks and PagerDuty's Events API v2, to a server that holds them against what these
//! places document and answers as they do: `xtask/services/slack_and_pagerduty.py`.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod receiver;

use std::time::Duration;

use audit_sink::testkit::batch;
use audit_sink::{Receipt, Sink as _, SinkError};
use audit_sink_webhook::Body;
use audit_tls::TlsOptions;
use receiver::{Path, runtime, variable, within};
use serde_json::{Value, json};

fn slack_message() -> Value {
    json!({
        "channel": "#security-alerts",
        "text": "[high] access-denied-spike: 12 in 5m",
        "attachments": [{
            "color": "#d00000",
            "fallback": "access-denied-spike",
            "fields": [{"title": "actor", "value": "bob & <alice>", "short": true}],
            "ts": 1_700_000_000,
        }],
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "access-denied-spike", "emoji": true}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*12* in 5m"}},
            {"type": "divider"},
        ],
    })
}

fn pagerduty_event(action: &str) -> Value {
    let mut event = json!({
        "routing_key": "0123456789abcdef0123456789abcdef",
        "event_action": action,
        "dedup_key": "alert-0123456789abcdef",
        "client": "audit-log",
    });
    if action == "trigger" {
        event["payload"] = json!({
            "summary": "access-denied-spike: 12 in 5m",
            "source": "orders",
            "severity": "error",
            "timestamp": "2026-11-22T00:00:00.123Z",
            "custom_details": {"count": 12, "group": {"actor.id": "bob"}},
        });
    }
    event
}

/// A path of the receiver's, over HTTPS; `None` where there is none.
fn path(begin: &str) -> Option<Path> {
    let (base, ca) = (variable("AUDIT_TEST_WEBHOOK_TLS")?, variable("AUDIT_TEST_CA")?);
    let tls = TlsOptions::default().ca_file(ca);
    Some(Path::new(&base, begin, Body::Json).with(|options| options.tls(tls)))
}

fn send(path: &Path, messages: &[Value]) -> Result<Receipt, SinkError> {
    let lines: Vec<Vec<u8>> = messages.iter().map(|message| message.to_string().into_bytes()).collect();
    runtime().block_on(within(Duration::from_secs(10), path.sink().send(&batch(1, &lines))))
}

fn accepted(path: &Path, messages: &[Value]) {
    assert_eq!(send(path, messages).unwrap().rejected, []);
}

fn rejected(path: &Path, message: Value) -> String {
    let receipt = send(path, &[message]).unwrap();
    assert_eq!(receipt.rejected.len(), 1, "{receipt:?}");
    receipt.rejected[0].reason.clone()
}

fn not_now(path: &Path, message: Value) -> (String, Option<Duration>) {
    match send(path, &[message]) {
        Err(SinkError::Retryable { source, retry_after }) => (source.to_string(), retry_after),
        other => panic!("expected an error that may be retried, found {other:?}"),
    }
}

#[test]
fn a_record_is_one_bare_json_document() {
    let Some(path) = path("/slack/ok") else { return };
    let messages = [slack_message(), json!({"text": "second"})];
    accepted(&path, &messages);
    let requests = path.requests();
    assert_eq!(requests.len(), 2, "a request each, in order");
    for (request, message) in requests.iter().zip(&messages) {
        assert_eq!(request["status"], 200);
        assert_eq!(request["headers"]["content-type"], "application/json");
        assert_eq!(request["body"], message.to_string(), "nothing before it, nothing behind it");
    }
    assert_ne!(requests[0]["headers"]["idempotency-key"], requests[1]["headers"]["idempotency-key"]);
}

#[test]
fn slack_rejects_what_is_wrong_with_a_message() {
    let Some(path) = path("/slack/ok") else { return };
    let mut unknown = slack_message();
    unknown["severity"] = json!("high");
    let mut no_title = slack_message();
    no_title["blocks"][0]["text"]["text"] = json!("");
    for (message, expected) in [
        (json!({}), "no_text"),
        (json!({"channel": "#x"}), "no_text"),
        (json!(["text"]), "invalid_payload"),
        (json!({"text": 7}), "invalid_payload"),
        (unknown, "invalid_payload"),
        (no_title, "invalid_blocks"),
        (json!({"attachments": vec![json!({"text": "x"}); 101]}), "too_many_attachments"),
    ] {
        let reason = rejected(&path, message);
        assert!(reason.contains("400 Bad Request") && reason.contains(expected), "{reason}");
    }
    let beside = [json!({"text": "before"}), json!({}), json!({"text": "after"})];
    let receipt = send(&path, &beside).unwrap();
    assert_eq!(receipt.rejected.iter().map(|rejection| rejection.sequence_number).collect::<Vec<_>>(), [2]);
}

/// A revoked or archived webhook, and one that is not allowed, are for somebody to mend: no message is given up.
#[test]
fn what_somebody_can_mend_at_slack_is_tried_again() {
    for (mode, expected) in [
        ("403", "action_prohibited"),
        ("404", "no_service"),
        ("410", "channel_is_archived"),
        ("500", "rollup_error"),
    ] {
        let Some(path) = path(&format!("/slack/{mode}")) else { return };
        let (error, retry_after) = not_now(&path, slack_message());
        assert!(error.contains(mode) && error.contains(expected), "{error}");
        assert_eq!(retry_after, None);
    }
}

#[test]
fn too_many_requests_are_tried_again_when_the_place_says() {
    for (mode, message) in
        [("/slack/429-once", slack_message()), ("/pagerduty/429-once", pagerduty_event("trigger"))]
    {
        let Some(path) = path(mode) else { return };
        let (error, retry_after) = not_now(&path, message.clone());
        assert!(error.contains("429 Too Many Requests"), "{error}");
        assert_eq!(retry_after, Some(Duration::from_secs(1)));
        accepted(&path, &[message]);
        let requests = path.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!(
            requests[0]["headers"]["idempotency-key"], requests[1]["headers"]["idempotency-key"],
            "the same message has the same key"
        );
    }
}

#[test]
fn pagerduty_takes_events_and_says_what_is_wrong_with_them() {
    let Some(path) = path("/pagerduty/v2/enqueue") else { return };
    accepted(
        &path,
        &[pagerduty_event("trigger"), pagerduty_event("acknowledge"), pagerduty_event("resolve")],
    );
    assert!(path.requests().iter().all(|request| request["status"] == 202));
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut event = pagerduty_event("trigger");
        change(&mut event);
        event
    };
    for (event, expected) in [
        (changed(&|event| event["payload"]["severity"] = json!("high")), "payload.severity"),
        (changed(&|event| event["payload"]["summary"] = json!("x".repeat(1025))), "payload.summary"),
        (changed(&|event| event["payload"]["source"] = Value::Null), "payload.source"),
        (changed(&|event| event["payload"]["timestamp"] = json!("soon")), "payload.timestamp"),
        (changed(&|event| event["routing_key"] = json!("short")), "routing_key"),
        (changed(&|event| event["event_action"] = json!("fire")), "event_action"),
        (changed(&|event| event["dedup_key"] = json!("x".repeat(256))), "dedup_key"),
        (changed(&|event| event["severity"] = json!("error")), "unknown members"),
        (changed(&|event| drop(event.as_object_mut().unwrap().remove("payload"))), "'payload' is missing"),
    ] {
        let reason = rejected(&path, event);
        assert!(reason.contains("invalid event") && reason.contains(expected), "{expected}: {reason}");
    }
}

#[test]
fn pagerduty_in_trouble_is_tried_again() {
    let Some(path) = path("/pagerduty/500") else { return };
    let (error, _) = not_now(&path, pagerduty_event("trigger"));
    assert!(error.contains("500 Internal Server Error"), "{error}");
}

/// Both take POST only, which says nothing against them.
#[test]
fn the_check_passes_where_only_post_is_taken() {
    for begin in ["/slack/ok", "/pagerduty/v2/enqueue"] {
        let Some(path) = path(begin) else { return };
        runtime().block_on(path.sink().check()).unwrap();
        assert!(path.requests().is_empty(), "nothing was sent");
    }
}
