//! Notifiers that could tell nobody.
#![cfg(all(feature = "email", feature = "pagerduty", feature = "slack", feature = "webhook"))]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod workplace;

use std::process::Output;

use serde_json::Value;
use workplace::{Workplace, assert_code, stderr, stdout, text};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn place(notify: &str) -> Workplace {
    Workplace::new(&format!(
        "
destination: {{type: file, path: audit.log}}
state_dir: state
alerts:
  - {{name: right, condition: \"event_type == 'auth.login'\", notify: []}}
  - name: told
    condition: event_type == 'backup.failed'
    notify: [{notify}]
  - name: told-too
    condition: event_type == 'restore.started'
    notify: [{notify}]
"
    ))
}

fn row<'a>(output: &'a str, rule: &str) -> &'a str {
    let is_row = |line: &&str| line.split_whitespace().next() == Some(rule);
    output.lines().find(is_row).unwrap_or_else(|| panic!("{output}"))
}

/// The error lines of `alerts check`, which are what `run` says.
fn errors(output: &Output) -> Vec<String> {
    stdout(output).lines().filter(|line| line.starts_with("error: ")).map(str::to_owned).collect()
}

#[test]
fn each_at_its_place() {
    for (notify, at, why) in [
        ("{type: webhook, url: 'ftp://desk.example/'}", "alerts[1].notify[0]", "http"),
        ("{type: webhook, url: 'no address'}", "alerts[1].notify[0]", "http"),
        (
            "{type: email, smtp_server: 'localhost:25', from: audit@example.com, to: [nobody]}",
            "alerts[1].notify[0]",
            "nobody",
        ),
        (
            "{type: slack, webhook: 'https://hooks.example/x', tls: {ca_file: nowhere.pem}}",
            "alerts[1].notify[0]",
            "nowhere.pem",
        ),
        (
            "{type: webhook, url: 'https://desk.example/', headers: {'bad name': x}}",
            "alerts[1].notify[0]",
            "bad name",
        ),
    ] {
        let place = place(notify);
        let output = place.audit_log("alerts check");
        assert_code(&output, 1);
        let errors = errors(&output);
        assert_eq!(errors.len(), 1, "{}", text(&output));
        assert!(errors[0].contains(at) && errors[0].contains(why), "{}", text(&output));
        assert!(errors[0].contains("audit.yaml:8:"), "{}", text(&output));
        assert!(row(&stdout(&output), "right").ends_with("ok"), "{}", text(&output));
        for rule in ["told", "told-too"] {
            assert!(row(&stdout(&output), rule).ends_with("WRONG"), "{}", text(&output));
        }
        assert!(stdout(&output).ends_with("3 rules, 1 error\n"), "{}", text(&output));
        let run = place.run("");
        assert_code(&run, 2);
        let said = errors[0].rsplit_once(&format!("{at}: ")).unwrap().1;
        assert!(stderr(&run).contains(said), "{said}: {}", text(&run));
        let report: Value = serde_json::from_slice(&place.audit_log("alerts check --json").stdout).unwrap();
        let ok: Vec<&Value> = report["rules"].as_array().unwrap().iter().map(|rule| &rule["ok"]).collect();
        assert_eq!(ok, [true, false, false], "{report}");
        assert_eq!(report["rules"][1]["errors"], report["errors"], "{report}");
    }
}

#[test]
fn names_that_clash() {
    let two = place(
        "{type: webhook, name: desk, url: 'https://a.example/'}, {type: webhook, name: desk, url: 'https://b.example/'}",
    );
    let output = two.audit_log("alerts check");
    assert_code(&output, 1);
    let said = "alerts[1].notify[1].name: found the name of `alerts[1].notify[0]` for another place";
    assert!(errors(&output)[0].contains(said), "{}", text(&output));
    assert!(row(&stdout(&output), "told").ends_with("webhook, webhook  WRONG"), "{}", text(&output));
    assert!(stderr(&two.run("")).contains(said), "{}", text(&two.run("")));

    let watch = Workplace::new(
        "
destination: {type: file, name: alerts, path: audit.log}
alerts: [{name: right, condition: \"event_type == 'auth.login'\"}]
",
    );
    let output = watch.audit_log("alerts check");
    assert_code(&output, 1);
    assert!(errors(&output)[0].contains("destination.name: found `alerts`"), "{}", text(&output));
}

#[test]
fn secrets_in_the_clear_and_odd_keys_are_doubtful() {
    for (notify, warning) in [
        (
            "{type: slack, webhook: 'http://hooks.example/sEcReT'}",
            Some("can read the URL, which is a secret"),
        ),
        ("{type: webhook, url: 'http://desk.example/sEcReT'}", Some("can read the URL, which is a secret")),
        (
            &format!("{{type: pagerduty, routing_key: {KEY}, url: 'http://relay.example/'}}"),
            Some("can read the routing key, which is a secret"),
        ),
        ("{type: pagerduty, routing_key: sEcReT}", Some("found another form than PagerDuty's")),
        (&format!("{{type: pagerduty, routing_key: {KEY}}}"), None),
        ("{type: pagerduty, routing_key: sEcReT, url: 'https://other.example/'}", None),
        ("{type: webhook, url: 'http://127.0.0.1:9/'}", None),
        ("{type: slack, webhook: 'http://[::1]:9/'}", None),
    ] {
        let output = place(notify).audit_log("alerts check");
        assert_code(&output, 0);
        let told = stdout(&output);
        assert!(!told.contains("sEcReT"), "{told}");
        let warnings: Vec<&str> = told.lines().filter(|line| line.starts_with("warning: ")).collect();
        assert_eq!(warnings.len(), usize::from(warning.is_some()), "{notify}: {told}");
        let (state, end) = match warning {
            Some(warning) => {
                assert!(
                    warnings[0].contains(warning) && warnings[0].contains("alerts[1].notify[0]"),
                    "{told}"
                );
                ("doubtful", "3 rules, 1 warning\n")
            }
            None => ("ok", "3 rules, all is well\n"),
        };
        for rule in ["told", "told-too"] {
            assert!(row(&told, rule).ends_with(state), "{notify}: {told}");
        }
        assert!(told.ends_with(end), "{told}");
    }
}

#[test]
fn the_table_names_who_is_told() {
    let place = place(
        "{type: webhook, name: desk, url: 'https://a.example/'}, {type: slack, channel: '#ops', webhook: 'https://b.example/'}",
    );
    let output = place.audit_log("alerts check");
    assert_code(&output, 0);
    let told = stdout(&output);
    assert!(told.lines().next().unwrap().ends_with("CHECK"), "{told}");
    assert!(row(&told, "told").contains("desk, notify-slack-ops"), "{told}");
    let report: Value = serde_json::from_slice(&place.audit_log("alerts check --json").stdout).unwrap();
    assert_eq!(report["rules"][1]["notify"], serde_json::json!(["webhook", "slack"]), "{report}");
    assert_eq!(report["rules"][1]["notifiers"], serde_json::json!(["desk", "notify-slack-ops"]), "{report}");
}
