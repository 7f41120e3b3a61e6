//! Good records with random changes: the package and we refuse the same ones, at the same places, apart from what is
//! listed here. And whatever the JSON, nothing panics.
#![cfg(feature = "validate")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod records;
mod verdicts;

use std::cell::RefCell;
use std::collections::BTreeSet;

use audit_ocsf::{Code, Finding, FindingSeverity, Validator, explain, validate};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use records::{CLASSES, VERSIONS, good, pointers, remove, set};
use serde_json::{Value, json};
use verdicts::{Problem, Verdicts};

/// Where the package says that it has no schema for the record; then it says nothing else.
const NO_SCHEMA: [&str; 4] = ["", "class_uid", "metadata", "metadata.version"];

#[derive(Debug, Clone)]
enum Mutation {
    Delete(Index),
    Replace(Index, Value),
    /// The value of another place.
    Copy(Index, Index),
    Insert(Index, String, Value),
}

#[test]
fn mutated_records_get_the_same_verdict_at_the_same_places() {
    let Some(theirs) = Verdicts::start().map(RefCell::new) else { return };
    let seen = RefCell::new([0_usize; 2]);
    let mutated = (select(&CLASSES[..]), select(&VERSIONS[..]), prop::collection::vec(mutations(), 1..4));
    let config = ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&mutated, |(class, version, mutations)| {
            let mut record = good(class, version);
            for mutation in mutations {
                mutate(&mut record, mutation);
            }
            let findings = validate(&record);
            let problems = theirs.borrow_mut().problems(&record);
            seen.borrow_mut()[usize::from(problems.is_empty())] += 1;
            agree(&findings, &problems).map_err(|why| {
                TestCaseError::fail(format!("{why}\n{findings:#?}\n{problems:#?}\n{record:#}"))
            })
        })
        .unwrap();
    let [refused, accepted] = seen.into_inner();
    assert!(
        refused > 100 && accepted > 100,
        "the mutations show little: {refused} refused, {accepted} accepted"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_is_validated_and_explained_without_a_control_character(mut record in json_values(6), class in select(&CLASSES[..]), version in select(&VERSIONS[..])) {
        is_harmless(&record)?;
        if let Value::Object(fields) = &mut record {
            fields.insert("class_uid".to_owned(), json!(class));
            fields.insert("metadata".to_owned(), json!({"version": version}));
            is_harmless(&record)?;
        }
    }
}

fn is_harmless(record: &Value) -> Result<(), TestCaseError> {
    let mut text = explain(record).to_string();
    for finding in Validator::new().recommended(true).validate(record) {
        text.push_str(&finding.to_string());
    }
    prop_assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
    Ok(())
}

fn agree(ours: &[Finding], theirs: &[Problem]) -> Result<(), String> {
    let errors: Vec<&Finding> =
        ours.iter().filter(|finding| finding.severity == FindingSeverity::Error).collect();
    if let [problem] = theirs
        && NO_SCHEMA.contains(&problem.path.as_str())
    {
        // A version between two is a warning to us, and the official server.
        let is_told = !errors.is_empty() || ours.iter().any(|finding| finding.code == Code::VersionIncorrect);
        return if is_told { Ok(()) } else { Err("they have no schema, and we say nothing".to_owned()) };
    }
    // The package lets a profile in capitals bring its attributes.
    if errors.iter().any(|finding| finding.code == Code::ProfileUnknown) {
        return Ok(());
    }
    let paths: BTreeSet<&str> = theirs.iter().map(|problem| problem.path.as_str()).collect();
    for finding in &errors {
        if !paths.contains(finding.path.as_str()) && !is_only_ours(finding) {
            return Err(format!("only we say: {finding}"));
        }
    }
    match paths.iter().find(|path| errors.iter().all(|finding| finding.path != **path)) {
        Some(path) => Err(format!("only they say: {path}")),
        None => Ok(()),
    }
}

