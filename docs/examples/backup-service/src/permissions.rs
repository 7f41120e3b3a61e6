//! Who may do what: permissions such as `restore:topic:orders`, held as patterns such as `restore:*`.

use audit_model::glob_matches;
use audit_tower::Decision;

/// Whether one of the permissions somebody has is the one that is needed.
pub(crate) fn decide(held: &[&str], operation: &str, resource: &str) -> Decision {
    let required = format!("{operation}:{resource}");
    if held.iter().any(|pattern| glob_matches(pattern, &required)) {
        return Decision::granted(operation, resource, required);
    }
    Decision::denied(operation, resource, required)
        .user_permissions(held.iter().copied())
        .reason("insufficient_permissions")
}
