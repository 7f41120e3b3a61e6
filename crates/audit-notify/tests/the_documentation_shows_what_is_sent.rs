//! `docs/alerts.md` against the code.
#![cfg(feature = "full")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod alerts;

use alerts::{notice, resolved, spike};
use audit_notify::{Email, Notice, Slack, Webhook};
use audit_template::Template;
use serde_json::Value;

/// Its sections on templates and messages.
fn document() -> String {
    let sections = include_str!("../../../docs/alerts.md").split("\n## ");
    sections
        .filter(|section| section.starts_with("Templates\n") || section.starts_with("Messages\n"))
        .collect()
}

/// What stands in the fenced blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    document().split(&opening).skip(1).map(|behind| behind.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn its_templates_can_be_used() {
    let templates = blocks("gotemplate");
    assert_eq!(templates.len(), 7);
    for text in &templates {
        Template::parse(text, &Notice::shape()).unwrap();
    }
    assert!(templates.iter().any(|text| text.trim() == Email::default_templates()[0]));
    Webhook::default().template(templates.last().unwrap()).unwrap();
    // Those in its text and tables, of which some are only the beginning of a block.
    let document = document();
    let actions = document.split("`{{ ").skip(1).map(|behind| behind.split("}}`").next().unwrap());
    let whole: Vec<String> = actions.map(|inner| format!("{{{{ {inner}}}}}").replace("\\|", "|")).collect();
    let unread = whole.iter().filter(|text| Template::parse(text, &Notice::shape()).is_err()).count();
    assert!(whole.len() > 15 && unread == 7, "{unread} of {whole:?}");
}

#[test]
fn it_names_every_field_and_function() {
    let notice = notice(&resolved());
    let document = document();
    for name in notice.dot().as_object().unwrap().keys() {
        assert!(
            document.contains(&format!("`.{name}`")) || document.contains(&format!("`.{name}.")),
            "{name}"
        );
    }
    let unknown = Template::parse("{{ zzz }}", &Notice::shape()).unwrap_err();
    let functions: Vec<&str> = unknown.remedy().split('`').skip(1).step_by(2).collect();
    assert!(functions.len() > 20);
    for function in functions {
        assert!(
            document.contains(&format!("`{function}`")) || document.contains(&format!("`{function} ")),
            "{function}"
        );
    }
}

#[test]
fn its_messages_are_the_default_ones() {
    let shown = blocks("text");
    assert_eq!(shown[1], Email::default().message(&notice(&spike())).text);
    let without_emoji = |body: Value| {
        let text = body["text"].as_str().unwrap().replace('*', "");
        text.split_once(' ').unwrap().1.to_owned()
    };
    for record in [spike(), resolved()] {
        let line = without_emoji(Slack::default().message(&notice(&record)));
        assert!(shown[0].contains(&line), "{line}");
    }
    let webhook: Value = serde_json::from_str(&blocks("json")[0]).unwrap();
    let mut sent = Webhook::default().message(&notice(&spike()));
    // The event is shown in part.
    for member in ["event_id", "version", "action", "resource", "context", "details"] {
        sent["alert"]["event"].as_object_mut().unwrap().remove(member);
    }
    sent["alert"]["event"]["actor"] = serde_json::json!({"id": "bob@company.com"});
    assert_eq!(webhook, sent);
}
