//! Random records in every form, and what a scan finds among them.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

#[path = "../../../audit-condition/tests/translation/conditions.rs"]
pub(crate) mod conditions;
#[path = "../../../audit-condition/tests/translation/events.rs"]
pub(crate) mod events;
#[path = "../../../audit-condition/tests/translation/random.rs"]
pub(crate) mod random;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use audit_condition::Path;
use audit_model::{Event, Timestamp, Value};
use audit_ocsf::{Mapping, Version};
use audit_search::{BadLine, Hit, Input, Query, Scanned, Visitor, scan_in_pieces};
use random::Random;
use serde_json::json;

pub(crate) fn now() -> Timestamp {
    "2024-12-11T10:15:30.000Z".parse().unwrap()
}

/// What a line turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    /// A match, and its fields.
    Hit(String, Vec<Option<String>>),
    Bad(String, Option<u64>),
}

/// Takes all that is found, with the number of its line if that is wanted.
pub(crate) struct All(pub(crate) Vec<Path>);

impl Visitor for All {
    type Part = Vec<Found>;

    fn hit(&self, part: &mut Vec<Found>, hit: &Hit<'_>) {
        let fields = self.0.iter().map(|path| hit.text(path).map(String::from)).collect();
        part.push(Found::Hit(String::from_utf8_lossy(hit.line()).into_owned(), fields));
    }

    fn bad_line(&self, part: &mut Vec<Found>, line: &BadLine<'_>) {
        part.push(Found::Bad(String::from_utf8_lossy(line.text()).into_owned(), line.place().line()));
    }

    fn size(&self, part: &Vec<Found>) -> usize {
        part.len() * 1000
    }
}

pub(crate) fn bytes(name: &str, text: impl AsRef<[u8]>) -> Input {
    Input::Bytes { name: name.to_owned(), bytes: Arc::from(text.as_ref()) }
}

pub(crate) fn find(
    inputs: Vec<Input>,
    query: &Query,
    pieces: usize,
    threads: usize,
) -> (Vec<Found>, Scanned) {
    let mut found = Vec::new();
    let visitor = All(query.fields.clone());
    let read = AtomicU64::new(0);
    let scanned = scan_in_pieces(pieces, inputs, query, now(), threads, &read, &visitor, |part| {
        found.extend(part);
        ControlFlow::Continue(())
    });
    (found, scanned)
}

/// How a line is written.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) blanks: bool,
    pub(crate) escapes: usize,
    pub(crate) shuffled: bool,
}

pub(crate) fn style(random: &mut Random) -> Style {
    Style {
        blanks: random.chance(30),
        escapes: if random.chance(25) { [1, 30, 100][random.below(3)] } else { 0 },
        shuffled: random.chance(30),
    }
}

/// JSON as somebody else may write it.
pub(crate) fn write(value: &Value, style: Style, random: &mut Random, out: &mut String) {
    let blank = |random: &mut Random, out: &mut String| {
        if style.blanks && random.chance(50) {
            out.push_str([" ", "\t", "  "][random.below(3)]);
        }
    };
    blank(random, out);
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            if style.shuffled {
                for at in (1..members.len()).rev() {
                    members.swap(at, random.below(at + 1));
                }
            }
            out.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                blank(random, out);
                write_text(name, style, random, out);
                blank(random, out);
                out.push(':');
                write(value, style, random, out);
            }
            blank(random, out);
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, style, random, out);
            }
            blank(random, out);
            out.push(']');
        }
        Value::String(text) => write_text(text, style, random, out),
        scalar => out.push_str(&scalar.to_string()),
    }
    blank(random, out);
}

