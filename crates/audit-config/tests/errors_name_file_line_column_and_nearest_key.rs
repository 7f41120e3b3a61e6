//! What an operator gets to read, word for word.

#![allow(clippy::unwrap_used, reason = "a test that fails there fails")]

use audit_config::parse;

fn environment(name: &str) -> Option<String> {
    match name {
        "LEAK" => Some("s3cr3t, expected value".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn errors(text: &str) -> String {
    parse("audit.yaml", text, &environment).unwrap_err().to_string()
}

/// The errors about a file destination's section with `lines` below it.
fn errors_in(lines: &str) -> String {
    errors(&format!("enterprise:\n  audit:\n    destination: {{type: file, path: a.log}}\n{lines}"))
}

/// Line, column, path and message of each.
fn summary(lines: &str) -> String {
    let errors = errors_in(lines);
    errors.lines().filter(|line| line.starts_with("audit.yaml:")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn unknown_keys_and_wrong_values_are_all_reported() {
    let text = "\
enterprise:
  audit:
    destination:
      type: file
      path: /var/log/audit.log
      rotaton:
        max_size_mb: 100
    integrity:
      signing:
        enabled: yes
    evnts: [backup.*]
    durability: fsnc
    buffer_mb: 0
";
    assert_eq!(
        errors(text),
        "\
audit.yaml:6:7: enterprise.audit.destination.rotaton: unknown key `rotaton`, expected one of `batch`, `events`, `exclude_events`, `format`, `name`, `path`, `required`, `retry`, `rotation`, `timeout`, `type`, `where`
  6 |       rotaton:
    |       ^^^^^^^
  help: did you mean `rotation`?
audit.yaml:10:18: enterprise.audit.integrity.signing.enabled: found `yes`, expected `true` or `false`
  10 |         enabled: yes
     |                  ^^^
  help: write `true`
audit.yaml:11:5: enterprise.audit.evnts: unknown key `evnts`, expected one of `access`, `actors`, `alerts`, `buffer_mb`, `chain_id`, `destination`, `destinations`, `drain_timeout`, `durability`, `enabled`, `events`, `exclude_actors`, `exclude_events`, `integrity`, `lifecycle`, `max_spool_mb`, `notifiers`, `on_failure`, `operations`, `redact`, `required_timeout`, `retention`, `sources`, `state_dir`, `where`
  11 |     evnts: ******
     |     ^^^^^
  help: did you mean `events`?
audit.yaml:12:17: enterprise.audit.durability: found `fsnc`, expected one of `fsync`, `os`, `none`
  12 |     durability: fsnc
     |                 ^^^^
  help: did you mean `fsync`?
audit.yaml:13:16: enterprise.audit.buffer_mb: found `0`, expected a whole number above 0
  13 |     buffer_mb: 0
     |                ^"
    );
}

#[test]
fn destination_types_are_checked_by_name() {
    assert_eq!(
        errors("destination:\n  type: fil\n  path: a\n"),
        "\
audit.yaml:2:9: destination.type: found `fil`, expected one of `file`, `s3`, `cloudwatch`, `kafka`, `syslog`, `webhook`, `stdout`
  2 |   type: fil
    |         ^^^
  help: did you mean `file`?"
    );
    assert_eq!(
        errors("destinations:\n- path: a\n- type: s3\n"),
        "\
audit.yaml:2:3: destinations[0]: missing key `type`, expected one of `file`, `s3`, `cloudwatch`, `kafka`, `syslog`, `webhook`, `stdout`
  2 | - path: a
    |   ^
audit.yaml:3:3: destinations[1]: missing key `bucket`
  3 | - type: s3
    |   ^"
    );
}

#[test]
fn what_does_not_go_together() {
    let lines = "
    destinations: []
    integrity:
      signing: {key_env_var: A, key_file: b, previous_keys: [{}]}
      chain: {enabled: false}
    retention: {min_days: 10, max_days: 3}
    lifecycle: [{days: 90, storage_class: GLACIER}, {days: 20, storage_class: STANDARD_IA}]
    redact: [{path: event_id}, {path: a..b}]
    alerts: [{name: a, condition: ''}, {name: a, condition: x}]
";
    assert_eq!(
        summary(lines),
        "\
audit.yaml:5:5: enterprise.audit.destinations: found `destination` and `destinations`, expected only one of them
audit.yaml:7:43: enterprise.audit.integrity.signing.key_file: found `key_env_var` and `key_file`, expected only one of them
audit.yaml:7:62: enterprise.audit.integrity.signing.previous_keys[0]: missing key `key_env_var` or `key_file`
audit.yaml:8:24: enterprise.audit.integrity.chain.enabled: found `false` with signing on, expected `true`: what is signed is always chained, or else records could be taken out unnoticed
audit.yaml:9:27: enterprise.audit.retention.min_days: found 10, expected at most `max_days`, which is 3
audit.yaml:10:24: enterprise.audit.lifecycle[0].days: found 90, expected less than `max_days`, 3: records are deleted then
audit.yaml:10:60: enterprise.audit.lifecycle[1].days: found 20, expected less than `max_days`, 3: records are deleted then
audit.yaml:10:60: enterprise.audit.lifecycle[1].days: found 20, expected at least 30: S3 moves nothing younger to STANDARD_IA
audit.yaml:10:60: enterprise.audit.lifecycle[1].days: found 20, expected more than the 90 of the step before
audit.yaml:10:79: enterprise.audit.lifecycle[1].storage_class: found STANDARD_IA, which S3 does not move to from GLACIER, the step before; expected a class below it, of STANDARD_IA, INTELLIGENT_TIERING, ONEZONE_IA, GLACIER_IR (not after ONEZONE_IA), GLACIER, DEEP_ARCHIVE
audit.yaml:11:21: enterprise.audit.redact[0].path: found a field that identifies the event, expected one that may be redacted
audit.yaml:11:39: enterprise.audit.redact[1].path: expected the path of a field such as `details.password`
audit.yaml:12:35: enterprise.audit.alerts[0].condition: column 1: the condition is empty; write one such as event_type = 'backup.failed'
audit.yaml:12:47: enterprise.audit.alerts[1].name: found the name of `alerts[0]` again, expected another
audit.yaml:12:61: enterprise.audit.alerts[1].condition: column 1: x is not a field; fields begin with event_type, timestamp, actor., action., resource., context. or details.
"
    );
    assert_eq!(
        summary("    integrity: {signing: {}}\n"),
        "audit.yaml:4:17: enterprise.audit.integrity.signing: missing key `key_env_var` or `key_file`\n"
    );
    assert_eq!(
        summary("    redact: [{path: details.a, action: hmac}]\n"),
        "audit.yaml:4:40: enterprise.audit.redact[0].action: `hmac` needs the key of `integrity.signing`\n"
    );
    assert_eq!(
        summary("    lifecycle: []\n    retention: {lifecycle: []}\n"),
        "audit.yaml:4:5: enterprise.audit.lifecycle: found `lifecycle` here and under `retention`, expected only one of them\n"
    );
}

#[test]
fn values_of_the_wrong_kind() {
    let lines = "
    integrity: {signing: {algorithm: HMAC-SHA1}}
    on_failure: [block]
    chain_id: {a: b}
    buffer_mb: \"8\"
    events: [a b, {}]
    actors: alice
    alerts: [{name: c, condition: x, window: 5}, {name: d, condition: x, threshold: -1}, {condition: x}]
    state_dir:
      - x
";
    assert_eq!(
        summary(lines),
        "\
audit.yaml:5:38: enterprise.audit.integrity.signing.algorithm: found `HMAC-SHA1`, expected `HMAC-SHA256`
audit.yaml:6:5: enterprise.audit.on_failure: found a list, expected one of `block`, `reject`, `permit`
audit.yaml:7:5: enterprise.audit.chain_id: found a mapping, expected a string
audit.yaml:8:16: enterprise.audit.buffer_mb: found the string `8`, expected a whole number
audit.yaml:9:14: enterprise.audit.events[0]: found `a b`, expected an event type or a pattern such as `backup.*`
audit.yaml:9:19: enterprise.audit.events[1]: found a mapping, expected a string
audit.yaml:10:13: enterprise.audit.actors: found a string, expected a list
audit.yaml:11:46: enterprise.audit.alerts[0].window: found `5`, expected a duration above zero such as `30s`, `5m`, `24h` or `7d`
audit.yaml:11:85: enterprise.audit.alerts[1].threshold: found `-1`, expected a whole number
audit.yaml:11:90: enterprise.audit.alerts[2]: missing key `name`
audit.yaml:12:5: enterprise.audit.state_dir: found a list, expected a string
"
    );
}

#[test]
fn broken_yaml() {
    assert_eq!(
        errors_in("    events: [*.failed]\n"),
        "\
audit.yaml:4:14: not valid YAML: while parsing node, found unknown anchor
  4 |     events: [*.failed]
    |              ^
  help: a value that begins with `*` needs quotes"
    );
    assert_eq!(
        errors_in("    destination: {}\n"),
        "\
audit.yaml:4:5: found the key `destination` twice, first on line 3
  4 |     destination: ******
    |     ^^^^^^^^^^^"
    );
    let unquoted = errors_in("    redact: [{path: ${X}}]\n");
    assert!(unquoted.ends_with("help: between `{ }` or `[ ]` a `${VAR}` needs quotes"), "{unquoted}");
    assert_eq!(errors(""), "audit.yaml: found nothing, expected an audit configuration");
}

#[test]
fn places_in_a_config_map_are_those_of_the_file() {
    let text = "\
kind: ConfigMap
data:
  readme.md: hello
  audit.yaml: |

    enterprise:
      audit:
        destination:
          typ: file
        buffer_mb: no
";
    assert_eq!(
        errors(text),
        "\
audit.yaml:8:9: enterprise.audit.destination: missing key `type`, expected one of `file`, `s3`, `cloudwatch`, `kafka`, `syslog`, `webhook`, `stdout`
  8 |         destination:
    |         ^^^^^^^^^^^
  help: did you mean `type`?
audit.yaml:10:20: enterprise.audit.buffer_mb: found `no`, expected a whole number
  10 |         buffer_mb: no
     |                    ^^"
    );
    let broken = "data:\n  other.yml: |2\n      destination: {\n";
    assert!(errors(broken).starts_with("audit.yaml:3:"), "{}", errors(broken));
    let header_below = "data:\n  audit.yaml: # ours\n    |\n    evnts: []\n";
    assert!(errors(header_below).starts_with("audit.yaml:4:5: evnts"), "{}", errors(header_below));
    let two = "data:\n  a.yml: ''\n  b.yaml: ''\n";
    assert!(errors(two).contains("audit.yaml:2:3: found several YAML files under `data`"), "{}", errors(two));
}

#[test]
fn the_nearest_key_begins_as_the_found_one_or_differs_little() {
    for (found, meant) in [
        ("destination: {type: file, path: a, rotation: {max_size: 5}}", Some("max_size_mb")),
        ("destination: {type: file, path: a, rotation: {max_age_days: 5}}", Some("max_age")),
        ("integrity: {signing: {key_env: A}}", Some("key_env_var")),
        ("enabeld: true", Some("enabled")),
        ("ev: []", None),
        ("colour: red", None),
    ] {
        let errors = parse("a", found, &environment).unwrap_err();
        let unknown = errors.errors().iter().find(|error| error.message.starts_with("unknown key")).unwrap();
        assert_eq!(unknown.help, meant.map(|meant| format!("did you mean `{meant}`?")), "{found}");
    }
}

#[test]
fn a_chain_id_is_a_plain_name() {
    for id in ["''", "a b", "é", "a/b", &"x".repeat(129)] {
        let found = parse("a", &format!("chain_id: {id}"), &environment).unwrap_err();
        let [error] = found.errors() else { panic!("{found}") };
        assert_eq!((error.line, error.column, error.path.as_str()), (1, 11, "chain_id"));
        assert_eq!(error.message, "expected 1 to 128 ASCII letters, digits, `.`, `_`, `:` or `-`");
    }
    for id in ["a.B_0:c-d", &"x".repeat(128)] {
        parse("a", &format!("chain_id: {id}"), &environment).unwrap();
    }
}

#[test]
fn only_the_value_of_an_unknown_key_is_masked() {
    let errors = errors_in("    event: 5\n    events: {a: 6}\n");
    assert!(errors.contains("  4 |     event: ******\n"), "{errors}");
    assert!(errors.contains("  5 |     events: {a: 6}\n"), "{errors}");
}

#[test]
fn a_misspelt_way_to_the_section_is_recognised() {
    assert!(errors("enterprize: {audit: {}}").ends_with("help: did you mean `enterprise`?"));
    for (text, expected) in [
        (
            "enterprise:\n  x: 1\n  audti: {sasl_pw: hunter2}",
            "\
audit.yaml:3:3: missing key `audit` under `enterprise`
  3 |   audti: ******
    |   ^^^^^
  help: did you mean `audit`?",
        ),
        (
            "enterprise: {x: {sasl_pw: hunter2}}",
            "\
audit.yaml:1:13: missing key `audit` under `enterprise`
  1 | enterprise: ******
    |             ^",
        ),
    ] {
        assert_eq!(errors(text), expected);
    }
    let pod = errors("apiVersion: v1\nkind: Pod\n");
    assert!(pod.contains("1:1: found a Kubernetes resource, expected `spec.enterprise.audit`"), "{pod}");
    let two = "enterprise: {audit: {}}\n---\nenterprise: {audit: {}}\n";
    assert!(errors(two).contains("found a second audit configuration"), "{}", errors(two));
}

#[test]
fn no_message_has_a_secret_in_it() {
    for text in [
        "destination: {type: kafka, bootstrap_servers: [a], topic: t, security: {sasl_passwrd: hunter2}}",
        "destination:\n  type: kafka\n  security:\n    sasl_password: [hunter2]",
        "destination:\n  type: kafka\n  security:\n    sasl_password: hunter2${UNSET}",
        "destination:\n  type: kafka\n  security:\n    sasl_password:\n      hunter2${UNSET}",
        "destination:\n  type: kafka\n  security: {sasl_password: \"hunter2}",
        "destination:\n  type: webhook\n  url: ftp://me:hunter2@there\n  headers: {X-Mine: {a: hunter2}}",
        "destination:\n  type: webhook\n  url: https://there\n  headers:\n    X-Mine: hunter2${UNSET}",
        "destination:\n  type: kafka\n  securty:\n    sasl_pw: hunter2${UNSET}",
        "alerts:\n- notfy:\n  - {a: [hunter2, 'b${UNSET}']}",
        "notifiers:\n  slack: {webhok: hunter2}\n  email: {smtp_password: hunter2, form: x}",
        "destination:\n  sasl_password: \"a\nhunter2",
        "destination:\n  sasl_password: >-\n    a\n   hunter2\n",
        "destination:\n  headers:\n    X-A: \"hunter2\\q\"",
        "sasl_pw: hunter2\nsasl_pw: hunter2\n",
        "destination: {type: webhook, url: 'https://a', headers: Bearer hunter2}",
        "notifiers:\n  slack: hunter2",
        "alerts:\n- name: a\n  condition: x\n  notify: hunter2",
        "notifiers: {slack: {webhook: hunter2, webhook: hunter2}}",
    ] {
        let errors = errors(text);
        assert!(!errors.contains("hunter2"), "{errors}");
    }
    for key in ["buffer_mb", "enabled", "durability", "events", "lifecycle", "destination", "retention"] {
        for value in [
            "${LEAK}",
            "[\"${LEAK}\"]",
            "'${LEAK}'",
            "{type: '${LEAK}'}",
            "[{type: '${LEAK}', days: '${LEAK}'}]",
        ] {
            let text = format!("{key}: {value}");
            let Err(errors) = parse("a", &text, &environment) else { continue };
            assert!(!errors.to_string().contains("s3cr3t"), "{errors}");
        }
    }
}

#[test]
fn warnings_point_at_what_does_nothing() {
    let text = "\
destination: {type: file, path: a.log, rotation: {max_files: 3}}
events: [backup.complete, billing.exported, '*.failed']
retention: {min_days: 30}
alerts:
- {name: a, condition: details.x, window: 5m}
";
    let warnings = parse("audit.yaml", text, &environment).unwrap().warnings;
    let all: Vec<_> = warnings
        .iter()
        .map(|warning| format!("{}:{} {}", warning.line, warning.column, warning.message))
        .collect();
    assert_eq!(
        all,
        [
            "1:62 files that have records younger than 30 days stay, however many there are",
            "2:10 found `backup.complete`, which is no known event type",
            "2:27 found `billing.exported`, which is no known event type",
            "5:3 found no `notify`, so that nobody is told; the log has the alert's record",
            "5:43 counts nothing while `threshold` is 1: it only keeps one alert from being told again",
        ]
    );
    assert_eq!(
        warnings[1].help.as_deref(),
        Some("did you mean `backup.completed`? A type of your own is fine")
    );
}
