//! What an operator gets to read about `format`, word for word, and what the schema says of it.

#![allow(clippy::unwrap_used, reason = "a test that fails there fails")]

use std::time::Duration;

use audit_config::{Format, OcsfFormat, parse, schema};
use serde_json::{Value, json};

fn environment(name: &str) -> Option<String> {
    (name == "LEAK").then(|| "s3cr3t".to_owned())
}

/// The configuration of a standard output with that format.
fn with(format: &str) -> String {
    format!("destinations:\n  - type: stdout\n    format: {format}\n")
}

fn ocsf(text: &str) -> OcsfFormat {
    let config = parse("a", text, &environment).unwrap_or_else(|errors| panic!("{errors}")).config;
    let Format::Ocsf(ocsf) = config.destinations[0].format.clone() else { panic!("native") };
    ocsf
}

/// Path below the destination, message, and help, of each error, or else of each warning.
fn told(text: &str) -> Vec<String> {
    let found = match parse("a", text, &environment) {
        Ok(parsed) => parsed.warnings,
        Err(errors) => errors.errors().to_vec(),
    };
    let told = found.iter().map(|it| {
        let path = it.path.strip_prefix("destinations[0]").unwrap().trim_start_matches('.');
        let help = it.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{path}: {}{help}", it.message)
    });
    told.collect()
}

#[test]
fn all_that_can_be_said_is_read_and_shown_again() {
    let text = with(
        "{type: ocsf, version: 1.8.0, product: {name: a, vendor_name: b, version: '1.0', uid: c}, mapping: [{events: \
         [billing.*], class: api_activity, activity: other, activity_name: x}], coalesce: [{events: [a.b], window: 10s}, \
         {window: 1m}], raw_data: false}",
    );
    let format = ocsf(&text);
    assert_eq!(format.version.as_str(), "1.8.0");
    assert_eq!(format.product.as_ref().unwrap().uid.as_deref(), Some("c"));
    assert_eq!((format.mapping.len(), format.raw_data), (1, false));
    let windows: Vec<_> = format.coalesce.iter().map(|it| it.window).collect();
    assert_eq!(windows, [Duration::from_secs(10), Duration::from_secs(60)]);
    let config = parse("a", &text, &environment).unwrap().config;
    let shown = config.show_yaml();
    assert_eq!(parse("b", &shown, &environment).unwrap().config.show(), config.show(), "{shown}");
    assert_eq!(config.show()["destinations"][0]["format"]["coalesce"][1]["window"], "1m");
}

#[test]
fn without_more_than_a_type_it_is_1_0_0_with_the_line() {
    let format = ocsf(&with("{type: ocsf}"));
    assert_eq!((format.version.as_str(), format.raw_data), ("1.0.0", true));
    assert!(format.product.is_none() && format.mapping.is_empty() && format.coalesce.is_empty());
    for native in ["", "{type: native}"] {
        assert!(parse("a", &with(native), &environment).unwrap().config.destinations[0].format.is_native());
    }
}

#[test]
fn an_error_shows_its_place() {
    assert_eq!(
        parse("audit.yaml", &with("{type: ocsf, version: 1.3}"), &environment).unwrap_err().to_string(),
        "\
audit.yaml:3:35: destinations[0].format.version: found `1.3`, expected one of `1.0.0`, `1.1.0`, `1.3.0`, `1.8.0`
  3 |     format: {type: ocsf, version: 1.3}
    |                                   ^^^
  help: did you mean `1.3.0`?"
    );
}

