#[cfg(any(feature = "slack", feature = "email"))]
use audit_template::Template;

use crate::{Notice, Status};

/// What has to stand before a text so that nobody takes a test for an alert, or the end of one for its beginning. A template
/// that reads `test` or `status` says it in its own way.
#[cfg(any(feature = "slack", feature = "email"))]
pub(crate) fn marks(notice: &Notice, template: &Template) -> String {
    let mut marks = String::new();
    if notice.is_test() && !template.reads("test") {
        marks.push_str("[TEST] ");
    }
    if notice.status() == Status::Resolved && !template.reads("status") {
        marks.push_str("[RESOLVED] ");
    }
    marks
}

/// The same before a line that says nothing of both.
#[cfg(feature = "pagerduty")]
pub(crate) fn marks_of_a_line(notice: &Notice) -> String {
    let test = if notice.is_test() { "[TEST] " } else { "" };
    let resolved = if notice.status() == Status::Resolved { "[RESOLVED] " } else { "" };
    format!("{test}{resolved}")
}
