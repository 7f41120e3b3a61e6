//! The searches that the product's documentation prints, beside ours: the same events are found.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

mod translation;

use audit_condition::{Condition, Target};
use audit_model::Event;
use serde_json::{Value, json};
use translation::events::{Shape, events};
use translation::{insights, jq, now, opensearch, ours};

const PRINTED: &str = include_str!("data/printed_searches.txt");

/// The documentation has this text, so that what is compared with is really what it prints.
fn printed(text: &str) -> String {
    assert!(PRINTED.contains(text), "{text} is not printed");
    text.to_owned()
}

fn log() -> Vec<Event> {
    let mut log = events(7, 2000, Shape::Typed);
    for (index, event) in log.iter_mut().enumerate().filter(|(index, _)| index % 5 == 0) {
        let failed = if index % 2 == 0 { "backup.failed" } else { "access.denied" };
        event.event_type = failed.parse().unwrap();
        event.actor = Some(audit_model::Actor::user(["bob@company.com", "alice"][index % 3 % 2]));
    }
    log
}

fn condition(text: &str) -> Condition {
    Condition::parse(text).unwrap()
}

fn some_and_not_all(bits: &str) {
    assert!(bits.contains('1') && bits.contains('0'), "{bits}");
}

#[test]
fn jq_finds_what_the_printed_selects_find() {
    let failed = condition("event_type == 'backup.failed'");
    let denied = condition("event_type == 'access.denied' and actor.id == 'bob@company.com'");
    let filters = [
        printed(r#"select(.event_type == "backup.failed")"#),
        printed(r#"select(.event_type == "access.denied" and .actor.id == "bob@company.com")"#),
        failed.translate(Target::Jq).unwrap(),
        denied.translate(Target::Jq).unwrap(),
    ];
    let log = log();
    let expected = ours(&[failed, denied], &log);
    expected.iter().for_each(|bits| some_and_not_all(bits));
    // The printed ones know bare events only.
    let Some(rows) = jq::rows_of_bare(&filters, &log, now()) else { return };
    assert_eq!(rows[..2], expected);
    assert_eq!(rows[2..], expected);
}

#[test]
fn insights_is_given_the_filters_that_are_printed() {
    for (text, filter) in [
        ("event_type matches 'failed'", "filter event_type like /failed/"),
        ("event_type like '%failed%'", "filter event_type like /failed/"),
        ("event_type contains 'failed'", "filter event_type like /failed/"),
        ("event_type = 'access.denied'", "filter event_type = \"access.denied\""),
    ] {
        let condition = condition(text);
        assert_eq!(condition.translate(Target::Insights).unwrap(), printed(filter));
        let log = log();
        for missing in insights::MISSING {
            let rows = insights::rows(&[filter.to_owned()], &log, now(), false, missing);
            some_and_not_all(&rows[0]);
            assert_eq!(rows, ours(std::slice::from_ref(&condition), &log), "{text}");
        }
    }
}

#[test]
fn opensearch_finds_what_the_printed_query_finds() {
    for line in [
        r#"{ "match": { "event_type": "restore.completed" } },"#,
        r#"{ "range": { "timestamp": { "gte": "now-7d" } } }"#,
    ] {
        printed(line);
    }
    let condition = condition("event_type = 'restore.completed' and timestamp >= now - 7d");
    let body = condition.translate(Target::OpenSearch).unwrap();
    // `match` looks for words; for one word that is the whole text it is `term` on the text itself, and `must`
    // without the score is `filter`.
    let query: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        query,
        json!({ "query": { "bool": { "filter": [
            { "term": { "event_type.keyword": "restore.completed" } },
            { "range": { "timestamp": { "gte": "now-7d" } } }
        ] } } })
    );
    let log = log();
    let rows = opensearch::rows(&[body], &log, now(), false);
    some_and_not_all(&rows[0]);
    assert_eq!(rows, ours(&[condition], &log));
}