/// What JSON Schema can't say, or the package doesn't.
fn is_only_ours(finding: &Finding) -> bool {
    match finding.code {
        Code::TypeUidIncorrect
        | Code::ObservableNameInvalidReference
        | Code::AttributeEnumArraySiblingIncorrect
        | Code::AttributeEnumArraySiblingMissing
        | Code::AttributeValueExceedsSuperTypeMaxLen => true,
        // 5.0 for an integer, and integers beyond 63 bits.
        Code::AttributeWrongType => {
            let float = finding.message.rsplit_once("found the float ");
            let is_whole = |text: &str| text.parse::<f64>().is_ok_and(|number| number.fract() == 0.0);
            float.is_some_and(|(_, text)| is_whole(text)) || finding.message.ends_with("beyond 63 bits")
        }
        Code::AttributeRequiredMissing => finding.message == "expected json_t, found null",
        // Python's `$` matches before a last newline.
        Code::AttributeValueRegexNotMatched => finding.message.ends_with("\\n`"),
        _ => false,
    }
}

fn mutate(record: &mut Value, mutation: Mutation) {
    let all = pointers(record);
    if all.is_empty() {
        return;
    }
    let pick = |index: Index| index.get(&all).as_str();
    match mutation {
        Mutation::Delete(at) => remove(record, pick(at)),
        Mutation::Replace(at, value) => set(record, pick(at), value),
        Mutation::Copy(from, to) => {
            let value = record.pointer(pick(from)).unwrap().clone();
            set(record, pick(to), value);
        }
        Mutation::Insert(at, name, value) => {
            let is_open =
                |pointer: &&String| record.pointer(pointer).is_some_and(|at| at.is_object() || at.is_array());
            let containers: Vec<&String> = all.iter().filter(is_open).collect();
            let parent = if containers.is_empty() { "" } else { at.get(&containers).as_str() };
            set(record, &format!("{parent}/{name}"), value);
        }
    }
}

fn mutations() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        any::<Index>().prop_map(Mutation::Delete),
        (any::<Index>(), json_values(2)).prop_map(|(at, value)| Mutation::Replace(at, value)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Copy(from, to)),
        (any::<Index>(), names(), json_values(2))
            .prop_map(|(at, name, value)| Mutation::Insert(at, name, value)),
    ]
}

/// Mostly names that OCSF has somewhere, so that values get to where they are looked at.
fn names() -> impl Strategy<Value = String> {
    let mut known: BTreeSet<String> = [
        "actor",
        "container",
        "device",
        "group",
        "groups",
        "message",
        "osint",
        "process",
        "raw_data",
        "session",
        "start_time",
        "time_dt",
        "uid",
        "x_forwarded_for",
    ]
    .map(str::to_owned)
    .into();
    for class in CLASSES {
        let record = good(class, VERSIONS[0]);
        known.extend(
            pointers(&record).iter().filter_map(|pointer| Some(pointer.rsplit_once('/')?.1.to_owned())),
        );
    }
    let known: Vec<String> = known.into_iter().collect();
    prop_oneof![8 => select(known), 1 => "[a-z_]{1,8}"]
}

fn json_values(depth: u32) -> impl Strategy<Value = Value> {
    let texts = prop_oneof![
        "[ -~]{0,12}",
        any::<String>(),
        select(
            &[
                "",
                "cloud",
                "Cloud",
                "datetime",
                "GET",
                "192.0.2.9",
                "::1\n",
                "1.3.0",
                "1.3.7",
                "user@example.org"
            ][..]
        )
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..8).prop_map(Value::from),
        select(&[99_i64, 3002, 6003, 65_535, 65_536, 1_700_533_469_078, i64::MAX][..]).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-2_i32..8).prop_map(|whole| Value::from(f64::from(whole))),
        any::<f64>().prop_map(Value::from),
        texts.prop_map(Value::from),
    ];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}
