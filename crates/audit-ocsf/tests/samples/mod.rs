//! The six records of Redpanda's documentation.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use serde_json::Value;

/// In the order of the text, without its comments.
pub(crate) fn all() -> Vec<Value> {
    let text = include_str!("../data/redpanda.txt");
    // `//` is in URLs, too; a comment has a line of its own.
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut records = Vec::new();
    let mut record = String::new();
    for line in lines {
        if line == "{" || !record.is_empty() {
            record.push_str(line);
            record.push('\n');
        }
        if line == "}" {
            records.push(serde_json::from_str(&record).unwrap());
            record.clear();
        }
    }
    assert_eq!(records.len(), 6);
    records
}
