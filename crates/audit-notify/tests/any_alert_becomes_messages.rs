//! Whatever an alert record holds, its messages keep to their bounds and values stay values.
#![cfg(feature = "full")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod alerts;

use alerts::{KEY, any_alert, notice};
use audit_notify::{Email, Notice, PagerDuty, Slack, Webhook};
use proptest::prelude::*;
use serde_json::{Value, json};

/// All texts in a body, with the names of members.
fn texts(body: &Value) -> Vec<String> {
    match body {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn bounds_are_kept(record in any_alert()) {
        let notice = notice(&record);
        prop_assert!(notice.summary().chars().count() <= 600 && !notice.summary().contains(char::is_control));

        let slack = Slack::default().message(&notice);
        for text in texts(&slack) {
            prop_assert!(!text.contains(['<', '>']), "{text}");
            prop_assert!(!text.to_lowercase().contains("@here"));
        }
        let slack = Slack::default().template("{{ .actor.id }}{{ .details }}{{ .event }}").unwrap().message(&notice);
        let text = slack["text"].as_str().unwrap();
        prop_assert!(text.encode_utf16().count() <= 40_000 && !text.contains(['<', '>']) && !text.trim().is_empty());

        let pagerduty = PagerDuty::new(KEY.into()).unwrap().message(&notice);
        prop_assert!(pagerduty.to_string().len() < 500_000, "{}", pagerduty.to_string().len());
        prop_assert!(pagerduty["payload"]["summary"].as_str().unwrap().chars().count() <= 1024);

        let mail = Email::default().message(&notice);
        prop_assert!(mail.subject.chars().count() <= 200 && !mail.subject.trim().is_empty());
        prop_assert!(!mail.subject.contains(char::is_control));
        prop_assert!(!mail.text.contains(|c: char| c.is_control() && c != '\n'));
        let html = mail.html.unwrap();
        prop_assert_eq!(html.matches("<script").count(), 0);
        prop_assert!(html.ends_with("</html>\n") || html.ends_with('…'));

        prop_assert_eq!(&Webhook::default().message(&notice)["version"], &json!("1"));
    }

    #[test]
    fn a_webhooks_template_stays_json(record in any_alert()) {
        let template = r#"{"a": "{{ .actor.id }} {{ .details }} {{ .event }}", "b": {{ json .details }}, "c": {{ json .count }}}"#;
        let body = Webhook::default().template(template).unwrap().message(&notice(&record));
        // Only what was cut is no JSON, and then the default says so.
        prop_assert!(body["a"].is_string() || body["template_error"].is_string());
    }

    #[test]
    fn no_line_panics(line in prop::collection::vec(any::<u8>(), 0..64)) {
        Notice::from_line(&line).ok();
    }
}

#[test]
fn a_megabyte_in_an_event_fits_pagerduty() {
    let many: Vec<String> = (0..60_000).map(|number| format!("topic \"{number}\"\u{1}")).collect();
    let record = json!({"event_type": "alert.fired", "details": {"rule": "r".repeat(5_000), "alert_id": "é".repeat(500),
        "event": {"event_type": "x", "details": {"topics": many, "text": "\u{1}".repeat(400_000), "é".repeat(5000): 1}}}});
    let body = PagerDuty::new(KEY.into()).unwrap().message(&notice(&record));
    let size = body.to_string().len();
    assert!((150_000..512_000).contains(&size), "{size}");
    assert_eq!(body["dedup_key"].as_str().unwrap().chars().count(), 255);
    assert!(body["payload"]["custom_details"]["event"].to_string().contains('…'));
}
