//! The configuration blocks of the specification, as written (`tests/data`, one file each).

#![allow(clippy::unwrap_used, reason = "a test that fails there fails")]

use audit_config::{
    Algorithm, Config, ConfigErrors, DestinationKind, Notifier, Parsed, SaslMechanism, parse,
};
use secrecy::ExposeSecret;

fn environment(name: &str) -> Option<String> {
    let known = [
        "HOSTNAME",
        "AUDIT_KAFKA_PASSWORD",
        "WEBHOOK_TOKEN",
        "SLACK_WEBHOOK",
        "PAGERDUTY_KEY",
        "PAGERDUTY_ROUTING_KEY",
    ];
    known.contains(&name).then(|| format!("the-{name}"))
}

fn read(name: &str) -> Parsed {
    let path = format!("{}/tests/data/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    parse(name, &text, &environment).unwrap_or_else(|errors| panic!("{errors}"))
}

fn config(name: &str) -> Config {
    let parsed = read(name);
    assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
    parsed.config
}

fn destination(name: &str) -> DestinationKind {
    let mut destinations = config(name).destinations;
    assert_eq!(destinations.len(), 1);
    destinations.remove(0).kind
}

fn events(config: &Config) -> Vec<&str> {
    config.events.iter().map(|pattern| pattern.as_str()).collect()
}

#[test]
fn every_file_parses_and_what_is_shown_parses_to_the_same() {
    let mut count = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data")).unwrap() {
        let path = file.unwrap().path();
        let shown = read(path.file_stem().unwrap().to_str().unwrap()).config;
        let again = parse("shown", &shown.show_yaml(), &|_| None).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(again.config.show(), shown.show());
        count += 1;
    }
    assert_eq!(count, 19);
}

#[test]
fn basic() {
    let config = config("01_basic");
    assert!(config.enabled);
    assert_eq!(events(&config)[0], "backup.started");
    assert_eq!(config.events.len(), 8);
    let DestinationKind::File(file) = &config.destinations[0].kind else { panic!() };
    assert_eq!(file.path.to_str(), Some("/var/log/kafka-backup/audit.log"));
}

#[test]
fn file() {
    let DestinationKind::File(file) = destination("02_file") else { panic!() };
    let rotation = file.rotation.unwrap();
    assert_eq!(rotation.max_size_mb.unwrap().get(), 100);
    assert_eq!(rotation.max_files.unwrap().get(), 10);
    assert!(rotation.compress);
}

#[test]
fn s3() {
    let DestinationKind::S3(s3) = destination("03_s3") else { panic!() };
    assert_eq!((s3.bucket.as_str(), s3.prefix.as_str()), ("audit-logs", "kafka-backup/"));
    assert_eq!(s3.region.as_deref(), Some("us-west-2"));
    assert_eq!(s3.batch_interval_secs.unwrap().get(), 60);
}

#[test]
fn cloudwatch() {
    let DestinationKind::Cloudwatch(cloudwatch) = destination("04_cloudwatch") else { panic!() };
    assert_eq!(cloudwatch.log_group, "/kafka-backup/audit");
    assert_eq!(cloudwatch.log_stream, "the-HOSTNAME");
}

#[test]
fn kafka() {
    let DestinationKind::Kafka(kafka) = destination("05_kafka") else { panic!() };
    assert_eq!(kafka.bootstrap_servers, ["kafka:9092"]);
    let security = kafka.security.unwrap();
    assert_eq!(security.sasl_mechanism, Some(SaslMechanism::ScramSha256));
    assert_eq!(security.sasl_password.unwrap().expose_secret(), "the-AUDIT_KAFKA_PASSWORD");
}

#[test]
fn syslog() {
    let DestinationKind::Syslog(syslog) = destination("06_syslog") else { panic!() };
    assert_eq!(syslog.server, "syslog.company.com:514");
    assert_eq!(syslog.facility as u8, 16);
}

#[test]
fn webhook() {
    let DestinationKind::Webhook(webhook) = destination("07_webhook") else { panic!() };
    assert_eq!(webhook.headers["Authorization"].expose_secret(), "Bearer the-WEBHOOK_TOKEN");
    assert_eq!(webhook.batch_size.unwrap().get(), 100);
    assert_eq!(webhook.retry_attempts, Some(3));
}

#[test]
fn multiple_destinations() {
    let config = config("08_multiple_destinations");
    let types: Vec<_> = config.destinations.iter().map(|destination| destination.kind.type_name()).collect();
    assert_eq!(types, ["file", "s3", "kafka"]);
}

#[test]
fn blocks_without_a_destination_say_so_when_they_are_about_to_run() {
    for name in ["09_events", "11_retention", "12_alerts", "13_slack"] {
        let parsed = read(name);
        assert!(parsed.warnings.iter().all(|warning| !warning.message.contains("destination")), "{name}");
        let errors = check_built(&parsed.config).unwrap_err().to_string();
        assert_eq!(errors.matches("found no `destination`").count(), 1, "{errors}");
    }
    let config = read("09_events").config;
    assert_eq!(events(&config).len(), 12);
    assert_eq!(config.exclude_events[0].as_str(), "backup.checkpoint");
}

#[test]
fn immutable() {
    let Parsed { config, warnings, .. } = read("10_immutable");
    assert_eq!(warnings.len(), 1, "nothing says for how long objects are locked: {warnings:?}");
    let DestinationKind::S3(s3) = &config.destinations[0].kind else { panic!() };
    assert!(s3.object_lock);
    let signing = config.integrity.signing.as_ref().unwrap();
    assert_eq!(signing.algorithm, Algorithm::HmacSha256);
    assert_eq!(signing.key_env_var.as_deref(), Some("AUDIT_SIGNING_KEY"));
    assert!(config.integrity.signs() && config.integrity.chains());
}

