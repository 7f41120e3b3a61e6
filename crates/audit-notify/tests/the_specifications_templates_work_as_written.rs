//! The templates of the specification, with its keys, and what tests and ends of alerts look like.
#![cfg(feature = "full")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod alerts;

use alerts::{KEY, absent, as_test, notice, resolved, single, spike};
use audit_notify::{Email, Notice, PagerDuty, PagerDutyError, Slack, Status, Webhook, WebhookError};
use serde_json::{Value, json};

const TEMPLATE: &str = ":warning: *{{ .event_type }}*\nUser: {{ .actor.id }}\nResource: {{ .resource.id }}\nTime: {{ .timestamp }}\n";

#[test]
fn slack_gets_what_the_template_says() {
    let slack = Slack::default().channel("#kafka-alerts").template(TEMPLATE).unwrap();
    assert_eq!(
        slack.message(&notice(&single())),
        json!({"channel": "#kafka-alerts", "unfurl_links": false, "unfurl_media": false,
            "text": ":warning: *restore.started*\nUser: alice@company.com\nResource: production-backup-20241201\nTime: 2024-12-01T03:12:04.500Z"})
    );
    // No event led to this one: the alert's own record stands in.
    let text = slack.message(&notice(&absent()))["text"].clone();
    assert_eq!(
        text,
        ":warning: *alert.fired*\nUser: audit-log\nResource: nightly-backup\nTime: 2024-12-02T04:00:00.000Z"
    );
    assert!(
        slack.message(&notice(&resolved()))["text"].as_str().unwrap().starts_with("[RESOLVED] :warning:")
    );
    let both = slack.message(&notice(&as_test(resolved())))["text"].clone();
    assert!(both.as_str().unwrap().starts_with("[TEST] [RESOLVED] :warning:"), "{both}");
    let own = Slack::default().template("{{ if .test }}t{{ end }}{{ .status }}").unwrap();
    assert_eq!(own.message(&notice(&as_test(resolved())))["text"], "tresolved");
    // An empty message would be refused, so it is the default one.
    let empty = Slack::default().template("{{ .details.nothing }}\n").unwrap();
    assert_eq!(empty.message(&notice(&single())), Slack::default().message(&notice(&single())));
}

#[test]
fn pagerdutys_severity_is_mapped() {
    let pagerduty = || PagerDuty::new(KEY.into()).unwrap();
    let severity = |pagerduty: &PagerDuty, word: &str| {
        let mut record = single();
        record["details"]["severity"] = word.into();
        pagerduty.message(&notice(&record))["payload"]["severity"].as_str().unwrap().to_owned()
    };
    for pagerduty in [
        pagerduty(),
        pagerduty().severity("{{ .severity }}").unwrap(),
        pagerduty().severity("{{ .details.level }}").unwrap(),
    ] {
        let mapped =
            ["critical", "high", "medium", "low", "info", "odd"].map(|word| severity(&pagerduty, word));
        assert_eq!(mapped, ["critical", "error", "warning", "info", "info", "warning"]);
    }
    assert_eq!(severity(&pagerduty().severity("error").unwrap(), "low"), "error");
    assert_eq!(severity(&pagerduty().severity(" High ").unwrap(), "low"), "error");
    assert_eq!(
        severity(
            &pagerduty().severity("{{ if eq .actor.id \"alice@company.com\" }}critical{{ end }}").unwrap(),
            "low"
        ),
        "critical"
    );
    for wrong in ["urgent", "", "{{ .severity }}!", "{{ .event_type }}"] {
        assert!(matches!(pagerduty().severity(wrong), Err(PagerDutyError::Severity { .. })), "{wrong}");
    }
    let error = pagerduty().severity("{{ .severty }}").unwrap_err().to_string();
    assert_eq!(error, "line 1, column 4: there is no field `.severty`; did you mean `.severity`?");
}

#[test]
fn pagerduty_gets_one_incident_for_an_alert_and_its_end() {
    let pagerduty = PagerDuty::new(KEY.into()).unwrap();
    let (fired, over) = (pagerduty.message(&notice(&spike())), pagerduty.message(&notice(&resolved())));
    assert_eq!((&fired["event_action"], &over["event_action"]), (&json!("trigger"), &json!("resolve")));
    assert_eq!(fired["dedup_key"], over["dedup_key"]);
    let mut payload = fired["payload"].clone();
    payload["custom_details"].take();
    assert_eq!(
        payload,
        json!({"summary": "access-denied-spike: 12 × access.denied within 5m for actor.id=bob@company.com (production)",
            "source": "prod-eu-1", "severity": "error", "timestamp": "2024-12-01T10:15:30.123Z", "component": "payments",
            "group": "production", "class": "access.denied", "custom_details": null})
    );
    assert_eq!(fired["payload"]["custom_details"]["event"]["actor"]["ip_address"], "10.0.0.66");
    assert_eq!(
        over["payload"]["summary"],
        "[RESOLVED] access-denied-spike: resolved after 16 min 1 s for actor.id=bob@company.com"
    );
    let test = pagerduty.message(&notice(&as_test(single())));
    assert_eq!(
        test["payload"]["summary"],
        "[TEST] unauthorized-restore: restore.started by alice@company.com on backup production-backup-20241201 (production)"
    );
    assert_eq!(test["payload"]["custom_details"]["test"], true);
}

