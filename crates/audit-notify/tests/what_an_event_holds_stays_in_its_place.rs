//! Injection: values that would be more than values.
#![cfg(feature = "full")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod alerts;

use alerts::{KEY, notice, single};
use audit_notify::{Email, PagerDuty, Slack, Webhook};
use serde_json::Value;

fn with_actor(id: &str) -> Value {
    let mut record = single();
    record["details"]["event"]["actor"]["id"] = id.into();
    record
}

#[test]
fn slack_calls_nobody_and_links_nowhere() {
    let templates =
        [None, Some("User: {{ .actor.id }}"), Some("{{ printf \"%s\" .actor.id }}"), Some("{{ .event }}")];
    for id in [
        "<!channel>",
        "<!here|here>",
        "<@U024BE7LH>",
        "<#C024BE7LR>",
        "<https://evil.example|Runbook>",
        "&lt;!channel&gt;",
    ] {
        for template in templates {
            let slack = Slack::default();
            let slack = template.map_or(slack.clone(), |template| slack.template(template).unwrap());
            let body = slack.message(&notice(&with_actor(id)));
            let written = body.to_string();
            assert!(!written.contains(['<', '>']), "{written}");
            // As a reader sees it, it is the actor's name.
            let seen = written.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            assert!(seen.contains(id), "{written}");
        }
    }
    let body = Slack::default()
        .template("{{ .actor.id }}")
        .unwrap()
        .message(&notice(&with_actor("@channel @HERE a@here.com")));
    assert_eq!(body["text"], "@\u{2060}channel @\u{2060}HERE a@here.com");
    // What the template says itself is meant.
    let body =
        Slack::default().template("<!channel> {{ .actor.id }}").unwrap().message(&notice(&with_actor("<x>")));
    assert_eq!(body["text"], "<!channel> &lt;x&gt;");
}

#[test]
fn a_value_cannot_pose_as_a_line_of_the_default_messages() {
    let notice = notice(&with_actor("x\nResource     safe\r\n*Resource*\u{2028}y"));
    let slack = Slack::default().message(&notice).to_string();
    assert!(!slack.contains("\\nResource") && !slack.contains("\\n*Resource*\\n*"), "{slack}");
    let mail = Email::default().message(&notice);
    assert!(!mail.text.contains("\nResource     safe"), "{}", mail.text);
}

#[test]
fn html_holds_no_markup_of_an_event() {
    let id = "<script>alert(1)</script><img src=x onerror='y'>\" onload=\"z";
    let mail = Email::default()
        .html("<html><body class='c'><a title=\"{{ .actor.id }}\">{{ .actor.id }}</a></body></html>")
        .unwrap();
    for mail in [Email::default(), mail] {
        let html = mail.message(&notice(&with_actor(id))).html.unwrap();
        assert!(
            !html.contains("<script") && !html.contains("<img") && !html.contains("onload=\"z"),
            "{html}"
        );
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }
}

#[test]
fn a_subject_is_one_line() {
    for id in [
        "x\r\nBcc: victim@company.com",
        "x\nBcc: y",
        "x\rBcc: y",
        "x\u{85}Bcc: y",
        "x\u{2028}Bcc: y",
        "x\u{0}\u{1b}[2J",
    ] {
        for template in [None, Some("{{ .actor.id }}\n"), Some("Alert\r\n{{ .actor.id }}")] {
            let mail = Email::default();
            let mail = template.map_or(mail.clone(), |template| mail.subject(template).unwrap());
            let subject = mail.message(&notice(&with_actor(id))).subject;
            assert!(!subject.contains(char::is_control) && !subject.contains('\u{2028}'), "{subject:?}");
            assert!(!subject.is_empty() && !subject.ends_with(' '));
        }
    }
}

#[test]
fn json_holds_no_members_of_an_event() {
    let id = "x\", \"admin\": true, \"y\": \"";
    let webhook = Webhook::default()
        .template(r#"{"who": "{{ .actor.id }}", "text": "by {{ printf "%q" .actor.id }}"}"#)
        .unwrap();
    let body = webhook.message(&notice(&with_actor(id)));
    assert_eq!(body["who"], id);
    assert_eq!(body.as_object().unwrap().len(), 2);
}

#[test]
fn a_link_leads_where_its_template_says() {
    let pagerduty = PagerDuty::new(KEY.into())
        .unwrap()
        .link("https://siem/?q={{ urlquery .actor.id }}", "Search")
        .unwrap();
    let pagerduty = pagerduty.link("{{ .actor.id }}", "Who").unwrap();
    let body = pagerduty.message(&notice(&with_actor("javascript:alert(1)&x=<y>")));
    assert_eq!(body["links"].as_array().unwrap().len(), 1);
    assert_eq!(body["links"][0]["href"], "https://siem/?q=javascript%3Aalert%281%29%26x%3D%3Cy%3E");
}

#[test]
fn an_events_own_members_do_not_pose_as_the_alerts() {
    let mut record = single();
    for (name, value) in [
        ("severity", Value::from("info")),
        ("test", true.into()),
        ("rule", "other".into()),
        ("summary", "fake".into()),
        ("description", "fake".into()),
    ] {
        record["details"]["event"][name] = value;
    }
    let notice = notice(&record);
    assert_eq!((notice.rule(), notice.is_test()), ("unauthorized-restore", false));
    let slack = Slack::default()
        .template("{{ .severity }} {{ .test }} {{ .rule }} {{ .description }}|")
        .unwrap()
        .message(&notice);
    assert_eq!(slack["text"], "critical false unauthorized-restore |");
    assert!(!Slack::default().message(&notice).to_string().contains("fake"));
}

#[test]
fn a_routing_key_shows_in_the_body_only() {
    let pagerduty = PagerDuty::new(KEY.into()).unwrap();
    assert!(!format!("{pagerduty:?}").contains(KEY));
    assert_eq!(pagerduty.message(&notice(&single()))["routing_key"], KEY);
    for key in ["", "secret key", "secret\n"] {
        let error = PagerDuty::new(key.into()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    assert!(PagerDuty::new(KEY.into()).unwrap().has_usual_key());
    assert!(!PagerDuty::new("short".into()).unwrap().has_usual_key());
    // Nor does an event, whoever prints a notice.
    assert!(!format!("{:?}", notice(&single())).contains("alice"));
}
