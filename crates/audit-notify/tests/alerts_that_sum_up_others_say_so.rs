//! Alerts that were too many to be told one by one.
#![cfg(feature = "full")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod alerts;

use alerts::{KEY, notice, storm};
use audit_notify::{Email, PagerDuty, Slack, Webhook};

const SAID: &str = "storm: 37 more alerts within a minute (100 events)";

#[test]
fn the_summary_says_how_many() {
    let mut record = storm();
    assert_eq!(notice(&record).summary(), SAID);
    record["details"]["summed_up"] = 1.into();
    record["details"]["count"] = 1.into();
    assert_eq!(notice(&record).summary(), "storm: 1 more alert within a minute (1 event)");
    // Of absences there are no events.
    record["details"]["summed_up"] = 2.into();
    record["details"]["count"] = 0.into();
    record["details"]["absent_for"] = "26h".into();
    assert_eq!(notice(&record).summary(), "storm: 2 more alerts within a minute");
}

#[test]
fn no_message_takes_the_record_for_an_event() {
    let notice = notice(&storm());
    let webhook = Webhook::default().message(&notice);
    assert_eq!(webhook["alert"]["summed_up"], 37);
    let pagerduty = PagerDuty::new(KEY.into()).unwrap().message(&notice);
    assert_eq!(
        (&pagerduty["payload"]["summary"], &pagerduty["payload"]["class"]),
        (&SAID.into(), &().into())
    );
    assert_eq!(pagerduty["payload"]["custom_details"]["summed_up"], 37);
    let slack = Slack::default().message(&notice);
    assert!(slack.to_string().contains("*Summed up*\\n37 alerts, 100 events"), "{slack:#}");
    let mail = Email::default().message(&notice);
    assert!(
        mail.text.contains("Summed up    37 alerts, 100 events\nFirst        2024-12-01"),
        "{}",
        mail.text
    );
    let html = mail.html.unwrap();
    assert!(html.contains("37 alerts, 100 events"), "{html}");
    for message in [webhook.to_string(), pagerduty.to_string(), slack.to_string(), mail.text, html] {
        assert!(!message.contains("alert.fired") && !message.contains("100 within 5m"), "{message}");
    }
    let own = Slack::default().template("{{ .summed_up }} of {{ .rule }}{{ .event_type }}").unwrap();
    assert_eq!(own.message(&notice)["text"], "37 of storm");
}
