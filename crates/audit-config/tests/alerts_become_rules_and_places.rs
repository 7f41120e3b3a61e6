//! What is configured under `alerts` and `notifiers`: rules, places, and what is wrong with them.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_config::{Config, parse};

fn read(text: &str) -> Config {
    parse("audit.yaml", text, &|_| None).unwrap_or_else(|errors| panic!("{errors}")).config
}

fn errors(text: &str) -> Vec<String> {
    let errors =
        parse("audit.yaml", text, &|name| (name == "VAR").then(|| "hunter2 ==".to_owned())).unwrap_err();
    errors
        .errors()
        .iter()
        .map(|error| format!("{}:{} {}: {}", error.line, error.column, error.path, error.message))
        .collect()
}

#[test]
fn every_key_of_a_rule_is_in_the_rule() {
    let config = read(
        "\
alerts:
- name: spike
  description: look
  condition: event_type == 'access.denied'
  severity: critical
  threshold: 10
  window: 5m
  group_by: [actor.id, details.`odd key`]
  preceded_by: {condition: \"event_type == 'auth.failed'\", threshold: 2, window: 10m}
  cooldown: 1h
  realert: false
  realert_max: 2h
  resolve: false
  resolve_after: 7m
  max_groups: 50
  max_alerts: 5
- {name: nightly, condition: event_type == 'backup.completed', absent_for: 26h, group_by: resource.id}
",
    );
    let rules = config.rules().unwrap();
    let spike = rules.get("spike").unwrap();
    let options = spike.options();
    assert_eq!((spike.severity().as_str(), options.description.as_deref()), ("critical", Some("look")));
    assert_eq!((options.threshold, options.window.unwrap().as_secs()), (10, 300));
    assert_eq!(
        options.group_by.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["actor.id", "details.`odd key`"]
    );
    let before = options.preceded_by.as_ref().unwrap();
    assert_eq!(
        (before.condition.as_str(), before.threshold, before.window.as_secs()),
        ("event_type == 'auth.failed'", 2, 600)
    );
    let seconds =
        [options.cooldown, options.realert_max, options.resolve_after].map(|it| it.unwrap().as_secs());
    assert_eq!(seconds, [3600, 7200, 420]);
    assert_eq!(
        (options.realert, options.resolve, options.max_groups, options.max_alerts),
        (false, Some(false), 50, 5)
    );
    assert_eq!(rules.get("nightly").unwrap().options().absent_for.unwrap().as_secs(), 26 * 3600);
}

#[test]
fn what_goes_to_a_destination_does_not_depend_on_when_it_goes() {
    let of = |condition: &str| {
        let destinations =
            "destinations:\n- {type: file, path: a.log}\n- {type: file, name: b, path: b.log, where: ";
        format!("{destinations}\"{condition}\"}}\n")
    };
    for condition in [
        "timestamp > now - 7d",
        "not (timestamp between '2024-12-01' and now) or actor.id == 'bob'",
        "event_type like 'a.%' and details.expires <= now + 1h",
    ] {
        let found = errors(&of(condition));
        assert!(
            found.len() == 1 && found[0].starts_with("3:45 destinations[1].where: found `now`"),
            "{found:#?}"
        );
    }
    let _ = read(&of("timestamp > '2024-12-01' and actor.id == 'now'"));
    // What is logged is chosen once, when it comes.
    let _ = read("where: timestamp > now - 7d\ndestination: {type: file, path: a.log}\n");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let found = errors(
        "\
where: \"actor.idd == 'bob'\"
destinations:
- {type: file, path: a.log, where: 'event_type > 3'}
alerts:
- {name: one, condition: \"action.duration_ms like 'x'\", group_by: actor.nme}
- {name: 'no name', condition: event_type == 'x.y'}
- {name: two, condition: event_type == 'x.y', threshold: 5}
- {name: three, condition: event_type == 'x.y', preceded_by: {condition: actor, window: 1m}}
- {name: four, condition: '${VAR}'}
- name: five
  condition: event_type == 'x.y'
  notify:
  - {type: slack, template: '{{ .actr.id }}'}
  - {type: pagerduty, severity: nonsense}
  - {type: email, html: '{{ if }}'}
  - {type: webhook, template: '{{ .rule }}'}
notifiers:
  slack: {template: '{{ .x'}
",
    );
    let expected = [
        ("1:8 where:", "did you mean actor.id?"),
        ("3:36 destinations[0].where:", "write a text in quotes"),
        ("5:26 alerts[0].condition:", "`like` wants a text"),
        ("5:67 alerts[0].group_by:", "actor"),
        ("6:3 alerts[1]:", "not a name"),
        ("7:3 alerts[2]:", "threshold 5 needs a window"),
        ("8:74 alerts[3].preceded_by.condition:", "name a field of it"),
        ("9:27 alerts[4].condition:", "found a variable's value that is no condition"),
        ("13:29 alerts[5].notify[0].template:", "did you mean `.actor`?"),
        ("14:33 alerts[5].notify[1].severity:", "expected one of critical, error, warning, info"),
        ("15:25 alerts[5].notify[2].html:", "line 1"),
        ("16:31 alerts[5].notify[3].template:", "not JSON"),
        ("18:21 notifiers.slack.template:", "line 1"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, (place, words)) in found.iter().zip(expected) {
        assert!(found.starts_with(place) && found.contains(words), "{found}\nis not {place} … {words}");
        assert!(!found.contains("hunter2"), "{found}");
    }
}

#[test]
fn rules_that_name_the_same_place_share_it() {
    let config = read(
        "\
notifiers:
  slack: {webhook: 'https://hooks.example.com/a', channel: '#alerts'}
  email: {smtp_server: 'mail.example.com:587', from: audit@example.com}
  webhook: {url: 'https://example.com/', headers: {Authorization: secret}}
alerts:
- name: one
  condition: event_type == 'x.y'
  notify: [{type: slack}, {type: email, to: ops@example.com}]
- name: two
  condition: event_type == 'x.y'
  notify:
  - {type: slack, send_resolved: false, template: other}
  - {type: slack, channel: '#other'}
  - {type: slack, webhook: 'https://hooks.example.com/b'}
  - {type: email, name: mail, to: ops@example.com}
  - {type: webhook}
  - {type: webhook, url: 'https://example.org/'}
",
    );
    let places = config.notifier_places(&|_| None).unwrap();
    let names: Vec<&str> = places.iter().map(|place| place.name.as_str()).collect();
    assert_eq!(names[..3], ["notify-slack-alerts", "notify-email-ops-example.com", "notify-slack-other"]);
    assert!(
        names[3].starts_with("notify-slack-alerts-") && names[3].len() == "notify-slack-alerts-".len() + 8
    );
    assert_eq!(names[4..6], ["mail", "notify-webhook"]);
    assert_eq!(places[0].rules.len(), 2);
    let audit_config::Notifier::Webhook(own) = &places[6].rules[0].1 else { panic!() };
    assert!(own.headers.is_empty(), "a token is not sent to a place that it was not written for");
    let audit_config::Notifier::Webhook(shared) = &places[5].rules[0].1 else { panic!() };
    assert_eq!(shared.headers.len(), 1);
    assert!(!format!("{places:?}").contains("hooks.example.com"), "it is a secret");

    let taken = "\
destinations: [{type: stdout, name: alerts}, {type: stdout, name: console}]
alerts:
- name: a
  condition: event_type == 'x.y'
  notify:
  - {type: webhook, name: console, url: 'https://a/'}
  - {type: webhook, name: a b, url: 'https://b/'}
";
    let error = read(taken).notifier_places(&|_| None).unwrap_err().to_string();
    for words in [
        "destinations[0].name: found `alerts`",
        "alerts[0].notify[0].name: found the name of `destinations[1]`",
        "alerts[0].notify[1].name: expected 1 to 100",
    ] {
        assert!(error.contains(words), "{error}");
    }

    let login = "\
alerts:
- name: a
  condition: event_type == 'x.y'
  notify: [{type: email, to: a@b.example, from: c@d.example, smtp_server: 'm:25', smtp_username: me}]
";
    let error = read(login).notifier_places(&|_| None).unwrap_err().to_string();
    assert!(error.contains("missing key `smtp_password`"), "{error}");

    let twice = "\
alerts:
- {name: a, condition: event_type == 'x.y', notify: [{type: webhook, name: n, url: 'https://a/'}]}
- {name: b, condition: event_type == 'x.y', notify: [{type: webhook, name: n, url: 'https://b/'}]}
";
    let error = read(twice).notifier_places(&|_| None).unwrap_err().to_string();
    assert!(
        error.contains("alerts[1].notify[0].name: found the name of `alerts[0].notify[0]` for another place"),
        "{error}"
    );
}
