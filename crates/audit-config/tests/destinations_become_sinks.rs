//! From a configuration's destinations to sinks, limits and the journal.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::Path;

use audit_config::{BUILT, Config, parse};

fn config(text: &str) -> Config {
    parse("a", text, &|_| None).unwrap_or_else(|errors| panic!("{errors}")).config
}

fn problems(text: &str) -> Vec<String> {
    match parse("a", text, &|_| None) {
        Ok(parsed) => parsed.warnings.into_iter().map(|warning| warning.message).collect(),
        Err(errors) => {
            errors.errors().iter().map(|error| format!("{}: {}", error.path, error.message)).collect()
        }
    }
}

const ALL: &str = r#"
state_dir: /var/lib/audit
max_spool_mb: 8
drain_timeout: 3s
required_timeout: 2s
destinations:
  - {type: s3, bucket: b, prefix: logs, region: eu-central-1, batch_interval_secs: 30, object_lock: true, compression: zstd,
     endpoint: "http://127.0.0.1:9000", path_style: true, access_key_id: minio, secret_access_key: s3cret-s3,
     object_lock_mode: governance, kms_key_id: k}
  - {type: cloudwatch, log_group: g, log_stream: s, region: eu-central-1}
  - type: kafka
    bootstrap_servers: [kafka-1:9093]
    topic: audit
    security: {security_protocol: SASL_SSL, sasl_mechanism: SCRAM-SHA-512, sasl_username: u, sasl_password: s3cret-kafka}
    librdkafka: {socket.timeout.ms: 6000, client.id: audit, socket.keepalive.enable: true}
  - {type: syslog, server: "logs:6514", protocol: tls, facility: authpriv, timeout: 5s}
  - type: webhook
    url: https://siem.company.com/ingest
    headers: {Authorization: Bearer s3cret-webhook}
    batch_size: 7
    retry_attempts: 3
    signing_secret: s3cret-signing
    body: splunk_hec
    retry: {initial_delay: 1s, max_delay: 2m}
  - {type: stdout, required: true, events: ["auth.*"], batch: {max_records: 3, max_size_kb: 2, max_age: 5s}}
retention: {min_days: 365}
"#;

#[test]
fn all_kinds_with_what_was_configured_and_no_secret_in_debug() {
    let config = config(ALL);
    config.check_built(BUILT).unwrap();
    let shown: Vec<String> = (0..config.destinations.len())
        .map(|index| format!("{:?}", config.delivered(index).unwrap()))
        .collect();
    for (index, expected) in [
        (0, &["name: \"s3\"", "age: 30s", "Zstd", "Governance", "retain_days: 365", "attempts: None"][..]),
        (1, &["name: \"cloudwatch\"", "age: 1s", "records: 10000"]),
        (2, &["name: \"kafka\"", "ScramSha512", "kafka-1:9093"]),
        (3, &["name: \"syslog\"", "timeout: 5s", "facility: 10,"]),
        (4, &["records: 7,", "attempts: Some(4)", "initial: 1s", "maximum: 120s", "SplunkHec"]),
        (5, &["required: true", "records: 3,", "bytes: 2048,", "age: 5s", "auth.*"]),
    ] {
        for part in expected {
            assert!(shown[index].contains(part), "{part} is not in {}", shown[index]);
        }
        assert!(!shown[index].contains("s3cret"), "{}", shown[index]);
    }
    let yaml = config.show_yaml();
    assert!(!yaml.contains("s3cret") && yaml.contains("socket.timeout.ms"), "{yaml}");
    // Written back, it is the same configuration.
    assert_eq!(parse("b", &yaml, &|_| None).unwrap().config.show(), config.show());
}

#[test]
fn the_journal_is_a_file_that_gets_everything_or_lives_in_the_state_directory() {
    let journal = |text: &str| {
        let home = |name: &str| (name == "HOME").then(|| "/home/audit".to_owned());
        let config = config(text);
        let journal = config.journal(&home).unwrap();
        let directory = config.delivery_dir(&journal);
        (journal.path.display().to_string(), journal.destination, directory.display().to_string())
    };
    let one = |at: &str, index, directory: &str| (at.to_owned(), index, directory.to_owned());
    assert_eq!(
        journal("destination: {type: file, path: a/audit.log}"),
        one("a/audit.log", Some(0), "a/.audit.log.delivery")
    );
    assert_eq!(
        journal("destination: {type: file, path: a.log, events: [auth.*]}"),
        one("a.log", Some(0), ".a.log.delivery"),
        "alone, it says what is recorded"
    );
    let stdout = "{type: stdout}";
    assert_eq!(
        journal(&format!("destinations: [{stdout}, {{type: file, path: a.log}}]")),
        one("a.log", Some(1), ".a.log.delivery")
    );
    assert_eq!(
        journal(&format!("destinations: [{stdout}, {{type: file, path: a.log, events: [auth.*]}}]")),
        one("/home/audit/.local/state/audit-log/journal.log", None, "/home/audit/.local/state/audit-log"),
        "a file that lacks records is no journal"
    );
    assert_eq!(
        journal(&format!("state_dir: /s\ndestinations: [{stdout}]")),
        one("/s/journal.log", None, "/s")
    );
    assert_eq!(
        journal("state_dir: /s\ndestinations: [{type: file, path: a.log}]"),
        one("a.log", Some(0), "/s")
    );
    assert!(config(&format!("destination: {stdout}")).journal(&|_| None).is_none());
    let systemd = |name: &str| (name == "STATE_DIRECTORY").then(|| "/var/lib/audit".to_owned());
    assert_eq!(
        config(&format!("destination: {stdout}")).journal(&systemd).unwrap().path,
        Path::new("/var/lib/audit/journal.log")
    );
}

