//! The commands of CloudWatch Logs Insights around `filter`, from their documentation.

use audit_model::{Event, Timestamp};
use serde_json::{Value, json};

use super::{Answer, at, counted, groups, shown, to_json};
use crate::translation::{insights, now};

/// The largest number that `limit` takes.
const MOST: usize = 10_000;

struct Record {
    time: Timestamp,
    json: Value,
}

pub(crate) fn answer(query: &str, events: &[Event]) -> Answer {
    let mut commands = query.split("\n| ").peekable();
    let fields: Option<Vec<&str>> = commands
        .next_if(|command| command.starts_with("fields "))
        .map(|command| command[7..].split(", ").collect());
    let filter = commands.next_if(|command| command.starts_with("filter "));
    let mut records = selected(filter, events);
    let rows = match commands.next_if(|command| command.starts_with("stats ")) {
        Some(stats) => {
            assert_eq!(fields, None, "what stats leaves over are its own columns: {query}");
            let (name, by) = stats.strip_prefix("stats count(*) as ").unwrap().split_once(" by ").unwrap();
            assert_eq!(commands.next(), Some(format!("sort {name} desc").as_str()));
            groups(counted(records.iter().map(|record| record.value(by))), false)
        }
        None => {
            assert_eq!(commands.next(), Some("sort @timestamp desc"));
            records.sort_by_key(|record| std::cmp::Reverse(record.time));
            let row =
                |record: &Record| fields.as_ref().unwrap().iter().map(|field| record.value(field)).collect();
            records.iter().map(row).collect()
        }
    };
    let limit: usize = commands.next().unwrap().strip_prefix("limit ").unwrap().parse().unwrap();
    assert!(limit <= MOST);
    assert_eq!(commands.next(), None, "{query}");
    rows.into_iter().take(limit).collect()
}

fn selected(filter: Option<&str>, events: &[Event]) -> Vec<Record> {
    let bits = match filter {
        None => "1".repeat(events.len()),
        Some(filter) => {
            let filter = [filter.to_owned()];
            // Nobody documents what a test of a missing field is: the answer must not depend on it.
            let [first, others @ ..] = insights::MISSING
                .map(|missing| insights::rows(&filter, events, now(), true, missing).remove(0));
            assert!(others.iter().all(|other| *other == first), "{filter:?}");
            first
        }
    };
    let found = events.iter().zip(bits.bytes()).filter(|(_, bit)| *bit == b'1');
    found
        .map(|(event, _)| Record { time: event.timestamp, json: json!({ "event": to_json(event) }) })
        .collect()
}

impl Record {
    fn value(&self, field: &str) -> String {
        if field == "@timestamp" { self.time.to_string() } else { shown(at(&self.json, field)) }
    }
}
