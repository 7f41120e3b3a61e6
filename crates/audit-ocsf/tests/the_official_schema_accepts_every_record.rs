//! Every type × every version × (minimal, full, arbitrary events), judged by the JSON Schemas of the package
//! `ocsf-json-schema` and by our own validator: zero findings.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod events;

use std::io::Write as _;
use std::process::{Command, Stdio};

use audit_model::Value;
use audit_ocsf::object::Product;
use audit_ocsf::{Class, Mapping, Recorded, Rule, Version};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

/// Arbitrary events of each type.
const ARBITRARY: usize = 25;

fn records() -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let mut records = Vec::new();
    for event_type in events::types() {
        let mut all = vec![events::minimal(&event_type), events::full(&event_type)];
        let arbitrary = events::arbitrary(event_type);
        all.extend((0..ARBITRARY).map(|_| arbitrary.new_tree(&mut runner).unwrap().current()));
        for event in all {
            let line = String::from_utf8(event.to_canonical_json().unwrap()).unwrap();
            let recorded = Recorded {
                chain_id: Some("orders"),
                sequence_number: Some(7),
                last_sequence_number: event.extra.get("count").map(|_| 9),
                line: Some(&line),
            };
            for version in Version::ALL {
                let mut out = Vec::new();
                Mapping::new(*version).write(&event, recorded, &mut out).unwrap();
                records.push(String::from_utf8(out).unwrap());
            }
        }
    }
    records
}

/// Every class and activity by a rule, and products that hold what a version does not take.
fn configured_records() -> Vec<String> {
    let mut full = Product::new("orders", "x".repeat(70_000));
    full.cpe_name = Some("cpe:2.3:a:example:orders".to_owned());
    full.version = Some(String::new());
    full.uid = Some("node-1".to_owned());
    full.lang = Some("en".to_owned());
    full.feature = Some(Box::default());
    full.extra.insert("foo".to_owned(), 1.into());
    let products = [Product::new("", ""), Product::default(), full];
    let mut records = Vec::new();
    for version in Version::ALL {
        for class in Class::ALL {
            for activity in (0..=10).chain([99, 100, 255]) {
                for event_type in ["auth.login", "backup.completed", "audit.started", "x.frobnicated"] {
                    let event = events::full(&event_type.parse().unwrap());
                    let rule = Rule::new(event_type.parse().unwrap(), *class, activity);
                    let product = &products[usize::from(activity) % products.len()];
                    let name = ["Other", "", "Review"][usize::from(activity) % 3];
                    let mapping = Mapping::new(*version).product(product).rule(rule.activity_name(name));
                    records.push(mapping.to_value(&event, Recorded::default()).unwrap().to_string());
                }
            }
        }
    }
    records
}

#[cfg(feature = "validate")]
#[test]
fn and_our_own_validator_finds_nothing_either() {
    for record in records().into_iter().chain(configured_records()) {
        let findings = audit_ocsf::validate(&serde_json::from_str(&record).unwrap());
        let shown: String = record.chars().take(3000).collect();
        assert_eq!(findings, [], "{shown}");
    }
}

#[test]
fn of_the_independent_package() {
    let Ok(python) = std::env::var("AUDIT_TEST_PYTHON") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "AUDIT_TEST_PYTHON is not set");
        println!("skipped: AUDIT_TEST_PYTHON is not set (cargo xtask test sets it)");
        return;
    };
    let records: Vec<String> = records().into_iter().chain(configured_records()).collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jsonschema_verdicts.py");
    let mut judge =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = judge.stdin.take().unwrap();
    let text = records.join("\n") + "\n";
    let writing = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = judge.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    let verdicts: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(verdicts.len(), records.len(), "{}", output.status);
    for (record, verdict) in records.iter().zip(verdicts) {
        let shown: String = record.chars().take(3000).collect();
        assert_eq!(verdict["errors"], Value::Array(Vec::new()), "{shown}");
    }
    println!("{} records judged", records.len());
}

#[test]
fn and_the_types_hold_all_of_it() {
    for record in records() {
        let typed = audit_ocsf::OcsfEvent::from_json(record.as_bytes()).unwrap();
        assert!(!format!("{typed:?}").contains("extra: {\""), "{typed:?}");
        assert_eq!(typed.to_value(), serde_json::from_str::<Value>(&record).unwrap());
    }
}