#[test]
fn slacks_default_says_who_what_where_and_in_which_colour() {
    let body = Slack::default().message(&notice(&spike()));
    assert_eq!(
        body["text"],
        ":red_circle: *[HIGH]* access-denied-spike: 12 × access.denied within 5m for actor.id=bob@company.com (production)"
    );
    assert_eq!(body["attachments"][0]["color"], "#e53935");
    let blocks = &body["attachments"][0]["blocks"];
    assert_eq!(blocks[0]["text"]["text"], "Somebody is trying doors.");
    let fields: Vec<&str> =
        blocks[1]["fields"].as_array().unwrap().iter().map(|field| field["text"].as_str().unwrap()).collect();
    assert_eq!(
        fields,
        [
            "*Event*\naccess.denied",
            "*Actor*\nbob@company.com (10.0.0.66)",
            "*Resource*\ntopic payments",
            "*Action*\nread (denied)",
            "*Environment*\nproduction (prod-eu-1)",
            "*Count*\n12 within 5m (threshold 10)",
            "*Group*\nactor.id = bob@company.com",
            "*First*\n2024-12-01T10:11:30.000Z",
            "*Last*\n2024-12-01T10:15:30.123Z"
        ]
    );
    let over = Slack::default().message(&notice(&resolved()));
    assert_eq!(
        over["text"],
        ":white_check_mark: *[RESOLVED]* access-denied-spike: resolved after 16 min 1 s for actor.id=bob@company.com"
    );
    let test = Slack::default().message(&notice(&as_test(absent())));
    assert_eq!(test["text"], ":test_tube: *[TEST]* :warning: *[MEDIUM]* nightly-backup: nothing for 26h");
}

#[test]
fn e_mails_say_the_same_as_text_and_html() {
    let mail = Email::default().message(&notice(&spike()));
    assert_eq!(
        mail.subject,
        "[HIGH] access-denied-spike: 12 × access.denied within 5m for actor.id=bob@company.com (production)"
    );
    assert_eq!(
        mail.text,
        "[HIGH] access-denied-spike: 12 × access.denied within 5m for actor.id=bob@company.com (production)\n\n\
         Somebody is trying doors.\n\nEvent        access.denied\nTime         2024-12-01T10:15:30.123Z\nActor        bob@company.com (10.0.0.66)\n\
         Resource     topic payments\nAction       read (denied)\nEnvironment  production (prod-eu-1)\nEvent id     evt_1\n\n\
         Count        12 within 5m (threshold 10)\nFirst        2024-12-01T10:11:30.000Z\nLast         2024-12-01T10:15:30.123Z\n\
         Group        actor.id = bob@company.com\nCondition    event_type == 'access.denied'\n\
         Alert        alert-00112233445566aa, 2024-12-01T10:15:31.000Z\n\n\
         Details of the event\n  reason: missing role payments-reader\n  topics: [payments refunds]\n"
    );
    let html = mail.html.unwrap();
    for part in [
        "HIGH",
        "access-denied-spike",
        "bob@company.com (10.0.0.66)",
        "topic payments",
        "Somebody is trying doors.",
        "alert-00112233445566aa",
        "[payments refunds]",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("http"), "nothing remote");

    let over = Email::default().message(&notice(&resolved()));
    assert_eq!(
        over.subject,
        "[RESOLVED] access-denied-spike: resolved after 16 min 1 s for actor.id=bob@company.com"
    );
    assert!(
        over.text.starts_with("[RESOLVED] access-denied-spike: resolved after 16 min 1 s for"),
        "{}",
        over.text
    );
    assert!(over.html.unwrap().contains("resolved after 16 min 1 s"));

    let test = Email::default().message(&notice(&as_test(absent())));
    assert_eq!(test.subject, "[TEST] [MEDIUM] nightly-backup: nothing for 26h");
    assert!(test.text.starts_with("[TEST] This is a test."));
    assert!(test.html.unwrap().contains("[TEST] Nothing happened"));
}

#[test]
fn own_templates_of_e_mails_are_marked_too() {
    let mail =
        Email::default().subject("Denied: {{ .actor.id }}\n").unwrap().text("By {{ .actor.id }}\n").unwrap();
    let message = mail.message(&notice(&as_test(resolved())));
    assert_eq!(message.subject, "[TEST] [RESOLVED] Denied: bob@company.com");
    assert_eq!((message.text.as_str(), message.html), ("[TEST] [RESOLVED] By bob@company.com\n", None));
    let empty = Email::default().text("{{ .details.none }}").unwrap().html("{{ .details.none }}").unwrap();
    let message = empty.message(&notice(&resolved()));
    let summary = "[RESOLVED] access-denied-spike: resolved after 16 min 1 s for actor.id=bob@company.com\n";
    assert_eq!((message.text.as_str(), message.html), (summary, None));
    let mail = mail.html("<html><body bgcolor=\"#fff\">{{ .actor.id }}</body></html>").unwrap();
    let html = mail.message(&notice(&as_test(single()))).html.unwrap();
    assert_eq!(
        html,
        "<html><body bgcolor=\"#fff\"><p><strong>[TEST]</strong></p>alice@company.com</body></html>"
    );
}

