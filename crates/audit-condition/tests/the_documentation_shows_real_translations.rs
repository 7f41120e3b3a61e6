//! `docs/conditions.md` shows after each condition what the code makes of it, for each target.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod translation;

use audit_condition::{Condition, Target};
use translation::documentation::blocks;

/// The blocks that follow a condition.
fn expected(condition: &str) -> Vec<(String, String)> {
    let condition = Condition::parse(condition).unwrap();
    Target::ALL
        .into_iter()
        .map(|target| match condition.translate(target) {
            Ok(text) => (target.as_str().to_owned(), text),
            Err(error) => (format!("text {} can't", target.as_str()), error.to_string()),
        })
        .collect()
}

#[test]
fn each_condition_is_followed_by_its_translations() {
    let blocks = blocks();
    let mut conditions = 0;
    for (index, (_, condition)) in
        blocks.iter().enumerate().filter(|(_, (language, _))| language == "condition")
    {
        conditions += 1;
        let shown = blocks.get(index + 1..index + 1 + Target::ALL.len()).unwrap_or_default();
        let expected = expected(condition);
        let should: String =
            expected.iter().map(|(language, text)| format!("```{language}\n{text}\n```\n\n")).collect();
        assert_eq!(shown, expected, "after `{condition}` docs/conditions.md should have\n{should}");
    }
    assert!(conditions >= 7, "the five printed searches and some more, not {conditions}");
}

#[test]
fn the_searches_of_the_seed_are_there() {
    for search in [
        "event_type == 'backup.failed'",
        "event_type == 'access.denied' and actor.id == 'bob@company.com'",
        "event_type contains 'failed'",
        "event_type == 'access.denied'",
        "event_type == 'restore.completed' and timestamp >= now - 7d",
    ] {
        assert!(blocks().contains(&("condition".to_owned(), search.to_owned())), "{search}");
    }
}
