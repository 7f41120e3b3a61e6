use serde::Serialize;

use crate::Report;

/// The first member of a report as JSON. Another number stands for keys that have another meaning; keys may be added without.
pub const FORMAT: &str = "audit-log/report-data/v1";

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    #[serde(flatten)]
    report: &'a Report,
}

impl Report {
    /// The report as JSON, indented, with a newline at its end. Its keys are the fields of [`Report`], after `format`, which is
    /// [`FORMAT`].
    #[must_use]
    pub fn to_json(&self) -> String {
        let document = Document { format: FORMAT, report: self };
        let text = serde_json::to_string_pretty(&document).expect("texts, numbers, lists, and maps by texts");
        text + "\n"
    }
}
