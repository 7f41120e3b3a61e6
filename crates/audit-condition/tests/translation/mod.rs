//! Random events and conditions, and what other programs select of them.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say what it skips")]

pub(crate) mod conditions;
pub(crate) mod documentation;
pub(crate) mod duckdb;
pub(crate) mod events;
pub(crate) mod insights;
pub(crate) mod jq;
pub(crate) mod opensearch;
pub(crate) mod random;
pub(crate) mod real_opensearch;

use std::env;

use audit_condition::Condition;
use audit_model::{Event, Timestamp};

/// A whole second, because Insights has no finer `now`; events are around it.
pub(crate) const NOW: &str = "2024-12-11T10:15:30.000Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// What the evaluator selects: for each condition a string of 0 and 1, one for each event.
pub(crate) fn ours(conditions: &[Condition], events: &[Event]) -> Vec<String> {
    let bit = |selected| if selected { '1' } else { '0' };
    conditions
        .iter()
        .map(|condition| events.iter().map(|event| bit(condition.matches(event, now()))).collect())
        .collect()
}

/// The size that a variable of the environment sets, for longer runs.
pub(crate) fn size(variable: &str, default: usize) -> usize {
    env::var(variable).ok().map_or(default, |text| text.parse().unwrap())
}

pub(crate) fn is_ci() -> bool {
    env::var("CI").as_deref() == Ok("true")
}

/// Tells the first differences, with the event.
pub(crate) fn assert_same(
    target: &str,
    conditions: &[Condition],
    texts: &[String],
    events: &[Event],
    theirs: &[String],
) {
    let ours = ours(conditions, events);
    assert_eq!(theirs.len(), ours.len());
    let mut wrong = Vec::new();
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!(theirs.len(), events.len(), "{target}: {}", conditions[index]);
        if let Some(at) = (0..events.len()).find(|at| ours.as_bytes()[*at] != theirs.as_bytes()[*at]) {
            let json = String::from_utf8(events[at].to_canonical_json().unwrap()).unwrap();
            wrong.push(format!(
                "{}\n  {}\n  selected by us {}, by {target} {}: {json}",
                conditions[index],
                texts[index],
                &ours[at..=at],
                &theirs[at..=at],
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{target}: {} conditions differ\n{}",
        wrong.len(),
        wrong[..wrong.len().min(6)].join("\n")
    );
    let any = ours.iter().filter(|bits| bits.contains('1')).count();
    let some = ours.iter().filter(|bits| bits.contains('1') && bits.contains('0')).count();
    println!(
        "{target}: {} conditions over {} events select the same; {any} select some, {some} not all",
        ours.len(),
        events.len()
    );
    assert!(some * 3 > ours.len(), "most conditions select all or nothing: {some} of {}", ours.len());
}
