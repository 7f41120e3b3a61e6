//! Permissions against their documentation, and the events against the specification's example.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use audit_access::{Permission, Permissions};
use audit_model::{Actor, Timestamp, Value};
use proptest::prelude::*;
use serde_json::json;

/// Few names, so that permissions meet.
fn permission(last: &'static str) -> impl Strategy<Value = Permission> {
    let name = || prop::sample::select(vec!["a", "b", "ab", "a*", "ab*", "*"]);
    (prop::collection::vec(name(), 0..3), last).prop_map(|(mut names, last)| {
        names.push(&last);
        names.join(":").parse().unwrap()
    })
}

fn any() -> impl Strategy<Value = Permission> {
    permission("(a|b|ab|a\\*|\\*)")
}

fn concrete() -> impl Strategy<Value = Permission> {
    prop::collection::vec("[ab]{1,3}", 1..5).prop_map(|names| names.join(":").parse().unwrap())
}

/// As the documentation has it, another way: a regular language, by hand.
fn stands_for(pattern: &str, text: &str) -> bool {
    let (patterns, names): (Vec<_>, Vec<_>) = (pattern.split(':').collect(), text.split(':').collect());
    let open = patterns.last() == Some(&"*");
    let length_fits = if open { names.len() >= patterns.len() } else { names.len() == patterns.len() };
    length_fits
        && patterns.iter().zip(&names).all(|(pattern, name)| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => pattern == name,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_the_table_says_is_what_is_allowed(own in any(), asked in concrete()) {
        prop_assert_eq!(own.covers(&asked), stands_for(own.as_str(), asked.as_str()));
    }

    #[test]
    fn covering_is_about_what_is_stood_for(one in any(), other in any(), asked in concrete()) {
        if one.covers(&other) && other.covers(&asked) {
            prop_assert!(one.covers(&asked));
        }
        prop_assert!(one.covers(&one));
        prop_assert!("*".parse::<Permission>().unwrap().covers(&one));
    }

    #[test]
    fn more_permissions_allow_more(own in prop::collection::vec(any(), 0..5), more in any(), asked in any()) {
        let few: Permissions = own.iter().cloned().collect();
        let mut many = few.clone();
        many.extend([more.clone()]);
        prop_assert!(!few.allows(&asked) || many.allows(&asked));
        prop_assert_eq!(many.allows(&asked), few.allows(&asked) || more.covers(&asked));
        prop_assert!(!Permissions::default().allows(&asked));
    }

    #[test]
    fn a_glob_within_a_name_never_crosses_a_colon(prefix in "[ab]{1,3}", asked in concrete()) {
        let own: Permission = format!("a:{prefix}*").parse().unwrap();
        if own.covers(&asked) {
            prop_assert_eq!(asked.names().count(), 2);
        }
    }

    #[test]
    fn any_text_is_a_permission_or_an_error(text in "\\PC{0,40}") {
        if let Ok(permission) = text.parse::<Permission>() {
            prop_assert_eq!(permission.as_str(), text.as_str());
        }
    }
}

#[test]
fn the_events_are_those_of_the_specification() {
    let now = Timestamp::from_milliseconds(1_790_000_000_000).unwrap();
    let bob = Permissions::parse(["list:*", "backup:*"]).unwrap();
    let decide = |operation: &str, resource: &str, required: &str| {
        bob.decide(Actor::user("bob@company.com"), operation, resource, &required.parse().unwrap(), now)
    };
    let denied = decide("restore", "topic:production-orders", "restore:topic:production-orders");
    assert!(!denied.granted);
    let event: Value = serde_json::from_slice(&denied.event.to_canonical_json().unwrap()).unwrap();
    let example = json!({
        "event_type": "access.denied",
        "details": {
            "operation": "restore",
            "resource": "topic:production-orders",
            "required_permission": "restore:topic:production-orders",
            "user_permissions": ["backup:*", "list:*"],
            "reason": "insufficient_permissions"
        }
    });
    assert_eq!(event["event_type"], example["event_type"]);
    assert_eq!(event["details"], example["details"]);
    assert_eq!(event["action"], json!({"operation": "restore", "result": "denied"}));
    assert_eq!(event["resource"], json!({"type": "topic", "id": "production-orders"}));
    assert_eq!(event["actor"]["id"], "bob@company.com");

    let granted = decide("backup", "everything", "backup:topic:orders");
    assert!(granted.granted);
    let event: Value = serde_json::from_slice(&granted.event.to_canonical_json().unwrap()).unwrap();
    assert_eq!(event["event_type"], "access.granted");
    assert_eq!(event["action"]["result"], "success");
    assert_eq!(event["details"]["required_permission"], "backup:topic:orders");
    assert_eq!(event["details"].get("reason"), None);
}
