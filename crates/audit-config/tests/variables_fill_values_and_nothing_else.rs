//! `${VAR}`, `${VAR:-default}` and `$$`, and what shows of them.

#![allow(clippy::unwrap_used, reason = "a test that fails there fails")]

use audit_config::{Config, DestinationKind, OnFailure, parse};

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "NAME" => "node-1",
        "N" => "16",
        "YES" => "true",
        "EMPTY" => "",
        "NULL" => "null",
        "INJECT" => "x\n  type: s3\n  bucket: theirs",
        "FLOW" => "x}, {type: s3, bucket: theirs",
        "QUOTE" => "x\"\nenabled: false # ${NAME}",
        "SECRET" => "hunter2",
        _ => return None,
    };
    Some(value.to_owned())
}

fn config(text: &str) -> Config {
    parse("audit.yaml", text, &environment).unwrap_or_else(|errors| panic!("{errors}")).config
}

fn path(value: &str) -> String {
    let config = config(&format!("destination:\n  type: file\n  path: {value}\n"));
    let [destination] = config.destinations.as_slice() else { panic!("{config:?}") };
    let DestinationKind::File(file) = &destination.kind else { panic!("{config:?}") };
    file.path.to_str().unwrap().to_owned()
}

#[test]
fn in_plain_and_quoted_strings() {
    assert_eq!(path("/log/${NAME}.log"), "/log/node-1.log");
    assert_eq!(path("\"/log/${NAME}.log\""), "/log/node-1.log");
    assert_eq!(path("'/log/${NAME}-${N}.log'"), "/log/node-1-16.log");
    assert_eq!(path("/log/${UNSET:-a b}.log"), "/log/a b.log");
    assert_eq!(path("/log/${EMPTY:-none}${EMPTY}.log"), "/log/none.log");
    assert_eq!(path("/log/$${NAME}$$1$x"), "/log/${NAME}$1$x");
    assert_eq!(path("${NULL}"), "null");
    assert_eq!(path("0123"), "0123");
}

#[test]
fn a_value_never_becomes_structure_or_another_variable() {
    assert_eq!(path("${INJECT}"), environment("INJECT").unwrap());
    assert_eq!(path("\"${INJECT}\""), environment("INJECT").unwrap());
    assert_eq!(path("${QUOTE}"), environment("QUOTE").unwrap());
    assert_eq!(config("destinations: [{type: file, path: \"${FLOW}\"}]").destinations.len(), 1);
    assert!(parse("a", "${NAME}: x", &environment).is_err(), "keys are not expanded");
}

#[test]
fn numbers_and_booleans_come_from_a_plain_variable_alone() {
    let config = config("buffer_mb: ${N}\nenabled: ${YES}\non_failure: ${UNSET:-block}\n");
    assert_eq!((config.buffer_mb.get(), config.enabled, config.on_failure), (16, true, OnFailure::Block));
    for text in [
        "buffer_mb: '${N}'",
        "buffer_mb: 1${N}",
        "buffer_mb: ${EMPTY}",
        "enabled: ${N}",
        "enabled: ${YES}${EMPTY}",
    ] {
        assert!(parse("a", text, &environment).is_err(), "{text}");
    }
}

#[test]
fn a_missing_or_malformed_variable_is_an_error_that_names_it() {
    for (value, message) in [
        ("${UNSET}", "the environment variable `UNSET` is not set; set it or write `${UNSET:-default}`"),
        ("${NAME", "found `${` without `}`; write `$$` for a plain `$`"),
        ("${A B}", "found `${A B}`, expected `${NAME}` or `${NAME:-default}`; write `$$` for a plain `$`"),
        ("${A:-${B}}", "found `${` in the default of `A`; a default cannot hold another variable"),
        ("${}", "found `${}`, expected `${NAME}` or `${NAME:-default}`; write `$$` for a plain `$`"),
    ] {
        let errors =
            parse("a", &format!("enterprise: {{audit: {{chain_id: '{value}'}}}}"), &environment).unwrap_err();
        let [error] = errors.errors() else { panic!("{errors}") };
        assert_eq!((error.line, error.column, error.path.as_str()), (1, 32, "enterprise.audit.chain_id"));
        assert_eq!(error.message, message);
    }
}

#[test]
fn secrets_are_masked_wherever_a_configuration_shows() {
    let config = config(
        "
destinations:
- {type: kafka, bootstrap_servers: ['b:1'], topic: t, security: {sasl_username: u, sasl_password: hunter2}}
- {type: webhook, url: 'https://a', headers: {Authorization: 'Bearer ${SECRET}', X-Any: hunter2}}
notifiers:
  slack: {webhook: '${SECRET}', channel: \"#c\"}
  pagerduty: {routing_key: hunter2}
  email: {smtp_password: hunter2, to: a@b}
",
    );
    for shown in
        [config.show().to_string(), config.show_yaml(), format!("{config:?}"), format!("{config:#?}")]
    {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("******"), "{shown}");
    }
    let shown = config.show();
    assert_eq!(shown["destinations"][0]["security"]["sasl_password"], "******");
    assert_eq!(shown["destinations"][1]["headers"]["Authorization"], "******");
    assert_eq!(shown["destinations"][1]["type"], "webhook");
    assert_eq!(shown["notifiers"]["email"]["to"][0], "a@b");
    assert_eq!((&shown["durability"], &shown["buffer_mb"]), (&"fsync".into(), &8.into()));
}

#[test]
fn what_is_shown_reads_as_the_same_again() {
    let first = config(
        "
destination: {type: file, path: 'a$$b: #c', rotation: {max_age: 1d 12h, max_files: 2}}
chain_id: 'yes'
alerts: [{name: '123', condition: \"actor.id == 'b'\", threshold: 3, window: 90s, notify: [{type: slack, template: \"a\\n b\\n\"}]}]
",
    );
    let again = config(&first.show_yaml());
    assert_eq!(again.show(), first.show());
    assert_eq!(first.show()["destinations"][0]["rotation"]["max_age"], "36h");
}
