//! Bodies against JSON Schemas written from the services' documentation.
#![cfg(feature = "full")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod alerts;
mod verdicts;

use alerts::{KEY, absent, any_alert, as_test, notice, resolved, single, spike, storm};
use audit_notify::{Notice, PagerDuty, Slack, Webhook};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use verdicts::Verdicts;

/// What each notifier makes of an alert, beside the name of its schema.
fn bodies(notice: &Notice) -> Vec<(&'static str, Value)> {
    let slack = Slack::default().channel("#alerts").username("audit-log").icon_emoji(":lock:");
    let template = ":warning: *{{ .event_type }}*\nUser: {{ .actor.id }}\n{{ range $k, $v := .details }}{{ $k }}: {{ $v }}\n{{ end }}";
    let pagerduty = PagerDuty::new(KEY.into()).unwrap().client_url("https://audit.company.com");
    let designed = pagerduty
        .clone()
        .severity("{{ .details.level }}")
        .unwrap()
        .summary("{{ .details }}{{ .actor }}")
        .unwrap();
    let designed = designed
        .source("{{ .context }}")
        .unwrap()
        .link("https://r/?q={{ urlquery .actor.id }}", "{{ .rule }}")
        .unwrap();
    let designed = designed.link("{{ .details.url }}", "x").unwrap();
    vec![
        ("slack", slack.message(notice)),
        ("slack", slack.clone().template(template).unwrap().message(notice)),
        ("slack", slack.template("{{ .actor.id }}").unwrap().message(notice)),
        ("pagerduty", pagerduty.message(notice)),
        ("pagerduty", designed.message(notice)),
        ("webhook", Webhook::default().message(notice)),
    ]
}

#[test]
fn usual_alerts() {
    let Some(mut schemas) = Verdicts::start() else { return };
    for record in [spike(), single(), absent(), storm(), resolved()] {
        for record in [record.clone(), as_test(record)] {
            for (schema, body) in bodies(&notice(&record)) {
                assert_eq!(schemas.problems(schema, &body), [""; 0], "{body:#}");
            }
        }
    }
}

#[test]
fn any_alerts_whatsoever() {
    let Some(mut schemas) = Verdicts::start() else { return };
    let mut runner = TestRunner::deterministic();
    for _ in 0..150 {
        let record = any_alert().new_tree(&mut runner).unwrap().current();
        for (schema, body) in bodies(&notice(&record)) {
            let problems = schemas.problems(schema, &body);
            assert!(problems.is_empty(), "{problems:?}\n{body:#}");
        }
    }
}

#[test]
fn the_schemas_refuse_what_the_services_refuse() {
    let Some(mut schemas) = Verdicts::start() else { return };
    let good = bodies(&notice(&spike()));
    let edits: [(&str, &str, Value); 11] = [
        ("slack", "/text", "".into()),
        ("slack", "/text", "x".repeat(40_001).into()),
        ("slack", "/attachments/0/color", "red".into()),
        ("slack", "/attachments/0/blocks/0/text/text", "x".repeat(3001).into()),
        ("slack", "/attachments/0/blocks/1/fields", json!([])),
        ("slack", "/attachments/0/blocks/1/type", "fields".into()),
        ("pagerduty", "/routing_key", "short".into()),
        ("pagerduty", "/event_action", "fire".into()),
        ("pagerduty", "/payload/severity", "high".into()),
        ("pagerduty", "/payload/summary", "x".repeat(1025).into()),
        ("webhook", "/alert/status", "on".into()),
    ];
    for (schema, place, value) in edits {
        let mut body = good.iter().find(|(of, _)| *of == schema).unwrap().1.clone();
        *body.pointer_mut(place).unwrap() = value;
        assert!(!schemas.problems(schema, &body).is_empty(), "{place}");
    }
}
