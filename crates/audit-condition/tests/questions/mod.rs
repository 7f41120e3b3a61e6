//! The questions of `docs/queries.md`, a log to ask, and what is to come out.

pub(crate) mod insights;
pub(crate) mod log;
pub(crate) mod search;
pub(crate) mod shell;

use std::collections::BTreeMap;

use audit_model::Event;
use serde_json::Value;

use self::search::Search;
use crate::translation::documentation::blocks_of;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/queries.md");

/// A question's blocks, in their order, and how they are coloured.
const BLOCKS: [(&str, &str); 5] =
    [("search", "sh"), ("jq", "sh"), ("insights", "text"), ("opensearch", "json"), ("athena", "sql")];

/// Rows of texts; `-` is what is missing. Records are in the order of time, the newest first; of groups there is the value and how
/// many there are, the largest first, and those that are as large by their value.
pub(crate) type Answer = Vec<Vec<String>>;

pub(crate) struct Question {
    pub(crate) heading: String,
    pub(crate) search: Search,
    blocks: BTreeMap<&'static str, String>,
}

pub(crate) fn page() -> String {
    std::fs::read_to_string(PAGE).unwrap()
}

pub(crate) fn questions() -> Vec<Question> {
    page().split("\n## ").skip(1).map(Question::read).collect()
}

impl Question {
    fn read(section: &str) -> Self {
        let heading = section.lines().next().unwrap().to_owned();
        let blocks = blocks_of(section);
        let coloured = blocks.iter().map(|(coloured, _)| coloured.as_str());
        assert!(coloured.eq(BLOCKS.map(|(_, coloured)| coloured)), "{heading}");
        let search = Search::read(&blocks[0].1);
        let texts = blocks.into_iter().map(|(_, text)| text);
        let blocks = BLOCKS.into_iter().map(|(language, _)| language).zip(texts).collect();
        Self { heading, search, blocks }
    }

    pub(crate) fn block(&self, language: &str) -> &str {
        &self.blocks[language]
    }

    /// What is to come out, if these events are what is asked for.
    pub(crate) fn answer_of(&self, events: &[&Event]) -> Answer {
        let columns = &self.search.columns;
        let mut rows: Answer = events
            .iter()
            .map(|event| {
                let json = to_json(event);
                columns.iter().map(|column| shown(at(&json, column))).collect()
            })
            .collect();
        if self.search.is_grouped {
            return counted(rows.into_iter().map(|mut row| row.remove(0)));
        }
        assert_eq!(columns[0], "timestamp");
        rows.sort_by(|a, b| b[0].cmp(&a[0]));
        rows
    }
}

pub(crate) fn to_json(event: &Event) -> Value {
    serde_json::from_slice(&event.to_canonical_json().unwrap()).unwrap()
}

/// The value of a path such as `event.actor.id`.
pub(crate) fn at<'v>(json: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(json, |json, key| json.get(key).unwrap_or(&Value::Null))
}

pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(crate) fn counted(values: impl Iterator<Item = String>) -> Answer {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    groups(counts.into_iter().map(|(value, count)| vec![value, count.to_string()]).collect(), false)
}

/// Groups in the order of an answer. Those that came sorted had to be so already, whatever the order of equals.
pub(crate) fn groups(mut rows: Answer, came_sorted: bool) -> Answer {
    let count = |row: &Vec<String>| row[1].parse::<u64>().unwrap();
    assert!(!came_sorted || rows.is_sorted_by(|a, b| count(a) >= count(b)), "the largest first: {rows:?}");
    rows.sort_by(|a, b| count(b).cmp(&count(a)).then_with(|| a[0].cmp(&b[0])));
    rows
}
