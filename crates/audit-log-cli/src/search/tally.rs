//! How many records there are, all together or by their fields.

use std::collections::HashMap;

use audit_condition::Path;
use audit_search::{BadLine, Hit, Visitor};
use serde_json::Value;

use super::Format;
use super::cell::{Cell, Fields, is_plain};
use super::complaints::{Complaints, Refused};
use super::csv;
use super::table::{Known, Layout};
use crate::output::{Printer, harmless};

/// Counts all.
#[derive(Debug)]
pub(super) struct Count<'a> {
    pub(super) complaints: &'a Complaints,
}

/// How many there are in a part.
#[derive(Debug, Default)]
pub(super) struct CountPart {
    pub(super) count: u64,
    pub(super) refused: Refused,
}

impl Visitor for Count<'_> {
    type Part = CountPart;

    fn hit(&self, part: &mut CountPart, _: &Hit<'_>) {
        part.count += 1;
    }

    fn bad_line(&self, part: &mut CountPart, line: &BadLine<'_>) {
        self.complaints.note(&mut part.refused, line);
    }

    fn size(&self, part: &CountPart) -> usize {
        part.refused.size()
    }
}

/// Counts those with the same values in some fields.
#[derive(Debug)]
pub(super) struct Groups<'a> {
    pub(super) by: &'a [Path],
    pub(super) complaints: &'a Complaints,
}

/// The groups of a part.
#[derive(Debug, Default)]
pub(super) struct GroupsPart {
    /// By their values, one behind the other.
    counts: HashMap<Box<[u8]>, u64>,
    key: Vec<u8>,
    size: usize,
    pub(super) refused: Refused,
}

/// How the kind of a value is written in a key.
const TEXT: u8 = 0;
const JSON: u8 = 1;
const MISSING: u8 = 2;

impl Visitor for Groups<'_> {
    type Part = GroupsPart;

    fn hit(&self, part: &mut GroupsPart, hit: &Hit<'_>) {
        part.key.clear();
        let fields = Fields::of(hit);
        for path in self.by {
            let text = hit.text(path);
            match text.as_deref() {
                Some(text) if is_plain(text) => push(&mut part.key, TEXT, text),
                None => push(&mut part.key, MISSING, ""),
                Some(_) => match fields.get(path) {
                    Cell::Text(text) => push(&mut part.key, TEXT, &text),
                    Cell::Json(json) => push(&mut part.key, JSON, &json),
                    Cell::Missing => push(&mut part.key, MISSING, ""),
                },
            }
        }
        match part.counts.get_mut(part.key.as_slice()) {
            Some(count) => *count += 1,
            None => {
                part.size += part.key.len() + 48;
                part.counts.insert(part.key.as_slice().into(), 1);
            }
        }
    }

    fn bad_line(&self, part: &mut GroupsPart, line: &BadLine<'_>) {
        self.complaints.note(&mut part.refused, line);
    }

    fn size(&self, part: &GroupsPart) -> usize {
        part.size + part.refused.size()
    }
}

fn push(key: &mut Vec<u8>, kind: u8, text: &str) {
    key.push(kind);
    key.extend_from_slice(&(text.len() as u64).to_le_bytes());
    key.extend_from_slice(text.as_bytes());
}

/// The values that a key was made of.
fn cells(mut key: &[u8]) -> Vec<Cell> {
    let mut cells = Vec::new();
    while let Some(((kind, rest), (length, _))) =
        key.split_first().zip(key.get(1..).and_then(<[u8]>::split_first_chunk))
    {
        let length = usize::try_from(u64::from_le_bytes(*length)).expect("a length that was in memory");
        let (text, rest) = rest[8..].split_at(length);
        let text = String::from_utf8_lossy(text).into_owned();
        cells.push(match *kind {
            TEXT => Cell::Text(text),
            JSON => Cell::Json(text),
            _ => Cell::Missing,
        });
        key = rest;
    }
    cells
}

/// The groups of all parts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: HashMap<Box<[u8]>, u64>,
}

impl Tally {
    pub(super) fn add(&mut self, part: GroupsPart) {
        if self.counts.is_empty() {
            self.counts = part.counts;
            return;
        }
        for (key, count) in part.counts {
            *self.counts.entry(key).or_default() += count;
        }
    }

    /// The groups, the largest first; those that are as large in the order of their values.
    fn ranked(self) -> Vec<(Vec<Cell>, u64)> {
        let mut ranked: Vec<_> = self.counts.into_iter().map(|(key, count)| (cells(&key), count)).collect();
        ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        ranked
    }

    /// Prints them. Returns how many there are.
    pub(super) fn print(
        self,
        by: &[Path],
        format: Format,
        limit: Option<u64>,
        terminal: Option<usize>,
    ) -> anyhow::Result<u64> {
        let mut groups = self.ranked();
        groups.truncate(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)));
        let mut printer = Printer::stdout();
        let names = by.iter().map(ToString::to_string).chain(["count".to_owned()]).collect::<Vec<_>>();
        let as_json = |(cells, count): &(Vec<Cell>, u64)| {
            let values = cells.iter().map(Cell::to_json).chain([count.to_string()]);
            let members = names
                .iter()
                .zip(values)
                .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        };
        match format {
            Format::Table if groups.is_empty() => {}
            Format::Table => {
                let shown = |(cells, count): &(Vec<Cell>, u64)| {
                    cells.iter().map(Cell::to_shown).chain([count.to_string()]).collect::<Vec<_>>()
                };
                let rows: Vec<Vec<String>> = groups.iter().map(shown).collect();
                let names: Vec<String> = names.iter().map(|name| harmless(name)).collect();
                let layout = Layout::new(&names, &rows, Known::All, terminal).with_numbers_last();
                printer.print(&layout.header())?;
                rows.iter().try_for_each(|row| printer.print(&layout.row(row)))?;
            }
            Format::Csv => {
                let mut text = Vec::new();
                csv::write_row(&mut text, &names.iter().cloned().map(Cell::Text).collect::<Vec<_>>());
                for (cells, count) in &groups {
                    csv::write_row(&mut text, cells.iter().chain([&Cell::Json(count.to_string())]));
                }
                printer.write(&text)?;
            }
            Format::Ndjson => {
                groups.iter().try_for_each(|group| printer.print(&format!("{}\n", as_json(group))))?;
            }
            Format::Json => {
                let rows =
                    groups.iter().map(|group| format!("\n{}", as_json(group))).collect::<Vec<_>>().join(",");
                printer.print(&format!("[{rows}{}]\n", if groups.is_empty() { "" } else { "\n" }))?;
            }
        }
        printer.finish()?;
        Ok(groups.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_holds_what_it_was_made_of() {
        let mut key = Vec::new();
        push(&mut key, TEXT, "");
        push(&mut key, MISSING, "");
        push(&mut key, JSON, "[1]");
        push(&mut key, TEXT, "a\0b");
        let text = |text: &str| Cell::Text(text.to_owned());
        assert_eq!(cells(&key), [text(""), Cell::Missing, Cell::Json("[1]".to_owned()), text("a\0b")]);
    }
}
