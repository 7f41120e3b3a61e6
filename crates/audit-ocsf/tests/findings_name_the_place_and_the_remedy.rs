//! What findings say, and what can be chosen.
#![cfg(feature = "validate")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod records;

use audit_ocsf::{Code, FindingSeverity, SchemaVersion, Validator, Version, validate};
use records::{good, remove, set};
use serde_json::{Value, json};

fn texts(record: &Value) -> Vec<String> {
    validate(record).iter().map(ToString::to_string).collect()
}

#[test]
fn messages_name_the_nearest_name_and_the_profile() {
    let mut record = good(6003, "1.3.0");
    set(&mut record, "/actor/user/nmae", json!("admin"));
    set(&mut record, "/metadata/profiles", json!(["clod"]));
    set(&mut record, "/http_request/http_method", json!("get"));
    set(&mut record, "/severity_id", json!(7));
    assert_eq!(
        texts(&record),
        [
            "error profile_unknown at metadata.profiles[0]: OCSF 1.3.0 has no profile `clod`; did you mean `cloud`?",
            "error attribute_unknown at actor.user.nmae: the object user of OCSF 1.3.0 has no such attribute; did you \
             mean `name`?",
            "error attribute_enum_value_unknown at http_request.http_method: expected one of CONNECT (Connect), \
             DELETE (Delete), GET (Get), HEAD (Head), OPTIONS (Options), POST (Post), PUT (Put), TRACE (Trace), found \
             the string `get`; did you mean `GET`?",
            "error attribute_enum_value_unknown at severity_id: expected one of 0 (Unknown), 1 (Informational), 2 \
             (Low), 3 (Medium), 4 (High), 5 (Critical), 6 (Fatal), 99 (Other), found the integer 7",
            "error attribute_unknown at cloud: the class api_activity has it by the profile cloud, which \
             metadata.profiles doesn't name",
        ]
    );
}