fn write_text(text: &str, style: Style, random: &mut Random, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if random.chance(style.escapes) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&if random.chance(50) {
                    format!("\\u{unit:04x}")
                } else {
                    format!("\\u{unit:04X}")
                });
            }
            continue;
        }
        match c {
            '/' if style.escapes > 0 || random.chance(20) => out.push_str("\\/"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn seal(random: &mut Random) -> Value {
    let mut seal = json!({
        "chain_id": "c1", "previous_signature": "sha256:00", "sequence_number": random.below(1000), "signature": "sha256:11",
    });
    if random.chance(30) {
        seal["key_id"] = "k".into();
    }
    seal
}

/// A line with that event in it, in any form. Now and then it is odd.
pub(crate) fn line(event: &Event, random: &mut Random) -> String {
    let canonical = String::from_utf8(event.to_canonical_json().unwrap()).unwrap();
    let mut value: Value = serde_json::from_str(&canonical).unwrap();
    let style = style(random);
    if random.chance(15) {
        oddity(&mut value, random);
    }
    let mut out = String::new();
    let value = match random.below(10) {
        0..=2 => value,
        3..=7 => json!({ "event": value, "integrity": seal(random) }),
        8 => {
            let mapping = Mapping::new(Version::V1_3_0);
            let mut line = Vec::new();
            if mapping.write_line(canonical.as_bytes(), &mut line).is_err() {
                return canonical;
            }
            return String::from_utf8(line).unwrap();
        }
        _ => foreign(event, random),
    };
    let value = if random.chance(10) { lookalike(value, event, random) } else { value };
    write(&value, style, random, &mut out);
    if random.chance(3) {
        out.push('\r');
    }
    out
}

/// What an event may have, and mostly does not; some of it makes it no event.
fn oddity(value: &mut Value, random: &mut Random) {
    match random.below(14) {
        0 => value["details"]["actor"] = json!({ "id": "alice" }),
        1 => value["details"]["event_type"] = "backup.failed".into(),
        2 => value["event"] = json!({ "event_type": "backup.failed" }),
        3 => value["actor"] = Value::Null,
        4 => value["actor"] = "alice".into(),
        5 => value["action"]["duration_ms"] = json!(5.0),
        6 => value["action"]["duration_ms"] = json!(-5),
        7 => value["timestamp"] = "2024-12-31T01:00:00+01:00".into(),
        8 => _ = value.as_object_mut().unwrap().remove(["timestamp", "event_id", "version"][random.below(3)]),
        9 => value["class_uid"] = [json!(3002), json!("x")][random.below(2)].clone(),
        10 => value["integrity"] = json!({}),
        11 => {
            value["details"]["note"] =
                r#"{"event":{"event_type":"backup.failed","actor":{"id":"alice"}}}"#.into();
        }
        12 => value["actor"]["roles"] = json!(["admin", 5]),
        _ => value["tenant"] = json!({ "id": [1, { "x": null }] }),
    }
}

/// Something beside a record's own members, which may make it another record.
fn lookalike(mut value: Value, event: &Event, random: &mut Random) -> Value {
    let Some(map) = value.as_object_mut() else { return value };
    match random.below(5) {
        0 => {
            map.insert("event_type".into(), "restore.started".into());
            map.insert("timestamp".into(), event.timestamp.to_string().into());
        }
        1 => _ = map.insert("class_uid".into(), json!(6003)),
        2 => {
            map.insert("class_uid".into(), json!(6003));
            map.insert("time".into(), event.timestamp.as_milliseconds().into());
        }
        3 => _ = map.insert("more".into(), json!([{ "event": 1 }])),
        _ => _ = map.insert("integrity".into(), json!({ "sequence_number": 1 })),
    }
    value
}

/// An OCSF record of somebody else.
fn foreign(event: &Event, random: &mut Random) -> Value {
    let id = event.actor.as_ref().and_then(|actor| actor.id.clone()).unwrap_or_default();
    let class = [3002, 6003, 6002, 4001][random.below(4)];
    let mut record = json!({
        "class_uid": class,
        "activity_id": random.below(5),
        "time": event.timestamp.as_milliseconds(),
        "status_id": random.below(3),
        "user": { "name": id },
        "metadata": { "version": "1.0.0", "product": { "name": "x" } },
    });
    if random.chance(50) {
        record["metadata"]["uid"] = event.event_id.as_str().into();
    }
    if random.chance(10) {
        record.as_object_mut().unwrap().remove("time");
    }
    record
}
