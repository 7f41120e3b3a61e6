//! The translations to OpenSearch, run by one, with the index template of `docs/conditions.md`.
//!
//! `AUDIT_TEST_OPENSEARCH` is a folder of jars: org.opensearch:opensearch and
//! org.opensearch.plugin:transport-netty4-client with what they depend on, and org.apache.logging.log4j:log4j-core.
//! Without it the interpreter of `translations_select_the_same_rows` has to do, which is held to agree here.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod translation;

use audit_condition::{Condition, Target};
use audit_model::{Actor, Event};
use serde_json::json;
use translation::conditions::{conditions, quoted};
use translation::events::{Shape, TEXTS, events};
use translation::real_opensearch::rows;
use translation::{assert_same, now, opensearch, ours, size};

/// Those that can be said, with their searches.
fn translated(conditions: Vec<Condition>, sealed: bool) -> (Vec<Condition>, Vec<String>) {
    let body = |condition: &Condition| {
        if sealed {
            condition.translate_sealed(Target::OpenSearch)
        } else {
            condition.translate(Target::OpenSearch)
        }
    };
    conditions.into_iter().filter_map(|condition| body(&condition).ok().map(|body| (condition, body))).unzip()
}

#[test]
fn random_conditions_find_the_same_events() {
    let seed = u64::try_from(size("AUDIT_TEST_SEED", 20_241_211)).unwrap();
    let events = events(seed, size("AUDIT_TEST_EVENTS", 10_000), Shape::Typed);
    for sealed in [false, true] {
        let count = size("AUDIT_TEST_CONDITIONS", 200) * 3 / 2;
        let (conditions, bodies) = translated(conditions(seed, count, Shape::Typed), sealed);
        let Some(rows) = rows(&bodies, &events, sealed) else { return };
        assert_same("a real OpenSearch", &conditions, &bodies, &events, &rows);
        assert_eq!(rows, opensearch::rows(&bodies, &events, now(), sealed), "the interpreter agrees with it");
    }
}

#[test]
fn the_printed_query_finds_the_same_events() {
    let condition = Condition::parse("event_type = 'restore.completed' and timestamp >= now - 7d").unwrap();
    let printed = json!({ "query": { "bool": { "must": [
        { "match": { "event_type": "restore.completed" } },
        { "range": { "timestamp": { "gte": "now-7d" } } }
    ] } } });
    let bodies = [printed.to_string(), condition.translate(Target::OpenSearch).unwrap()];
    let events = events(3, 3000, Shape::Typed);
    let Some(rows) = rows(&bodies, &events, false) else { return };
    let expected = ours(&[condition], &events);
    assert!(expected[0].contains('1') && expected[0].contains('0'));
    assert_eq!(rows, [expected[0].clone(), expected[0].clone()]);
}

#[test]
fn whatever_a_text_holds_it_is_found_and_nothing_else() {
    let events: Vec<Event> = TEXTS
        .iter()
        .map(|text| {
            let mut event = Event::at(now(), "auth.login".parse().unwrap());
            event.actor = Some(Actor::user(*text));
            event
        })
        .collect();
    let conditions = TEXTS.iter().flat_map(|text| {
        ["=", "contains", "starts_with", "ends_with"]
            .map(|operator| format!("actor.id {operator} {}", quoted(text)))
    });
    let conditions = conditions.chain(TEXTS.iter().flat_map(|text| {
        let pattern = quoted(&text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        ["like", "ilike"].map(|operator| format!("actor.id {operator} {pattern}"))
    }));
    let conditions = conditions.map(|text| Condition::parse(&text).unwrap()).collect();
    let (conditions, bodies) = translated(conditions, false);
    assert_eq!(conditions.len(), 6 * TEXTS.len());
    let Some(rows) = rows(&bodies, &events, false) else { return };
    assert_same("a real OpenSearch", &conditions, &bodies, &events, &rows);
}