#[test]
fn what_is_wrong_is_told_with_what_was_meant() {
    for (format, expected) in [
        ("ocsf", "format: found `ocsf`, expected a mapping with `type` (write `format: {type: ocsf}`)"),
        ("ocfs", "format: found `ocfs`, expected one of `native`, `ocsf` (did you mean `ocsf`?)"),
        ("{}", "format: missing key `type`, expected one of `native`, `ocsf`"),
        (
            "{type: ocfs}",
            "format.type: found `ocfs`, expected one of `native`, `ocsf` (did you mean `ocsf`?)",
        ),
        ("{type: native, version: 1.3.0}", "format.version: unknown key `version`, expected `type`"),
        (
            "{type: ocsf, versoin: 1.3.0}",
            "format.versoin: unknown key `versoin`, expected one of `coalesce`, `mapping`, `product`, `raw_data`, \
             `type`, `version` (did you mean `version`?)",
        ),
        (
            "{type: ocsf, raw_data: yes}",
            "format.raw_data: found `yes`, expected `true` or `false` (write `true`)",
        ),
        ("{type: ocsf, product: {name: x}}", "format.product: missing key `vendor_name`"),
        (
            "{type: ocsf, product: {name: '', vendor_name: x}}",
            "format.product.name: expected at least one character",
        ),
        (
            "{type: ocsf, product: {name: x, vendor_name: x, version: ''}}",
            "format.product.version: expected at least one character",
        ),
        (
            "{type: ocsf, product: {name: x, vendor_name: x, uid: ''}}",
            "format.product.uid: expected at least one character",
        ),
        ("{type: ocsf, coalesce: [{events: [access.granted]}]}", "format.coalesce[0]: missing key `window`"),
        ("{type: ocsf, coalesce: [{window: }]}", "format.coalesce[0]: missing key `window`"),
        (
            "{type: ocsf, coalesce: [{window: 0s}]}",
            "format.coalesce[0].window: found `0s`, expected a duration of at least `1ms`, such as `10s`",
        ),
        (
            "{type: ocsf, coalesce: [{window: 999us}]}",
            "format.coalesce[0].window: found `999us`, expected a duration of at least `1ms`, such as `10s`",
        ),
        (
            "{type: ocsf, coalesce: [{window: 10}]}",
            "format.coalesce[0].window: found `10`, expected a duration of at least `1ms`, such as `10s`",
        ),
    ] {
        assert_eq!(told(&with(format)), [expected], "{format}");
    }
    assert_eq!(told(&with("{type: ocsf, coalesce: [{window: 1ms}]}")), [""; 0]);
}

#[test]
fn a_version_that_is_none_is_near_to_one() {
    for (found, meant) in [
        ("1", Some("1.0.0")),
        ("1.1", Some("1.1.0")),
        ("1.3.1", Some("1.3.0")),
        ("1.4.0", Some("1.3.0")),
        ("1.7.0", Some("1.8.0")),
        ("v1.8.0", Some("1.8.0")),
        ("newest", None),
    ] {
        let told = told(&with(&format!("{{type: ocsf, version: {found}}}")));
        let help = meant.map(|meant| format!(" (did you mean `{meant}`?)")).unwrap_or_default();
        let expected = format!(
            "format.version: found `{found}`, expected one of `1.0.0`, `1.1.0`, `1.3.0`, `1.8.0`{help}"
        );
        assert_eq!(told, [expected]);
    }
}

#[test]
fn a_mapping_names_a_class_and_an_activity_of_it() {
    let activities = "expected an activity of api_activity in 1.0.0: one of `unknown`, `create`, `read`, `update`, `delete`, \
                      `other`";
    let classes = "expected one of `authentication`, `application_lifecycle`, `api_activity`";
    for (rule, expected) in [
        ("activity: craete", format!("activity: found `craete`, {activities} (did you mean `create`?)")),
        ("activity: Create", format!("activity: found `Create`, {activities} (did you mean `create`?)")),
        ("activity: '${LEAK}'", format!("activity: found the value of a variable, {activities}")),
        ("activity: other, activity_name: ''", "activity_name: expected at least one character".to_owned()),
        (
            "activity: read, activity_name: x",
            "activity_name: does nothing unless `activity` is `other`".to_owned(),
        ),
    ] {
        let text = format!("{{type: ocsf, mapping: [{{events: [billing.*], class: api_activity, {rule}}}]}}");
        assert!(
            told(&with(&text)).contains(&format!("format.mapping[0].{expected}")),
            "{:?}",
            told(&with(&text))
        );
        assert!(!told(&with(&text)).concat().contains("s3cr3t"));
    }
    for (class, meant) in [
        ("6003", " (did you mean `api_activity`?)"),
        ("3002", " (did you mean `authentication`?)"),
        ("api_activty", " (did you mean `api_activity`?)"),
        ("4001", ""),
    ] {
        let text =
            format!("{{type: ocsf, mapping: [{{events: [billing.*], class: {class}, activity: create}}]}}");
        assert_eq!(
            told(&with(&text)),
            [format!("format.mapping[0].class: found `{class}`, {classes}{meant}")]
        );
    }
    assert_eq!(
        told(&with("{type: ocsf, mapping: [{events: [], class: api_activity, activity: create}]}")),
        ["format.mapping[0].events: expected at least one event type or pattern"]
    );
}

