//! Our verdicts beside those of the Python package `ocsf-json-schema` with `jsonschema`, which share no code with us.
#![cfg(feature = "validate")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod broken;
mod records;
mod verdicts;

use std::collections::BTreeSet;

use audit_ocsf::{Finding, FindingSeverity, validate};
use broken::RefusedBy;
use records::{CLASSES, VERSIONS, good};
use verdicts::Verdicts;

#[test]
fn good_records_are_good_to_both() {
    for class in CLASSES {
        for version in VERSIONS {
            assert_eq!(validate(&good(class, version)), [], "{class} {version}");
        }
    }
    let Some(mut theirs) = Verdicts::start() else { return };
    for class in CLASSES {
        for version in VERSIONS {
            let problems = theirs.problems(&good(class, version));
            assert!(problems.is_empty(), "{class} {version} {problems:?}");
        }
    }
}

#[test]
fn every_way_to_break_a_record_is_found_where_it_was_broken() {
    let all = broken::all();
    let names: BTreeSet<&str> = all.iter().map(|broken| broken.name).collect();
    assert!(names.len() == all.len() && names.len() >= 40, "{} different ways", names.len());
    let mut wrong = Vec::new();
    for broken in &all {
        let findings = validate(&broken.record);
        if !findings.iter().any(|finding| finding.code.as_str() == broken.code && finding.path == broken.path)
        {
            wrong.push((broken, findings));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn both_refuse_the_same_broken_records_at_the_same_places_apart_from_the_listed_ones() {
    let Some(mut theirs) = Verdicts::start() else { return };
    let mut wrong = Vec::new();
    for broken in broken::all() {
        let ours = errors(&validate(&broken.record));
        let problems = theirs.problems(&broken.record);
        let is_as_listed = match broken.refused_by {
            RefusedBy::Neither => ours.is_empty() && problems.is_empty(),
            RefusedBy::Us => ours.contains(broken.path) && problems.is_empty(),
            RefusedBy::Them => ours.is_empty() && !problems.is_empty(),
            // We may have more to say of it: JSON Schema can't set one attribute against another.
            RefusedBy::Both => {
                problems.iter().all(|problem| ours.contains(&problem.path))
                    && problems.iter().any(|problem| problem.path == broken.path)
            }
        };
        if !is_as_listed {
            wrong.push((broken, ours, problems));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn errors(findings: &[Finding]) -> BTreeSet<String> {
    let is_error = |finding: &&Finding| finding.severity == FindingSeverity::Error;
    findings.iter().filter(is_error).map(|finding| finding.path.clone()).collect()
}
