//! Good records, each broken in one way, with what is to be said of it, from `records.txt`.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use serde_json::Value;

use crate::records::{good, remove, set};

#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) name: &'static str,
    pub(crate) record: Value,
    /// The code of what we say, and where.
    pub(crate) code: &'static str,
    pub(crate) path: &'static str,
    pub(crate) refused_by: RefusedBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusedBy {
    Both,
    Neither,
    Us,
    Them,
}

pub(crate) fn all() -> Vec<Broken> {
    let mut refused_by = None;
    let mut all = Vec::new();
    for line in include_str!("records.txt").lines() {
        match line.strip_prefix("# ") {
            Some(section) => refused_by = Some(who(section)),
            None => all.extend(refused_by.filter(|_| !line.is_empty()).map(|by| broken(line, by))),
        }
    }
    all
}

fn who(section: &str) -> RefusedBy {
    match section.split_once(": ") {
        None if section == "both refuse" => RefusedBy::Both,
        None if section == "neither refuses" => RefusedBy::Neither,
        Some(("only we refuse", _)) => RefusedBy::Us,
        Some(("only they refuse", _)) => RefusedBy::Them,
        _ => panic!("who refuses, and why: {section}"),
    }
}

fn broken(line: &'static str, refused_by: RefusedBy) -> Broken {
    let fields: Vec<&str> = line.split(" | ").collect();
    let [name, class, version, code, path, changes] = fields[..] else { panic!("six fields: {line}") };
    let mut record = good(class.parse().unwrap(), version);
    for change in changes.split(" ; ") {
        match change.split_once(" = ") {
            None => remove(&mut record, change),
            Some((pointer, value)) => set(&mut record, pointer, parse(value)),
        }
    }
    Broken { name, record, code, path: if path == "-" { "" } else { path }, refused_by }
}

/// JSON, or `"x" * 5` for a text of five such letters.
fn parse(value: &str) -> Value {
    match value.rsplit_once(" * ") {
        Some((text, count)) => {
            serde_json::from_str::<String>(text).unwrap().repeat(count.parse().unwrap()).into()
        }
        None => serde_json::from_str(value).unwrap(),
    }
}