#[test]
fn a_text_is_no_longer_than_its_version_has_it() {
    let product = |version: &str, length: usize| {
        let text = "é".repeat(length);
        told(&with(&format!(
            "{{type: ocsf, version: {version}, product: {{name: a, vendor_name: b, uid: '{text}'}}}}"
        )))
    };
    assert_eq!(product("1.3.0", 65_535), [""; 0]);
    assert_eq!(
        product("1.3.0", 65_536),
        ["format.product.uid: expected at most 65,535 characters, as OCSF has it before 1.8.0"]
    );
    assert_eq!(product("1.8.0", 65_536), [""; 0]);
}

#[test]
fn what_makes_little_sense_is_a_warning() {
    let long =
        "every record of this destination waits so long before it is sent, unless `batch.max_age` is set";
    let destination = |text: &str| told(&format!("destinations: [{{{text}}}]"));
    let coalesce = "format: {type: ocsf, coalesce: [{window: 90s}]}";
    for (text, expected) in [
        (coalesce.to_owned(), vec![format!("format.coalesce[0].window: {long}")]),
        (coalesce.replace("90s", "1m"), vec![]),
        (format!("{coalesce}, batch: {{max_age: 90s}}"), vec![]),
        (
            format!("{coalesce}, batch: {{max_age: 89s}}"),
            vec![
                "batch.max_age: less than the longest `window` of `format.coalesce`: only what is in one batch is merged"
                    .to_owned(),
            ],
        ),
        (
            format!("{coalesce}, required: true"),
            vec!["required: batches do not wait then, so that `format.coalesce` merges little".to_owned()],
        ),
        ("required: true, format: {type: ocsf}".to_owned(), vec![]),
        (
            "format: {type: ocsf, coalesce: [{events: [auth.*], window: 1s}, {window: 2s}, {window: 3s}]}".to_owned(),
            vec![
                "format.coalesce[2]: does nothing: `coalesce[1]` has no `events`, and so takes all".to_owned(),
            ],
        ),
    ] {
        assert_eq!(destination(&format!("type: stdout, {text}")), expected, "{text}");
    }
}

#[test]
fn syslog_s_messages_are_small() {
    let syslog = |text: &str| told(&format!("destinations: [{{type: syslog, server: 'a:1', {text}}}]"));
    assert_eq!(
        syslog("format: {type: ocsf}"),
        [
            "format: OCSF records are about three times as large as the log's, and messages of more than 8,096 bytes go to \
             the dead letters; set `max_message_kb`, or `raw_data: false`"
        ]
    );
    for fine in
        ["format: {type: ocsf}, max_message_kb: 64", "format: {type: ocsf, raw_data: false}", "timeout: 3s"]
    {
        assert_eq!(syslog(fine), [""; 0], "{fine}");
    }
}

#[test]
fn the_schema_refuses_what_parse_refuses() {
    let schema = schema();
    let defined = |name: &str| schema["$defs"][name].clone();
    let length = |name: &str, key: &str, least: &str| defined(name)["properties"][key][least].clone();
    for key in ["name", "vendor_name", "version", "uid"] {
        assert_eq!(length("OcsfProduct", key, "minLength"), 1, "{key}");
    }
    assert_eq!(length("OcsfRule", "activity_name", "minLength"), 1);
    assert_eq!(length("OcsfRule", "events", "minItems"), 1);
    assert_eq!(length("OcsfCoalesce", "events", "minItems"), Value::Null, "all types");
    assert_eq!(defined("OcsfCoalesce")["required"], json!(["window"]));
    assert_eq!(defined("OcsfCoalesce")["properties"]["window"]["type"], "string");
    let kinds = defined("Format")["oneOf"].clone();
    let ocsf =
        kinds.as_array().unwrap().iter().find(|kind| kind["properties"]["type"]["const"] == "ocsf").unwrap();
    let format = ocsf["$ref"].as_str().map_or(ocsf, |to| schema.pointer(to.trim_start_matches('#')).unwrap());
    assert_eq!(format["properties"]["version"]["enum"], json!(["1.0.0", "1.1.0", "1.3.0", "1.8.0"]));
}
