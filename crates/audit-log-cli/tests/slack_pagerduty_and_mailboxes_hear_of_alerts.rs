//! The specification's three rules as written, from events to Slack, PagerDuty and a mailbox: servers that `cargo xtask
//! services up webhook smtp` starts.
#![cfg(all(feature = "email", feature = "pagerduty", feature = "slack"))]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that fails may panic, one that is skipped says so"
)]

mod workplace;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use workplace::{Workplace, assert_code, stdout, text};

/// A setting of the live tests. Without it a test is skipped, except in CI, where everything has to run.
fn setting(name: &str) -> Option<String> {
    let found = std::env::var(name).ok();
    if found.is_none() {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "{name} is not set (cargo xtask test sets it)"
        );
        println!("skipped: {name} is not set (cargo xtask test sets it)");
    }
    found
}

/// Where this test's messages go, and nobody else's.
struct Peers {
    unique: u128,
    web: String,
    ca: String,
    output: String,
    smtp: String,
    user: String,
    password: String,
    mail: String,
}

impl Peers {
    fn new() -> Option<Self> {
        Some(Self {
            unique: SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos(),
            web: setting("AUDIT_TEST_WEBHOOK_TLS")?,
            ca: setting("AUDIT_TEST_CA")?,
            output: setting("AUDIT_TEST_WEBHOOK_OUTPUT")?,
            smtp: setting("AUDIT_TEST_SMTP_STARTTLS")?,
            user: setting("AUDIT_TEST_SMTP_USER")?,
            password: setting("AUDIT_TEST_SMTP_PASSWORD")?,
            mail: setting("AUDIT_TEST_SMTP_MAIL")?,
        })
    }

    fn address(&self) -> String {
        format!("ops-{}@audit.test", self.unique)
    }

    /// The rules are those of the specification, with what it leaves to `notifiers` and the environment.
    fn workplace(&self) -> Workplace {
        let Self { unique, web, ca, smtp, user, password, .. } = self;
        Workplace::new(&format!(
            r##"
state_dir: state
destination: {{type: file, path: log/audit.log}}
drain_timeout: 60s
notifiers:
  slack: {{webhook: "{web}/slack/429-once/{unique}", tls: {{ca_file: "{ca}"}}}}
  pagerduty: {{url: "{web}/pagerduty/v2/enqueue/{unique}", tls: {{ca_file: "{ca}"}}}}
  email:
    smtp_server: "{smtp}"
    smtp_username: "{user}"
    smtp_password: "{password}"
    from: audit@audit.test
    tls: {{ca_file: "{ca}"}}
alerts:
- name: backup-failure
  condition: "event_type == 'backup.failed'"
  severity: high
  notify:
    - type: slack
      channel: "#kafka-alerts"
      template: |
        :warning: *{{{{ .event_type }}}}*
        User: {{{{ .actor.id }}}}
        Resource: {{{{ .resource.id }}}}
        Time: {{{{ .timestamp }}}}
    - type: pagerduty
      routing_key: 0123456789abcdef0123456789abcdef
      severity: "{{{{ .severity }}}}"
- name: access-denied-spike
  condition: "event_type == 'access.denied'"
  threshold: 10
  window: 5m
  severity: medium
  notify:
    - type: email
      to: {}
- name: unauthorized-restore
  condition: "event_type == 'restore.started' and context.environment == 'production'"
  severity: high
  notify:
    - type: slack
      channel: "#security-alerts"
"##,
            self.address()
        ))
    }

    fn requests(&self, place: &str) -> Vec<Value> {
        let unique = self.unique.to_string();
        let text = std::fs::read_to_string(&self.output).unwrap();
        let requests = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let of = |request: &Value| {
            let path = request["path"].as_str().unwrap();
            path.contains(&unique) && path.starts_with(place)
        };
        requests.filter(of).collect()
    }

    /// The bodies that were accepted.
    fn told(&self, place: &str) -> Vec<Value> {
        let accepted = self.requests(place).into_iter().filter(|it| it["status"].as_u64().unwrap() < 300);
        accepted.map(|it| serde_json::from_str(it["body"].as_str().unwrap()).unwrap()).collect()
    }

