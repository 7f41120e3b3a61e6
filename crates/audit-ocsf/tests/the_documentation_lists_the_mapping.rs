//! The tables of docs/ocsf.md, held against the code.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod events;

use std::collections::BTreeSet;

use audit_model::{Event, EventType, Timestamp, Value};
use audit_ocsf::{Class, Mapping, Recorded, Version};

fn document() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ocsf.md")).unwrap()
}

fn record(event: &Event, version: Version) -> Value {
    let recorded = Recorded {
        chain_id: Some("orders"),
        sequence_number: Some(7),
        last_sequence_number: Some(9),
        line: Some("{}"),
    };
    Mapping::new(version).to_value(event, recorded).unwrap()
}

/// `Create (1)`, or the words of the source with activity 99.
fn activity(event_type: &EventType, version: Version) -> String {
    let record = record(&events::minimal(event_type), version);
    let id = record["activity_id"].as_u64().unwrap();
    let class = Class::ALL.iter().find(|class| record["class_uid"] == class.uid()).unwrap();
    let caption = class.activities(version).find(|(known, _)| u64::from(*known) == id).unwrap().1;
    match record["activity_name"].as_str() {
        Some(name) => format!("{caption} ({id}), `{name}`"),
        None => format!("{caption} ({id})"),
    }
}

fn row(event_type: &EventType) -> String {
    let record = record(&events::minimal(event_type), Version::default());
    let class = format!("{}", record["class_uid"]);
    let activity = if event_type.category() == "access" {
        "by `details.operation`, or else `action.operation`".to_owned()
    } else {
        // Told once for all versions, or with where it changes.
        let mut told: Vec<(Version, String)> = Vec::new();
        for version in Version::ALL {
            let activity = activity(event_type, *version);
            if told.last().is_none_or(|(_, last)| *last != activity) {
                told.push((*version, activity));
            }
        }
        let (_, first) = &told[0];
        let rest = told[1..].iter().map(|(since, activity)| format!("; from {since} {activity}"));
        format!("{first}{}", rest.collect::<String>())
    };
    let captions = ["", "Informational", "Low", "Medium", "High", "Critical"];
    let severity = captions[usize::try_from(record["severity_id"].as_u64().unwrap()).unwrap()];
    let status = match record["status_id"].as_u64().unwrap() {
        1 => "Success",
        2 => "Failure",
        _ => "Unknown",
    };
    format!("| `{event_type}` | {class} | {activity} | {severity} | {status} |")
}

#[test]
fn every_type_of_the_catalogue() {
    let rows: Vec<String> = EventType::CATALOGUE.iter().map(|(event_type, _)| row(event_type)).collect();
    let table = rows.join("\n");
    assert!(document().contains(&table), "docs/ocsf.md lacks this table:\n{table}");
}

/// The request of the full event names a program of its own, which would have the actor's place.
fn full(event_type: &str) -> Event {
    let mut event = events::full(&event_type.parse().unwrap());
    event.details["http_request"].as_object_mut().unwrap().remove("user_agent");
    event
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, name| match name.strip_suffix("[]") {
        Some(array) => value.get(array)?.get(0),
        None => value.get(name),
    })
}

/// Event field, OCSF attributes, classes.
fn rows() -> Vec<(String, Vec<String>, Vec<u64>)> {
    let document = document();
    let table = document.split("| field of the event |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let names =
            |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<String>>();
        let classes = cells[2].split(", ").map(|class| class.parse().unwrap()).collect();
        (names(cells[0]).remove(0), names(cells[1]), classes)
    })
    .collect()
}

/// Whether the attribute says what the field does: the same value, its time in milliseconds, or a number that stands
/// for it.
fn says(field: &Value, attribute: &Value, path: &str) -> bool {
    let time = field.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let is_id = path.ends_with("_id")
        || path.ends_with("status")
        || path.ends_with("decision")
        || path == "auth_protocol";
    field == attribute
        || is_id
        || time.is_some_and(|time| attribute.as_i64() == Some(time.as_milliseconds()))
        || field.as_array().is_some_and(|items| items[0] == *attribute)
        || path == "http_request"
        || (path == "message"
            && attribute.as_str().is_some_and(|text| text.contains(field.as_str().unwrap())))
}

#[test]
fn every_field_goes_where_the_table_says_and_nowhere_else() {
    let of_class = [
        (3002, "auth.login"),
        (6002, "admin.feature_enabled"),
        (6003, "access.denied"),
        (6003, "backup.completed"),
    ];
    let mut told: BTreeSet<(u64, String)> = BTreeSet::new();
    let mut held: BTreeSet<(u64, String)> = BTreeSet::new();
    for (class, event_type) in of_class {
        let event = full(event_type);
        let native: Value = serde_json::from_slice(&event.to_canonical_json().unwrap()).unwrap();
        let record = record(&event, Version::V1_3_0);
        assert_eq!(record["class_uid"], class);
        for (field, attributes, _) in rows().iter().filter(|(_, _, classes)| classes.contains(&class)) {
            for attribute in attributes {
                told.insert((class, attribute.clone()));
                let Some(found) = at(&record, attribute) else { continue };
                let value = at(&native, field).unwrap_or_else(|| panic!("the full event has no {field}"));
                if says(value, found, attribute) {
                    held.insert((class, format!("{field} {attribute}")));
                }
            }
        }
    }
    for (field, attributes, classes) in rows() {
        for (attribute, class) in
            attributes.iter().flat_map(|it| classes.iter().map(move |class| (it, *class)))
        {
            let is_held = held.contains(&(class, format!("{field} {attribute}")));
            assert!(is_held, "{class}: {field} never becomes {attribute}");
        }
    }
    for (class, event_type) in of_class {
        let record = record(&full(event_type), Version::V1_3_0);
        for leaf in leaves(&record, "") {
            let is_told = told
                .iter()
                .any(|(of, path)| *of == class && (leaf == *path || leaf.starts_with(&format!("{path}."))));
            assert!(is_told || is_fixed(&leaf), "{class}: docs/ocsf.md does not tell of {leaf}");
        }
    }
}

/// What says nothing of the event: ids of the class, the product, the log; and what has no place, which is told in words.
fn is_fixed(leaf: &str) -> bool {
    const FIXED: [&str; 20] = [
        "activity_id",
        "activity_name",
        "category_uid",
        "class_uid",
        "type_uid",
        "severity_id",
        "raw_data",
        "metadata.log_name",
        "metadata.log_provider",
        "metadata.sequence",
        "metadata.version",
        "metadata.profiles[]",
        "metadata.product.",
        "app.",
        "service.name",
        "api.service.name",
        "actor.user.groups[].type",
        "user.groups[].type",
        "observables[].",
        "unmapped.",
    ];
    FIXED.iter().any(|fixed| leaf == *fixed || (fixed.ends_with('.') && leaf.starts_with(fixed)))
}

fn leaves(value: &Value, path: &str) -> Vec<String> {
    let joined = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(map) => map.iter().flat_map(|(name, value)| leaves(value, &joined(name))).collect(),
        Value::Array(items) => items.iter().flat_map(|item| leaves(item, &format!("{path}[]"))).collect(),
        _ => vec![path.to_owned()],
    }
}
