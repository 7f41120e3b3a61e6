//! Who may do what, as `audit-access` decides it, told to the audit layer.

use audit_access::{Permission, Permissions};
use audit_model::{AccessDeniedDetails, Timestamp, Value};
use audit_tower::Decision;

use crate::sessions::User;

/// Whether that user may: whether a permission of theirs covers `OPERATION:RESOURCE`.
pub(crate) fn decide(user: &User, operation: &str, resource: &str) -> Decision {
    let own = Permissions::parse(user.permissions).expect("what the users are given are permissions");
    let text = format!("{operation}:{resource}");
    // A topic's name comes from outside. What can be no permission, nobody has.
    let Ok(required) = text.parse::<Permission>() else {
        return Decision::denied(operation, resource, text)
            .user_permissions(own.iter().map(Permission::as_str))
            .reason("no_such_permission");
    };
    let decided = own.decide(user.actor(), operation, resource, &required, Timestamp::now());
    if decided.granted {
        return Decision::granted(operation, resource, required.as_str());
    }
    // The layer records the request as what was decided about it, with these details: there is no second event.
    let details: AccessDeniedDetails = serde_json::from_value(Value::Object(decided.event.details))
        .expect("a refusal has the details of a refusal");
    details.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use crate::sessions::Sessions;

    use super::decide;

    #[test]
    fn a_name_from_outside_gives_no_more_than_was_given() {
        let (_, alice) = Sessions::default().open("alice@company.com", "alice-example").unwrap();
        let (_, carol) = Sessions::default().open("carol@company.com", "carol-example").unwrap();
        for resource in ["topic:orders", "topic:*", "*"] {
            assert!(decide(alice, "backup", resource).is_granted(), "{resource}");
            assert!(!decide(alice, "restore", resource).is_granted(), "{resource}");
            assert!(decide(carol, "restore", resource).is_granted(), "{resource}");
        }
        for resource in ["topic:", "topic:*-orders", "topic:two words", "topic:\n"] {
            assert!(!decide(carol, "restore", resource).is_granted(), "{resource:?}");
        }
    }
}