    fn letters(&self) -> Vec<String> {
        let to = self.address();
        let begun = Instant::now();
        loop {
            let files = std::fs::read_dir(std::path::Path::new(&self.mail).join("new")).unwrap();
            let letters = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap_or_default());
            let found: Vec<String> = letters.filter(|letter| letter.contains(&to)).collect();
            if !found.is_empty() || begun.elapsed() > Duration::from_secs(60) {
                return found;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[test]
fn the_rules_of_the_specification_reach_everybody() {
    let Some(peers) = Peers::new() else { return };
    let place = peers.workplace();
    let mut events = String::from(
        r#"{"event_type":"backup.failed","actor":{"id":"<!channel>"},"resource":{"id":"nightly"},"timestamp":"2026-11-22T01:02:03.000Z"}
{"event_type":"restore.started","actor":{"id":"eve"},"context":{"environment":"staging"}}
{"event_type":"restore.started","actor":{"id":"mallory"},"context":{"environment":"production"}}
"#,
    );
    events.extend((0..12).map(|_| "{\"event_type\":\"access.denied\",\"actor\":{\"id\":\"trudy\"}}\n"));
    let run = place.run(&events);
    assert_code(&run, 0);

    let slack = peers.told("/slack/");
    let in_channel = |channel: &str| {
        let found: Vec<&Value> = slack.iter().filter(|message| message["channel"] == channel).collect();
        assert_eq!(found.len(), 1, "{channel}: {slack:?}");
        found[0].clone()
    };
    assert_eq!(slack.len(), 2);
    assert_eq!(
        in_channel("#kafka-alerts")["text"],
        ":warning: *backup.failed*\nUser: &lt;!channel&gt;\nResource: nightly\nTime: 2026-11-22T01:02:03.000Z"
    );
    assert!(in_channel("#security-alerts").to_string().contains("mallory"));
    // The first request was answered with 429 and Retry-After.
    assert_eq!(peers.requests("/slack/").len(), 3);

    let [incident] = peers.told("/pagerduty/").try_into().unwrap();
    assert_eq!(
        (&incident["event_action"], &incident["payload"]["severity"]),
        (&"trigger".into(), &"error".into())
    );
    let log = place.read("log/audit.log");
    let fired =
        log.lines().find(|line| line.contains("alert.fired") && line.contains("backup-failure")).unwrap();
    let fired: Value = serde_json::from_str(fired).unwrap();
    assert_eq!(incident["dedup_key"], fired["event"]["details"]["alert_id"]);

    let [letter] = peers.letters().try_into().unwrap();
    assert!(letter.contains("access-denied-spike") && letter.contains("MEDIUM"), "{letter}");
    assert!(
        letter.contains("multipart/alternative") && letter.contains("Auto-Submitted: auto-generated"),
        "{letter}"
    );
    assert_code(&place.verify("log/audit.log"), 0);
    assert_code(&place.audit_log("status"), 0);
}

#[test]
fn an_incident_is_closed_when_the_alert_is_over() {
    let Some(peers) = Peers::new() else { return };
    let place = peers.workplace();
    let mut config = place.read("audit.yaml");
    config = config.replace(
        "  notify:\n    - type: slack\n      channel: \"#kafka-alerts\"",
        "  resolve_after: 500ms\n  notify:\n    - type: slack\n      channel: \"#kafka-alerts\"",
    );
    std::fs::write(place.path("audit.yaml"), config).unwrap();
    let mut child = place.begin_run();
    let input = child.stdin.as_mut().unwrap();
    std::io::Write::write_all(input, workplace::event("backup.failed", 1).as_bytes()).unwrap();
    let begun = Instant::now();
    while peers.told("/pagerduty/").len() < 2 || peers.told("/slack/").len() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", peers.told("/"));
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(child.stdin.take());
    assert_code(&child.wait_with_output().unwrap(), 0);
    let [opened, closed] = peers.told("/pagerduty/").try_into().unwrap();
    assert_eq!((&opened["event_action"], &closed["event_action"]), (&"trigger".into(), &"resolve".into()));
    assert_eq!(opened["dedup_key"], closed["dedup_key"]);
    assert!(peers.told("/slack/")[1]["text"].as_str().unwrap().contains("[RESOLVED]"));
}

#[test]
fn each_of_them_is_tried_by_check_and_by_a_test_alert() {
    let Some(peers) = Peers::new() else { return };
    let place = peers.workplace();
    let check = place.audit_log("check destinations");
    assert_code(&check, 0);
    assert_eq!(peers.told("/slack/").len() + peers.told("/pagerduty/").len(), 0, "a check tells nobody");
    for rule in ["access-denied-spike", "backup-failure"] {
        let mut test = place.audit_log(&format!("alerts test --rule {rule}"));
        if text(&test).contains("429") {
            // It does not wait: somebody looks at it, and tries again.
            test = place.audit_log(&format!("alerts test --rule {rule}"));
        }
        assert_code(&test, 0);
        assert!(stdout(&test).starts_with("ok "), "{}", text(&test));
    }
    let slack = peers.told("/slack/");
    assert!(slack[0]["text"].as_str().unwrap().contains("[TEST]"), "{slack:?}");
    assert!(peers.told("/pagerduty/")[0]["payload"]["summary"].as_str().unwrap().contains("[TEST]"));
    let [letter] = peers.letters().try_into().unwrap();
    assert!(letter.contains("[TEST]"), "{letter}");
}
