//! Each translation is run by what it was written for (jq; DuckDB in place of Trino), or by an interpreter of what the
//! language documents (Insights, OpenSearch), and has to select the events that the evaluator selects.
//!
//! `AUDIT_TEST_EVENTS`, `AUDIT_TEST_CONDITIONS` and `AUDIT_TEST_SEED` set the size and the seed of longer runs.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

mod translation;

use std::collections::BTreeMap;

use audit_condition::{Condition, Target, Untranslatable};
use audit_model::Event;
use translation::events::{Shape, events};
use translation::{assert_same, duckdb, insights, jq, now, opensearch, size};

struct Case {
    events: Vec<Event>,
    conditions: Vec<Condition>,
    texts: Vec<String>,
}

/// Conditions that the target can say, with their translations; what it can't is told and counted.
fn case(target: Target, shape: Shape, sealed: bool, at_most_unsaid: usize) -> Case {
    let seed = u64::try_from(size("AUDIT_TEST_SEED", 20_241_211)).unwrap();
    let count = size("AUDIT_TEST_CONDITIONS", 200);
    let (mut conditions, mut texts) = (Vec::new(), Vec::new());
    let mut unsaid: BTreeMap<String, usize> = BTreeMap::new();
    let mut generated = 0;
    while conditions.len() < count {
        let round = seed + u64::try_from(generated).unwrap();
        for condition in translation::conditions::conditions(round, count, shape) {
            generated += 1;
            let text = if sealed { condition.translate_sealed(target) } else { condition.translate(target) };
            match text {
                Ok(text) if conditions.len() < count => {
                    conditions.push(condition);
                    texts.push(text);
                }
                Ok(_) => {}
                Err(error) => {
                    assert_names_a_part(&condition, &error);
                    *unsaid.entry(error.reason().to_owned()).or_default() += 1;
                }
            }
        }
    }
    let total: usize = unsaid.values().sum();
    println!("{target}: {total} of {generated} generated conditions can't be said:");
    for (reason, count) in &unsaid {
        println!("  {count}: {reason}");
    }
    assert!(total * 100 <= generated * at_most_unsaid, "{target}: {total} of {generated} can't be said");
    Case { events: events(seed, size("AUDIT_TEST_EVENTS", 10_000), shape), conditions, texts }
}

fn assert_names_a_part(condition: &Condition, error: &Untranslatable) {
    let from: String = condition.as_str().chars().skip(error.column() - 1).collect();
    assert!(from.starts_with(error.part()) && !error.part().is_empty(), "{error}\n{condition}");
}

#[test]
fn jq_selects_the_same_rows_of_bare_and_of_sealed_records() {
    let case = case(Target::Jq, Shape::Wild, false, 40);
    if let Some(rows) = jq::rows(&case.texts, &case.events, now()) {
        assert_same("jq", &case.conditions, &case.texts, &case.events, &rows);
    }
}

#[test]
fn sql_selects_the_same_rows() {
    let case = case(Target::Sql, Shape::Flat, false, 30);
    if let Some(rows) = duckdb::rows(&case.texts, &case.events, false) {
        assert_same("SQL", &case.conditions, &case.texts, &case.events, &rows);
    }
}

#[test]
fn sql_selects_the_same_rows_of_sealed_records() {
    let mut case = case(Target::Sql, Shape::Flat, true, 30);
    case.events.truncate(1000);
    if let Some(rows) = duckdb::rows(&case.texts, &case.events, true) {
        assert_same("SQL, sealed", &case.conditions, &case.texts, &case.events, &rows);
    }
}

#[test]
fn opensearch_selects_the_same_rows() {
    for sealed in [false, true] {
        let case = case(Target::OpenSearch, Shape::Typed, sealed, 60);
        let rows = opensearch::rows(&case.texts, &case.events, now(), sealed);
        assert_same("OpenSearch", &case.conditions, &case.texts, &case.events, &rows);
    }
}

#[test]
fn insights_selects_the_same_rows() {
    for sealed in [false, true] {
        let mut case = case(Target::Insights, Shape::Scalar, sealed, 75);
        // Nobody documents what a test of a missing field is: the translations must not depend on it.
        for missing in insights::MISSING {
            let rows = insights::rows(&case.texts, &case.events, now(), sealed, missing);
            assert_same("Insights", &case.conditions, &case.texts, &case.events, &rows);
            case.events.truncate(1000);
        }
    }
}