#[test]
fn a_webhook_gets_the_alert_or_what_its_template_says() {
    let body = Webhook::default().message(&notice(&as_test(resolved())));
    assert_eq!(
        (&body["version"], &body["alert"]["status"], &body["alert"]["test"]),
        (&json!("1"), &json!("resolved"), &json!(true))
    );
    assert_eq!(
        (&body["alert"]["lasted"], &body["alert"]["group"]["actor.id"]),
        (&json!("16 min 1 s"), &json!("bob@company.com"))
    );
    assert_eq!(body["alert"]["event"], spike()["details"]["event"]);

    let wrong = Webhook::default().template("{\"who\": {{ .actor.id }}}").unwrap_err();
    assert!(
        matches!(wrong, WebhookError::NotJson { .. }) && wrong.to_string().contains("near `{\"who\": O"),
        "{wrong}"
    );
    // What is well for an alert with all fields has to be so for one without.
    assert!(Webhook::default().template("{\"count\": {{ .count }}}").is_err());
    let webhook = Webhook::default().template("{\"count\": {{ json .count }}}").unwrap();
    assert_eq!(webhook.message(&notice(&absent())), json!({"count": null}));
    let both = webhook.message(&notice(&as_test(resolved())));
    assert_eq!(both, json!({"count": 12, "test": true, "status": "resolved"}));
    let own = Webhook::default()
        .template("{\"on\": {{ eq .status \"firing\" }}, \"try\": {{ json .test }}}")
        .unwrap();
    assert_eq!(own.message(&notice(&as_test(resolved()))), json!({"on": false, "try": true}));
    let webhook =
        Webhook::default().template("{\"x\": {{ with .details.raw }}{{ . }}{{ else }}0{{ end }}}").unwrap();
    let mut record = single();
    record["details"]["event"]["details"] = json!({"raw": "no JSON"});
    let body: Value = webhook.message(&notice(&record));
    assert!(
        body["template_error"].as_str().unwrap().contains("did not render as JSON") && body["version"] == "1"
    );
}

#[test]
fn sealed_and_bare_records_are_read_and_others_are_not_alerts() {
    let sealed = json!({"event": spike(), "integrity": {"sequence_number": 7}});
    assert_eq!(Notice::from_line(sealed.to_string().as_bytes()).unwrap(), Some(notice(&spike())));
    assert_eq!(notice(&resolved()).status(), Status::Resolved);
    for line in [
        r#"{"event_type":"backup.failed"}"#,
        r#"{"event_type":"alert.notify_failed"}"#,
        "{}",
        r#"{"event_type":7}"#,
    ] {
        assert_eq!(Notice::from_line(line.as_bytes()).unwrap(), None, "{line}");
    }
    let mut odd = spike();
    odd["integrity"] = 7.into();
    assert_eq!(notice(&odd).rule(), "access-denied-spike");
    for line in ["", "[]", "nonsense", r#"{"integrity":{}}"#, r#"{"event":7,"integrity":{}}"#] {
        assert!(Notice::from_line(line.as_bytes()).is_err(), "{line}");
    }
    let event =
        audit_model::Event::from_json(spike().to_string().as_bytes(), audit_model::Timestamp::now()).unwrap();
    assert_eq!(Notice::from_event(&event).unwrap(), Some(notice(&spike())));
}

#[test]
fn every_field_that_the_shape_names_is_told() {
    let template = "{{ .rule }}{{ .description }}{{ .severity }}{{ .status }}{{ .count }}{{ .threshold }}{{ .window }}{{ .absent_for }}\
        {{ .group }}{{ .condition }}{{ .alert_id }}{{ .first_time }}{{ .last_time }}{{ .repeat }}{{ .test }}{{ .event.actor.id }}{{ .summary }}\
        {{ .lasted }}{{ .alert_time }}{{ .event_id }}{{ .version }}{{ .action.duration_ms }}{{ .resource.path }}{{ .context.region }}";
    assert!(Slack::default().template(template).is_ok());
    let error = Slack::default().template("{{ .actr.id }}").unwrap_err();
    assert_eq!((error.line(), error.column(), error.nearest()), (1, 4, Some("actor")));
    assert!(
        Slack::default()
            .template("{{ .event.details.anything }}{{ .group.anything }}{{ .details.a.b }}")
            .is_ok()
    );
    assert!(Slack::default().template("{{ .event.rule }}").is_err());
}