#[test]
fn retention_with_lifecycle_beside_or_inside() {
    for name in ["11_retention", "11_retention_lifecycle_inside"] {
        let retention = read(name).config.retention.unwrap();
        assert_eq!((retention.min_days.unwrap().get(), retention.max_days.unwrap().get()), (365, 2555));
        let days: Vec<_> = retention.lifecycle.iter().map(|step| step.days.get()).collect();
        assert_eq!(days, [90, 365]);
    }
}

#[test]
fn alerts() {
    let config = read("12_alerts").config;
    assert_eq!(config.alerts.len(), 3);
    assert_eq!(config.alerts[1].threshold.unwrap().get(), 10);
    assert_eq!(config.alerts[1].window.unwrap().as_secs(), 300);
    let Notifier::Email(email) = &config.alerts[1].notify[0] else { panic!() };
    assert_eq!(email.to, ["security@company.com"]);

    let lacking = config.check_notifiers(&|_| None).unwrap_err().to_string();
    for expected in [
        "alerts[1].notify[0]: missing key `smtp_server` for rule `access-denied-spike`",
        "alerts[1].notify[0]: missing key `from` for rule `access-denied-spike`",
        "alerts[2].notify[0]: missing key `webhook` for rule `unauthorized-restore`",
    ] {
        assert!(lacking.contains(expected), "{lacking}");
    }
    let rules =
        config.check_notifiers(&|name| name.starts_with("AUDIT_").then(|| name.to_lowercase())).unwrap();
    let Notifier::Slack(slack) = &rules[2].notify[0] else { panic!() };
    assert_eq!(slack.webhook.as_ref().unwrap().expose_secret(), "audit_slack_webhook");
}

#[test]
fn what_a_notifier_lacks_is_a_warning_unless_it_comes_from_elsewhere() {
    let warnings = read("12_alerts").warnings;
    let found: Vec<_> = warnings.iter().map(|warning| (warning.line, warning.message.as_str())).collect();
    assert_eq!(
        found,
        [
            (19, "missing key `smtp_server` for rule `access-denied-spike`"),
            (19, "missing key `from` for rule `access-denied-spike`"),
            (26, "missing key `webhook` for rule `unauthorized-restore`"),
        ]
    );
    let rule = "alerts: [{name: a, condition: details.x, notify: [{type: slack}]}]";
    let warnings = |text: &str, environment| parse("a", text, environment).unwrap().warnings.len();
    assert_eq!(warnings(rule, &|_| None), 1);
    assert_eq!(warnings(rule, &|name| (name == "AUDIT_SLACK_WEBHOOK").then(String::new)), 0);
    assert_eq!(warnings(&format!("{rule}\nnotifiers: {{slack: {{webhook: w}}}}"), &|_| None), 0);
}

#[test]
fn alert_integrations() {
    let notifier = |name| read(name).config.alerts.remove(0).notify.remove(0);
    let Notifier::Slack(slack) = notifier("13_slack") else { panic!() };
    assert!(slack.template.unwrap().ends_with("Time: {{ .timestamp }}\n"));
    let Notifier::Pagerduty(pagerduty) = notifier("14_pagerduty") else { panic!() };
    assert_eq!(pagerduty.severity.as_deref(), Some("{{ .severity }}"));
    let Notifier::Email(email) = notifier("15_email") else { panic!() };
    assert_eq!(email.to, ["ops@company.com", "security@company.com"]);
}

#[test]
fn config_map_and_custom_resource() {
    assert_eq!(events(&config("16_configmap")), ["backup.*", "restore.*", "access.denied"]);
    let DestinationKind::File(file) = destination("17_kafka_backup_resource") else { panic!() };
    assert_eq!(file.path.to_str(), Some("/var/log/audit/kafka-backup.log"));
}

/// The parts of a program that can only write a file.
fn check_built(config: &Config) -> Result<(), ConfigErrors> {
    config.check_built(audit_config::Built {
        parts: &["file"],
        feature_of: &|part| (part == "s3").then_some("s3"),
    })
}

#[test]
fn what_is_not_built_is_named_when_it_is_about_to_run() {
    for name in ["01_basic", "02_file", "17_kafka_backup_resource", "18_bare"] {
        check_built(&config(name)).unwrap();
    }
    assert_eq!(
        check_built(&config("08_multiple_destinations")).unwrap_err().to_string(),
        "\
08_multiple_destinations:3:5: enterprise.audit.destinations: more than one destination is not built into this version
  3 |     destinations:
    |     ^^^^^^^^^^^^
08_multiple_destinations:7:15: enterprise.audit.destinations[1].type: destination type \"s3\" is not built into this version
  7 |       - type: s3
    |               ^^
  help: build with `--features s3`
08_multiple_destinations:11:15: enterprise.audit.destinations[2].type: destination type \"kafka\" is not built into this version
  11 |       - type: kafka
     |               ^^^^^"
    );
    let errors = check_built(&read("11_retention").config).unwrap_err();
    let messages: Vec<_> = errors.errors().iter().map(|error| (error.line, error.message.as_str())).collect();
    assert_eq!(
        messages,
        [
            (2, "found no `destination` or `destinations`, expected one of them"),
            (3, "`retention` is not built into this version"),
            (8, "`lifecycle` is not built into this version"),
        ]
    );
    let alerts = check_built(&read("12_alerts").config).unwrap_err().to_string();
    assert!(alerts.contains("12_alerts:3:5: enterprise.audit.alerts: `alerts` are not built"), "{alerts}");
}
