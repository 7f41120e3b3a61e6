//! Whatever a text, a pattern or a name in a condition holds, in each target it stays one literal.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

mod translation;

use audit_condition::{Condition, Target};
use audit_model::{Actor, Event, EventType};
use proptest::prelude::*;
use translation::conditions::quoted;
use translation::{duckdb, insights, jq, now, opensearch};

/// Texts that would do harm if they broke out, and what they would need for it.
const NASTY: [&str; 40] = [
    "' or 1=1 --",
    "'; drop table log; --",
    "\\' or true or '",
    "''",
    "'",
    "\"",
    "\\\"",
    "\\",
    "\\\\",
    "\\\\\"",
    "\") or true or (\"",
    "\" or true or \"",
    "\\(env)",
    "\\(input)",
    "$(id)",
    "`id`",
    "\" | display @message | filter \"x",
    "/ or 1=1 or x like /",
    "a/ | limit 1",
    "# comment",
    "x\" # ",
    "*/ or /*",
    "/* x */",
    "-- x",
    "%",
    "_",
    "*",
    "?",
    "\\*",
    "\\%",
    "[",
    "]",
    "(",
    ")",
    ".*",
    "\"}}]}",
    "\n' or 1=1",
    "\r\n",
    "\u{2028}\" or true",
    "x' OR event_type IS NOT NULL OR 'a'='b",
];

/// Every operator with a literal.
fn conditions(text: &str) -> Vec<String> {
    let literal = quoted(text);
    let pattern = quoted(&text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    // Only so many characters are special in a regular expression; all of them are escaped.
    let regex: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_punctuation() && !"<>'\"`/ #&~-_:;,!%=@".contains(c) {
                format!("\\{c}")
            } else {
                c.to_string()
            }
        })
        .collect();
    let regex = quoted(&regex);
    let mut all = Vec::new();
    for path in ["actor.id", "details.error"] {
        all.push(format!("{path} = {literal}"));
        all.push(format!("{path} != {literal}"));
        all.push(format!("{path} in ({literal}, 'x')"));
        all.push(format!("{path} between {literal} and '\u{10ffff}'"));
        for operator in ["contains", "starts_with", "ends_with"] {
            all.push(format!("{path} {operator} {literal}"));
        }
        all.push(format!("{path} like {pattern}"));
        all.push(format!("{path} ilike {pattern}"));
        all.push(format!("{path} matches {regex}"));
    }
    let name = text.replace('`', "``");
    all.push(format!("details.`{name}` = 'x'"));
    all.push(format!("details.`{name}`.a is null"));
    all
}

/// Nobody's text: a literal that breaks out with an `or true` would select it.
fn bystander() -> Event {
    let mut event = Event::at(now(), EventType::BACKUP_COMPLETED).detail("error", "nothing of the kind");
    event.actor = Some(Actor::user("bystander"));
    event
}

/// One who has the text.
fn bearer(text: &str) -> Event {
    let mut event = Event::at(now(), EventType::BACKUP_COMPLETED).detail("error", text).detail(text, "x");
    event.actor = Some(Actor::user(text));
    event
}

struct Translated {
    conditions: Vec<Condition>,
    texts: Vec<String>,
}

fn translated(texts: &[&str], target: Target) -> Translated {
    let mut found = Translated { conditions: Vec::new(), texts: Vec::new() };
    for text in texts {
        for condition in conditions(text) {
            let condition = Condition::parse(&condition).unwrap_or_else(|error| panic!("{error}"));
            if let Ok(text) = condition.translate(target) {
                found.conditions.push(condition);
                found.texts.push(text);
            }
        }
    }
    found
}

fn log() -> Vec<Event> {
    NASTY.iter().map(|text| bearer(text)).chain([bystander()]).collect()
}

fn assert_same(target: Target, translated: &Translated, events: &[Event], theirs: &[String]) {
    let ours = translation::ours(&translated.conditions, events);
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!(ours, theirs, "{target}: {}\n{}", translated.conditions[index], translated.texts[index]);
    }
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.len() > NASTY.len() * 8, "{target}: only {} can be said", ours.len());
}

#[test]
fn jq_reads_one_string() {
    let translated = translated(&NASTY, Target::Jq);
    if let Some(rows) = jq::rows(&translated.texts, &log(), now()) {
        assert_same(Target::Jq, &translated, &log(), &rows);
    }
}

#[test]
fn sql_reads_one_string() {
    let translated = translated(&NASTY, Target::Sql);
    if let Some(rows) = duckdb::rows(&translated.texts, &log(), false) {
        assert_same(Target::Sql, &translated, &log(), &rows);
    }
}

#[test]
fn opensearch_reads_one_string() {
    let translated = translated(&NASTY, Target::OpenSearch);
    let rows = opensearch::rows(&translated.texts, &log(), now(), false);
    assert_same(Target::OpenSearch, &translated, &log(), &rows);
}

#[test]
fn insights_reads_one_string() {
    let translated = translated(&NASTY, Target::Insights);
    for missing in insights::MISSING {
        let rows = insights::rows(&translated.texts, &log(), now(), false, missing);
        assert_same(Target::Insights, &translated, &log(), &rows);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_stays_one_literal(text in r#"([a-z]|['"`\\/#|\n(){}\[\]*?.%_$^+-]|\PC){0,12}"#) {
        let events = [bearer(&text), bystander()];
        for condition in conditions(&text) {
            let Ok(condition) = Condition::parse(&condition) else { continue };
            let ours = translation::ours(std::slice::from_ref(&condition), &events);
            if let Ok(body) = condition.translate(Target::OpenSearch) {
                prop_assert_eq!(&ours, &opensearch::rows(&[body], &events, now(), false));
            }
            if let Ok(filter) = condition.translate(Target::Insights) {
                prop_assert_eq!(&ours, &insights::rows(std::slice::from_ref(&filter), &events, now(), false, insights::Missing::Null), "{}", filter);
            }
            if let Ok(sql) = condition.translate(Target::Sql) {
                prop_assert!(is_balanced(&sql), "{}", sql);
            }
            let jq = condition.translate(Target::Jq).unwrap();
            prop_assert!(is_balanced_json_strings(&jq), "{}", jq);
        }
    }
}

/// Outside of quotes there is nothing but what the translator itself writes.
fn is_balanced(sql: &str) -> bool {
    let mut outside = String::new();
    let mut inside = false;
    for c in sql.chars() {
        if c == '\'' {
            inside = !inside;
        } else if !inside {
            outside.push(c);
        }
    }
    !inside
        && outside.chars().all(|c| c.is_ascii_alphanumeric() || " ._,()[]->=<".contains(c))
        && !outside.contains("--")
        && !outside.contains(" true")
}

fn is_balanced_json_strings(jq: &str) -> bool {
    let mut outside = String::new();
    let mut rest = jq;
    while let Some(start) = rest.find('"') {
        outside.push_str(&rest[..start]);
        let mut strings = serde_json::Deserializer::from_str(&rest[start..]).into_iter::<String>();
        let Some(Ok(_)) = strings.next() else { return false };
        let length = strings.byte_offset();
        if rest[start..start + length].replace("\\\\", "").contains("\\(") {
            return false;
        }
        rest = &rest[start + length..];
    }
    outside.push_str(rest);
    outside.chars().all(|c| c.is_ascii_alphanumeric() || " ._,()[]|?:;=!<>+*/$".contains(c))
}
