//! Each question of `docs/queries.md` has one answer, in whatever language it is asked: the one that plain Rust finds.
//!
//! The command lines of jq are run by a shell, the statements of Athena by DuckDB, as sqlglot reads them, the searches
//! by an OpenSearch with the documented template, and the queries of Insights by an interpreter of its documentation.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

mod questions;
mod translation;

use audit_condition::Target;
use audit_model::Event;
use questions::{Answer, Question, at, groups, insights, log, page, questions, shell, shown};
use serde_json::{Value, json};
use translation::{duckdb, now, real_opensearch};

/// What is printed elsewhere.
const PRINTED: &str = include_str!("data/printed_searches.txt");

/// A question's heading, what it asks for, and how much of it at most.
type Asked = (&'static str, fn(&Event) -> bool, usize);

const ASKED: [Asked; 8] = [
    ("Which backups failed?", |event| is(event, "backup.failed"), usize::MAX),
    (
        "What was one user denied?",
        |event| {
            is(event, "access.denied")
                && event.actor.as_ref().is_some_and(|actor| actor.id.as_deref() == Some("bob@company.com"))
        },
        usize::MAX,
    ),
    ("How many events of each type?", |_| true, usize::MAX),
    (
        "What failed in the last 24 hours?",
        |event| event.event_type.as_str().ends_with(".failed") && hours_ago(event) <= 24.0,
        100,
    ),
    ("Who was denied what?", |event| is(event, "access.denied"), usize::MAX),
    (
        "Who restored in the last seven days?",
        |event| is(event, "restore.completed") && hours_ago(event) <= 7.0 * 24.0,
        usize::MAX,
    ),
    (
        "Which backups and restores were there in a month?",
        |event| ["backup", "restore"].contains(&event.event_type.category()) && is_in_november(event),
        usize::MAX,
    ),
    (
        "Who was denied what in a month?",
        |event| is(event, "access.denied") && is_in_november(event),
        usize::MAX,
    ),
];

fn is(event: &Event, event_type: &str) -> bool {
    event.event_type.as_str() == event_type
}

fn hours_ago(event: &Event) -> f64 {
    (now().as_milliseconds() - event.timestamp.as_milliseconds()) as f64 / 3_600_000.0
}

fn is_in_november(event: &Event) -> bool {
    event.timestamp.to_string().starts_with("2024-11-")
}

fn events() -> Vec<Event> {
    log::events(6, 3000)
}

struct Answered {
    question: Question,
    answer: Answer,
    /// The times of what is asked for, in the order of the log.
    times: Vec<String>,
}

fn answered(events: &[Event]) -> Vec<Answered> {
    let questions = questions();
    assert_eq!(questions.len(), ASKED.len());
    let answer = |(question, (heading, is_asked_for, most)): (Question, Asked)| {
        assert_eq!(question.heading, heading);
        let found: Vec<&Event> = events.iter().filter(|event| is_asked_for(event)).collect();
        let mut answer = question.answer_of(&found);
        assert!(answer.len() > 5 && answer.len() < events.len(), "{heading}: {} rows", answer.len());
        assert!(most == usize::MAX || most < answer.len(), "{heading}: the limit leaves nothing out");
        answer.truncate(most);
        Answered { question, answer, times: found.iter().map(|event| event.timestamp.to_string()).collect() }
    };
    questions.into_iter().zip(ASKED).map(answer).collect()
}

/// Of each question the filter is the translation of the search; without a condition there is none.
fn assert_filters(question: &Question, is_sealed: bool) {
    let translated = |target| {
        let condition = question.search.condition.as_ref()?;
        Some(
            if is_sealed { condition.translate_sealed(target) } else { condition.translate(target) }.unwrap(),
        )
    };
    let block = |language| in_form(question.block(language), is_sealed);
    let after = if is_sealed { "\n  | .event" } else { "\n  | " };
    for (language, target, word, before, after) in [
        ("jq", Target::Jq, "select(", "'", after),
        ("insights", Target::Insights, "filter ", "", "\n| "),
        ("athena", Target::Sql, "WHERE ", "FROM audit\nWHERE ", "\n"),
    ] {
        let block = block(language);
        match translated(target).map(|filter| format!("{before}{filter}{after}")) {
            Some(should) => {
                assert!(block.contains(&should), "{language}, {}: expected {should}", question.heading);
                assert_eq!(block.matches(word).count(), 1, "{language}, {}", question.heading);
            }
            None => assert!(!block.contains(word), "{block}"),
        }
    }
    let query = |body: &str| serde_json::from_str::<Value>(body).unwrap().get("query").cloned();
    assert_eq!(
        query(&block("opensearch")),
        translated(Target::OpenSearch).and_then(|body| query(&body)),
        "{}",
        question.heading
    );
}

/// As the page says that a block is changed for unsealed records.
fn in_form(block: &str, is_sealed: bool) -> String {
    if is_sealed { block.to_owned() } else { block.replace(".event | ", "").replace("event.", "") }
}

#[test]
fn the_search_selects_what_is_asked_for() {
    let events = events();
    for (question, (heading, is_asked_for, _)) in questions().iter().zip(ASKED) {
        for event in &events {
            let selected =
                question.search.condition.as_ref().is_none_or(|condition| condition.matches(event, now()));
            assert_eq!(selected, is_asked_for(event), "{heading}: {event:?}");
        }
    }
}

#[test]
fn every_filter_is_the_translation_of_its_search() {
    for question in questions() {
        assert_filters(&question, true);
        assert_filters(&question, false);
    }
}

#[test]
fn jq_and_search_end_in_the_same_pipe() {
    for question in questions().iter().filter(|question| !question.search.is_grouped) {
        let pipe = |language| question.block(language).rsplit_once("audit.log").unwrap().1;
        assert_eq!(pipe("search"), pipe("jq"), "{}", question.heading);
    }
}

#[test]
fn the_contents_name_every_question() {
    let page = page();
    let listed: Vec<&str> = page.lines().filter(|line| line.starts_with("- [")).collect();
    let expected: Vec<String> = questions()
        .iter()
        .map(|question| {
            let anchor = question.heading.to_lowercase().replace(' ', "-").replace('?', "");
            format!("- [{}](#{anchor})", question.heading)
        })
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn jq_and_the_shell_answer() {
    let events = events();
    let answered = answered(&events);
    for is_sealed in [true, false] {
        let commands: Vec<String> =
            answered.iter().map(|asked| in_form(asked.question.block("jq"), is_sealed)).collect();
        let Some(outputs) = shell::outputs(&commands, &log::text(&events, is_sealed)) else { return };
        for (Answered { question, answer, times }, output) in answered.iter().zip(outputs) {
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success() && said.is_empty(), "{}: {said}", question.heading);
            let printed = String::from_utf8(output.stdout).unwrap();
            let mut rows: Answer = printed
                .lines()
                .map(|line| {
                    if question.search.is_grouped {
                        let (count, value) = line.trim_start().split_once(' ').unwrap();
                        return vec![value.to_owned(), count.to_owned()];
                    }
                    serde_json::from_str::<Vec<Value>>(line).unwrap().iter().map(shown).collect()
                })
                .collect();
            if question.search.is_grouped {
                rows = groups(rows, true);
            } else if !question.block("jq").contains("sort -r") {
                assert!(
                    rows.iter().map(|row| &row[0]).eq(times),
                    "in the order of the log: {}",
                    question.heading
                );
                rows.sort_by(|a, b| b[0].cmp(&a[0]));
            }
            assert_eq!(rows, *answer, "{}", question.heading);
        }
    }
}

#[test]
fn athenas_statements_answer() {
    let events = events();
    let answered = answered(&events);
    for is_sealed in [true, false] {
        let statements: Vec<String> =
            answered.iter().map(|asked| in_form(asked.question.block("athena"), is_sealed)).collect();
        let Some(results) = duckdb::answers(&statements, &events, is_sealed) else { return };
        for (Answered { question, answer, .. }, result) in answered.iter().zip(results) {
            let rows: Answer = result.iter().map(|row| row.iter().map(shown).collect()).collect();
            let rows = if question.search.is_grouped { groups(rows, true) } else { rows };
            assert_eq!(rows, *answer, "{}", question.heading);
        }
    }
}

#[test]
fn insights_answers() {
    let events = events();
    for Answered { question, answer, .. } in answered(&events) {
        assert_eq!(insights::answer(question.block("insights"), &events), answer, "{}", question.heading);
    }
}

#[test]
fn opensearch_answers() {
    let events = events();
    let answered = answered(&events);
    let mut bodies: Vec<Value> = answered
        .iter()
        .map(|asked| serde_json::from_str(asked.question.block("opensearch")).unwrap())
        .collect();
    for body in &bodies {
        assert!(body["size"].as_u64().unwrap() <= 10_000, "index.max_result_window: {body}");
    }
    // What the page warns of.
    bodies.extend([
        json!({ "query": { "match": { "event.actor.id": "bob@company.com" } }, "size": 10_000 }),
        json!({ "aggs": { "types": { "terms": { "field": "event.event_type.keyword" } } } }),
    ]);
    let Some(responses) = real_opensearch::responses(&bodies, &events) else { return };
    for ((Answered { question, answer, .. }, body), response) in answered.iter().zip(&bodies).zip(&responses)
    {
        let rows = if question.search.is_grouped { buckets(response) } else { hits(body, response) };
        assert_eq!(rows, *answer, "{}", question.heading);
    }
    let [by_words, without_size] = &responses[answered.len()..] else { panic!("a response for each body") };
    assert!(by_words["hits"]["hits"].to_string().contains("alice@company.com"));
    assert_eq!(without_size["hits"]["hits"].as_array().unwrap().len(), 10);
    assert_eq!(without_size["aggregations"]["types"]["buckets"].as_array().unwrap().len(), 10);
}

/// The fields of the documents, in the order in which they are asked for.
fn hits(body: &Value, response: &Value) -> Answer {
    let fields: Vec<&str> =
        body["_source"].as_array().unwrap().iter().map(|field| field.as_str().unwrap()).collect();
    let hits = response["hits"]["hits"].as_array().unwrap();
    hits.iter().map(|hit| fields.iter().map(|field| shown(at(&hit["_source"], field))).collect()).collect()
}

fn buckets(response: &Value) -> Answer {
    assert!(response["hits"]["hits"].as_array().unwrap().is_empty());
    let aggregations = response["aggregations"].as_object().unwrap();
    assert_eq!(aggregations.len(), 1);
    let terms = aggregations.values().next().unwrap();
    assert_eq!(terms["sum_other_doc_count"], 0);
    let row = |bucket: &Value| vec![shown(&bucket["key"]), bucket["doc_count"].to_string()];
    groups(terms["buckets"].as_array().unwrap().iter().map(row).collect(), true)
}

#[test]
fn what_the_page_warns_of_is_so() {
    let failed = r#"cat audit.log | jq 'select(.event_type == "backup.failed")'"#;
    let types = "cat audit.log | jq '.event_type' | sort | uniq -c";
    let of_month = PRINTED.lines().find(|line| line.contains(r#"startswith(\"backup\")"#)).unwrap();
    assert!(PRINTED.contains(failed) && PRINTED.contains(types));
    let commands = [
        failed.to_owned(),
        types.to_owned(),
        format!("START_DATE=2024-11-01 END_DATE=2024-12-01\n{of_month}"),
    ];
    let events = events();
    let Some(outputs) = shell::outputs(&commands, &log::text(&events, true)) else { return };
    let printed = |index: usize| String::from_utf8(outputs[index].stdout.clone()).unwrap();
    assert_eq!(printed(0), "");
    assert_eq!(printed(1).trim(), format!("{} null", events.len()));
    assert_eq!(printed(2), "");
    let said = String::from_utf8(outputs[2].stderr.clone()).unwrap();
    assert!(said.contains("startswith() requires string inputs"), "{said}");
}