#[test]
fn names_of_the_record_are_escaped_in_paths_and_messages() {
    let record =
        json!({"class_uid": 3002, "metadata": {"version": "1.0.0", "a b\u{1b}.c": 1, "profiles": ["\u{7}"]}});
    let texts = texts(&record);
    let has = |text: &str| assert!(texts.iter().any(|found| found.contains(text)), "{texts:#?}");
    has(r#"attribute_unknown at metadata["a b\u{1b}.c"]: "#);
    has(r"no profile `\u{7}`");
}

#[test]
fn what_is_no_record_gets_one_finding() {
    for (record, text) in [
        (json!([]), "error record_wrong_type: expected an object, found an array"),
        (
            json!({}),
            "error attribute_required_missing at class_uid: a record needs its class; nothing else was checked",
        ),
        (
            json!({"class_uid": "3002"}),
            "error attribute_wrong_type at class_uid: expected integer_t, found the string `3002`; nothing else was checked",
        ),
        (
            json!({"class_uid": 2004, "metadata": {"version": "1.0.0"}}),
            "error class_uid_unknown at class_uid: OCSF 1.0.0 has no class 2004 (in 1.8.0 it is detection_finding); \
             nothing else was checked",
        ),
        (
            json!({"class_uid": i64::MIN}),
            "error class_uid_unknown at class_uid: OCSF 1.8.0 has no class -9223372036854775808; nothing else was checked",
        ),
    ] {
        assert_eq!(texts(&record), [text]);
    }
}

#[test]
fn a_finding_is_json_for_programs() {
    let findings = validate(&json!({"class_uid": 1}));
    assert_eq!(
        serde_json::to_value(findings).unwrap(),
        json!([{
            "severity": "error",
            "code": "class_uid_unknown",
            "path": "class_uid",
            "message": "OCSF 1.8.0 has no class 1; nothing else was checked",
        }])
    );
}

#[test]
fn a_chosen_version_counts_whatever_the_record_says() {
    let record = good(3002, "1.1.0");
    let found = |version: SchemaVersion| -> Vec<(Code, FindingSeverity, String)> {
        let findings = Validator::new().version(version).validate(&record);
        findings.into_iter().map(|finding| (finding.code, finding.severity, finding.path)).collect()
    };
    assert_eq!(found(Version::V1_1_0.into()), []);
    let version = |code: Code| (code, code.severity(), "metadata.version".to_owned());
    assert_eq!(found(Version::V1_0_0.into()), [version(Code::VersionIncompatible)]);
    let newer = found(SchemaVersion::NEWEST);
    assert_eq!(newer[0], version(Code::VersionIncorrect));
    let coordinates = "dst_endpoint.location.coordinates".to_owned();
    assert_eq!(newer[1..], [(Code::AttributeDeprecated, FindingSeverity::Warning, coordinates)]);
    // `user.type_id` is required in 1.0.0 only.
    let mut record = good(3002, "1.1.0");
    remove(&mut record, "/user/type_id");
    assert_eq!(validate(&record), []);
    let old = Validator::new().version(Version::V1_0_0).validate(&record);
    assert!(old.iter().any(|finding| finding.path == "user.type_id"), "{old:?}");
}

#[test]
fn a_version_that_is_none_is_held_against_what_can_be_read_of_it() {
    for (version, text) in [
        (
            "1.3",
            "error version_invalid_format at metadata.version: expected a version such as 1.3.0, found `1.3`; held against 1.3.0",
        ),
        (
            "v1.3.0",
            "error version_invalid_format at metadata.version: expected a version such as 1.3.0, found `v1.3.0`; held against 1.3.0",
        ),
        (
            "1.3.0-dev",
            "warning version_incorrect at metadata.version: expected 1.3.0, found `1.3.0-dev`; held against 1.3.0",
        ),
        (
            "1.3.1",
            "warning version_incorrect at metadata.version: expected one of 1.0.0, 1.1.0, 1.2.0, 1.3.0, 1.4.0, 1.5.0, \
             1.6.0, 1.7.0, 1.8.0, found `1.3.1`; held against 1.3.0",
        ),
    ] {
        let mut record = good(6003, "1.3.0");
        set(&mut record, "/metadata/version", json!(version));
        assert_eq!(texts(&record), [text]);
        assert_eq!(audit_ocsf::explain(&record).version, "1.3.0");
    }
}

#[test]
fn deprecated_classes_attributes_and_objects_are_told() {
    let mut record = good(6002, "1.8.0");
    set(&mut record, "/class_uid", json!(2001));
    set(&mut record, "/metadata/extension", json!({"name": "e", "uid": "1", "version": "1"}));
    set(&mut record, "/finding", json!({"title": "t", "uid": "1"}));
    let texts = texts(&record);
    let has = |text: &str| assert!(texts.iter().any(|found| found.starts_with(text)), "{texts:#?}");
    has(
        "warning class_deprecated at class_uid: the class security_finding is deprecated since 1.1.0: Use the new",
    );
    has(
        "warning attribute_deprecated at metadata.extension: deprecated since 1.1.0: Use the extensions attribute",
    );
    has("warning object_deprecated at finding: the object finding is deprecated since 1.0.0: Use the new");
}

#[test]
fn the_three_ways_to_name_an_observable_in_an_array_are_right() {
    for (name, value, code) in [
        ("resources.name", "orders", None),
        ("resources[].name", "cluster", None),
        ("resources[1].name", "cluster", None),
        ("resources[0].name", "cluster", Some(Code::ObservableValueMismatch)),
        ("resources[7].name", "cluster", Some(Code::ObservableValueMismatch)),
        ("resources[x].name", "orders", Some(Code::ObservableNameInvalidReference)),
        ("resources[0]x.name", "orders", Some(Code::ObservableNameInvalidReference)),
        ("resources[99999999999999999999].name", "orders", Some(Code::ObservableNameInvalidReference)),
        ("actor[].user.name", "user", Some(Code::ObservableNameInvalidReference)),
        ("actor.user.name", "user", None),
        ("dst_endpoint.port", "9092", None),
        (" ", "user", Some(Code::ObservableNameInvalidReference)),
        ("unmapped.any", "user", Some(Code::ObservableNameInvalidReference)),
    ] {
        let mut record = good(6003, "1.8.0");
        let observable = json!([{"name": name, "type": "Whatever", "type_id": 99, "value": value}]);
        set(&mut record, "/observables", observable);
        let found: Vec<Code> = validate(&record).iter().map(|finding| finding.code).collect();
        assert_eq!(found, code.into_iter().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn what_nests_without_end_is_told_once() {
    let mut process = json!({"pid": 1});
    for _ in 0..1000 {
        process = json!({"parent_process": process, "pid": 1});
    }
    let mut record = good(6003, "1.3.0");
    set(&mut record, "/actor/process", process);
    let findings = validate(&record);
    let deep: Vec<_> = findings.iter().filter(|finding| finding.code == Code::NestedTooDeep).collect();
    assert_eq!(deep.len(), 1);
}

#[test]
fn a_header_without_a_value_is_nothing_odd_but_one_without_a_name_is() {
    let mut record = good(6003, "1.0.0");
    set(&mut record, "/http_request/http_headers/0", json!({"name": "", "value": ""}));
    let text = "warning attribute_required_empty at http_request.http_headers[0].name: the required attribute is an \
                empty text";
    assert_eq!(texts(&record), [text]);
}
