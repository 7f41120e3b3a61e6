//! What there is to say of each of Redpanda's samples.
#![cfg(feature = "validate")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod samples;
mod verdicts;

use std::fmt::Write;

use audit_ocsf::{Code, Finding, FindingSeverity, Validator, explain, validate};
use verdicts::Verdicts;

const PROVIDER: &str = "warning attribute_required_empty at cloud.provider";
const UPDATE: &str = "warning activity_id_suspicious at activity_id";
const DESC: &str = "information attribute_value_empty at actor.authorizations[0].policy.desc";
const HOSTNAME: &str = "error attribute_value_regex_not_matched at http_request.url.hostname";

#[test]
fn each_sample_has_exactly_these_findings() {
    let expected: [&[&str]; 6] =
        [&[], &[], &[PROVIDER], &[PROVIDER, UPDATE], &[DESC, PROVIDER, HOSTNAME], &[PROVIDER, HOSTNAME]];
    for (sample, expected) in samples::all().iter().zip(expected) {
        let found: Vec<String> = validate(sample)
            .iter()
            .map(|finding| format!("{} {} at {}", finding.severity, finding.code, finding.path))
            .collect();
        assert_eq!(found, expected, "{sample:#}");
    }
}

#[test]
fn the_messages_say_what_was_found_and_what_was_expected() {
    let samples = samples::all();
    let message = |sample: usize, code| {
        validate(&samples[sample]).into_iter().find(|finding| finding.code == code).unwrap().to_string()
    };
    assert_eq!(
        message(3, Code::ActivityIdSuspicious),
        "warning activity_id_suspicious at activity_id: expected 2 (Read) for the operation `metadata`, found 3 (Update)"
    );
    assert_eq!(
        message(4, Code::AttributeValueRegexNotMatched),
        "error attribute_value_regex_not_matched at http_request.url.hostname: expected hostname_t as in \
         `^(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\\\\-]*[a-zA-Z0-9])\\\\.)*([A-…`, found the string `127.0.0.1:9644`"
    );
}

#[test]
fn missing_recommended_attributes_are_told_when_asked_for() {
    let mut told = String::new();
    for (number, sample) in samples::all().iter().enumerate() {
        let all = Validator::new().recommended(true).validate(sample);
        let (missing, others): (Vec<Finding>, Vec<Finding>) =
            all.into_iter().partition(|finding| finding.code == Code::AttributeRecommendedMissing);
        assert_eq!(others, validate(sample), "nothing else changes");
        for finding in missing {
            assert_eq!(finding.severity, FindingSeverity::Warning);
            writeln!(told, "{} {}", number + 1, finding.path).unwrap();
        }
    }
    assert_eq!(told, include_str!("samples/recommended.txt"));
}

#[test]
fn the_package_refuses_the_same_samples_for_the_same_reason() {
    let Some(mut theirs) = Verdicts::start() else { return };
    for sample in samples::all() {
        let ours = validate(&sample).into_iter().filter(|finding| finding.severity == FindingSeverity::Error);
        let ours: Vec<String> = ours.map(|finding| finding.path).collect();
        let theirs: Vec<String> = theirs.problems(&sample).into_iter().map(|problem| problem.path).collect();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn a_sample_is_explained_in_words() {
    assert_eq!(
        explain(&samples::all()[0]).to_string(),
        r#"Authentication (Identity & Access Management), OCSF 1.0.0
  activity_id: 1 (Logon)
  auth_protocol: "SASL-SCRAM"
  auth_protocol_id: 99 (Other)
  category_uid: 3 (Identity & Access Management)
  class_uid: 3002 (Authentication)
  dst_endpoint:
    ip: "127.0.0.1"
    port: 19092
    svc_name: "kafka rpc protocol"
  is_cleartext: true
  is_mfa: false
  metadata:
    product:
      name: "Redpanda"
      uid: "2"
      vendor_name: "Redpanda Data, Inc."
      version: "v23.3.0-dev-2457-g76dc896f8c"
    version: "1.0.0"
  service:
    name: "kafka rpc protocol"
  severity_id: 1 (Informational)
  src_endpoint:
    ip: "127.0.0.1"
    name: "rpk"
    port: 42906
  status_id: 1 (Success)
  time: 1700533469078 (2023-11-21T02:24:29.078Z)
  type_uid: 300201 (Authentication: Logon)
  user:
    name: "user"
    type_id: 1 (User)
"#
    );
}
