//! `events:` and `exclude_events:` take these.
#![allow(clippy::unwrap_used)]

use audit_model::{EventPattern, EventType, nearest_event_type};
use proptest::prelude::*;

/// The textbook definition of a glob, as slow as it is plain.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => matches(rest, text) || (!text.is_empty() && matches(pattern, &text[1..])),
        (Some((p, pattern)), Some((t, text))) => p == t && matches(pattern, text),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn as_the_definition_says(pattern in "[ab*]{1,6}(\\.[ab*]{1,6})?", name in "[ab]{1,6}(\\.[ab]{1,6}){0,2}") {
        let pattern: EventPattern = pattern.parse().unwrap();
        let event_type: EventType = name.parse().unwrap();
        prop_assert_eq!(pattern.matches(&event_type), matches(pattern.as_str().as_bytes(), name.as_bytes()));
    }

    #[test]
    fn any_text_is_a_pattern_or_an_error_that_shows_it(text in any::<String>()) {
        match text.parse::<EventPattern>() {
            Ok(pattern) => prop_assert_eq!(pattern.as_str(), &text),
            Err(error) => prop_assert!(error.to_string().contains(&text)),
        }
        let _ = nearest_event_type(&text);
    }
}

#[test]
fn a_hostile_pattern_costs_little() {
    let pattern: EventPattern = format!("{}b", "a*".repeat(60)).parse().unwrap();
    assert!(!pattern.matches(&"a".repeat(128).parse().unwrap()));
}

#[test]
fn a_misspelt_type_gets_the_one_that_was_meant() {
    for (misspelt, meant) in [
        ("backup.complete", "backup.completed"),
        ("acces.denied", "access.denied"),
        ("auth.fail", "auth.failed"),
    ] {
        assert_eq!(nearest_event_type(misspelt), Some(meant));
    }
}