#[test]
fn what_does_not_go_together_is_told_with_its_place() {
    let destination = |text: &str| problems(&format!("destination: {{{text}}}"));
    for (text, expected) in [
        (
            "type: s3, bucket: b, access_key_id: a",
            "destination: expected `access_key_id` and `secret_access_key` together, or neither",
        ),
        (
            "type: s3, bucket: b, endpoint: 'minio:9000'",
            "destination.endpoint: expected `https://` or `http://`, and a host without user or password",
        ),
        (
            "type: cloudwatch, log_group: g, log_stream: s, endpoint: 'https://user:s3cret@minio:9000'",
            "destination.endpoint: expected `https://` or `http://`, and a host without user or password",
        ),
        (
            "type: kafka, topic: t, bootstrap_servers: ['a:1'], security: {security_protocol: SASL_SSL}",
            "destination.security: missing key `sasl_mechanism`",
        ),
        (
            "type: kafka, topic: t, bootstrap_servers: ['a:1'], security: {ssl_key_location: k}",
            "destination.security: expected `ssl_certificate_location` and `ssl_key_location` together, or neither",
        ),
        (
            "type: syslog, server: log, protocol: unix",
            "destination.server: expected the absolute path of a socket, such as `/dev/log`",
        ),
        (
            "type: syslog, server: 'a:1', tls: {ca_file: c}",
            "destination.protocol: found what only TLS uses, expected `protocol: tls` with it",
        ),
        (
            "type: syslog, server: 'a:1', protocol: tls, tls: {cert_file: c}",
            "destination.tls: expected `cert_file` and `key_file` together, or neither",
        ),
        (
            "type: stdout, name: a b",
            "destination.name: expected 1 to 100 ASCII letters, digits, `.`, `_` and `-`",
        ),
        ("type: webhook, url: 'http://siem/'", "records and headers travel in the clear; use `https://`"),
        (
            "type: webhook, url: 'https://siem/', tls: {danger_accept_invalid_certificates: true}",
            "anybody in between can read and change what is sent",
        ),
    ] {
        assert_eq!(destination(text).first().map(String::as_str), Some(expected), "{text}");
    }
    assert_eq!(destination("type: webhook, url: 'http://127.0.0.1:8/'"), [""; 0]);
    assert_eq!(
        problems("destinations: [{type: stdout}, {type: stdout}]"),
        [
            "destinations[1]: found type `stdout` without a `name`, as in `destinations[0]`; expected a `name` for each"
        ]
    );
    assert_eq!(problems("destinations: [{type: stdout}, {type: stdout, name: b}]"), [""; 0]);
    let file = "{type: file, path: a/b.log}";
    for (text, expected) in [
        (
            format!("destinations: [{file}, {{type: stdout, name: file}}]"),
            "destinations[1].name: found the name of `destinations[0]` again, expected another",
        ),
        (
            format!("destinations: [{file}, {{type: file, name: c, path: ./a//b.log}}]"),
            "destinations[1].path: found the file of `destinations[0]` again, expected another",
        ),
        (
            "state_dir: a\ndestinations: [{type: file, path: a/journal.log}]".to_owned(),
            "destinations[0].path: found the file of the log in `state_dir` again, expected another",
        ),
    ] {
        assert_eq!(problems(&text), [expected], "{text}");
    }
}

#[test]
fn what_a_sink_refuses_names_the_destination() {
    let refused = |text: &str| {
        let config = config(&format!("destinations: [{{type: stdout}}, {text}]"));
        config.delivered(1).unwrap_err().to_string()
    };
    let kafka =
        "{type: kafka, topic: t, bootstrap_servers: ['a:1'], librdkafka: {enable.idempotence: false}}";
    let error = refused(kafka);
    assert!(error.starts_with("destinations[1]: "), "{error}");
    assert!(error.contains("enable.idempotence"), "{error}");
    let error = refused("{type: syslog, server: 'a:1', protocol: tls, tls: {ca_file: /nowhere.pem}}");
    assert!(error.contains("/nowhere.pem"), "{error}");
}

#[test]
fn a_pipeline_with_destinations_starts_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().display();
    let text = format!(
        "destinations: [{{type: file, path: {at}/a.log}}, {{type: file, name: copy, path: {at}/b.log}}]\nintegrity: {{chain: \
         {{enabled: true}}}}"
    );
    let log = config(&text).pipeline(&|_| None).unwrap().start().unwrap();
    let summary = log.close().unwrap().unwrap();
    assert_eq!(summary.undelivered, []);
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!(read("a.log"), read("b.log"));
    assert!(directory.path().join(".a.log.delivery/copy.json").exists());
}
