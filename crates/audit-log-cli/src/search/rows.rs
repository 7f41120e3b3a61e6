//! A row for each record.

use std::ops::ControlFlow;

use audit_condition::Path;
use audit_search::{BadLine, Hit, Visitor};
use serde_json::Value;

use super::Format;
use super::cell::{Cell, Fields};
use super::complaints::{Complaints, Refused};
use super::csv;
use super::table::{Known, Layout};
use crate::output::{Printer, harmless, is_harmful};

/// What is shown of each record.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) format: Format,
    /// None: the records themselves.
    pub(super) columns: Option<Vec<Path>>,
    /// How many records are shown at most.
    pub(super) limit: Option<u64>,
    /// The width of the terminal, if it goes to one.
    pub(super) terminal: Option<usize>,
}

/// Makes rows.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    pub(super) shape: &'a Shape,
    pub(super) complaints: &'a Complaints,
}

/// The rows of a part.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Of a table, since its columns are not settled yet.
    cells: Vec<Vec<String>>,
    text: Vec<u8>,
    /// Where each row in `text` ends.
    ends: Vec<usize>,
    refused: Refused,
}

impl Visitor for Rows<'_> {
    type Part = Part;

    fn hit(&self, part: &mut Part, hit: &Hit<'_>) {
        let shape = self.shape;
        let limit = shape.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        if part.ends.len() >= limit || part.cells.len() >= limit {
            return;
        }
        // What is printed as an event is one, in parts that nothing looked at as well.
        if let Some(bad) = hit.bad_line() {
            return self.bad_line(part, &bad);
        }
        let fields = Fields::of(hit);
        let mut cells = shape.columns.iter().flatten().map(|path| fields.get(path));
        match shape.format {
            Format::Table => part.cells.push(cells.map(|cell| cell.to_shown()).collect()),
            Format::Csv if shape.terminal.is_some() => {
                let cells: Vec<Cell> = cells.map(Cell::without_harm).collect();
                csv::write_row(&mut part.text, &cells);
                part.ends.push(part.text.len());
            }
            Format::Csv => {
                let cells: Vec<Cell> = cells.collect();
                csv::write_row(&mut part.text, &cells);
                part.ends.push(part.text.len());
            }
            Format::Json | Format::Ndjson => {
                if shape.format == Format::Json {
                    part.text.extend_from_slice(b",\n");
                }
                let begin = part.text.len();
                match &shape.columns {
                    None => write_on_one_line(&mut part.text, hit.line()),
                    Some(paths) => {
                        let names = paths.iter().map(|path| Value::from(path.to_string()));
                        let members = names.map(|name| {
                            format!("{name}:{}", cells.next().unwrap_or(Cell::Missing).to_json())
                        });
                        let members = members.collect::<Vec<_>>().join(",");
                        part.text.extend_from_slice(format!("{{{members}}}").as_bytes());
                    }
                }
                if shape.terminal.is_some() {
                    escape_harm(&mut part.text, begin);
                }
                if shape.format == Format::Ndjson {
                    part.text.push(b'\n');
                }
                part.ends.push(part.text.len());
            }
        }
    }

    fn bad_line(&self, part: &mut Part, line: &BadLine<'_>) {
        self.complaints.note(&mut part.refused, line);
    }

    fn size(&self, part: &Part) -> usize {
        let cells = part.cells.iter().flatten().map(|cell| cell.len() + size_of::<String>()).sum::<usize>();
        cells + part.text.len() + part.ends.len() * size_of::<usize>() + part.refused.size()
    }
}

/// Prints rows.
pub(super) struct Output<'a> {
    shape: &'a Shape,
    complaints: &'a Complaints,
    printer: Printer,
    layout: Option<Layout>,
    printed: u64,
    failure: Option<anyhow::Error>,
}

impl<'a> Output<'a> {
    pub(super) fn begin(shape: &'a Shape, complaints: &'a Complaints) -> anyhow::Result<Self> {
        let mut printer = Printer::stdout();
        if let (Format::Csv, Some(columns)) = (shape.format, &shape.columns) {
            let mut header = Vec::new();
            let names: Vec<Cell> = columns.iter().map(|path| Cell::Text(path.to_string())).collect();
            csv::write_row(&mut header, &names);
            printer.write(&header)?;
        }
        Ok(Self { shape, complaints, printer, layout: None, printed: 0, failure: None })
    }

    /// Prints a part, and has it written. Says whether there may be more.
    pub(super) fn take(&mut self, part: Part) -> ControlFlow<()> {
        self.complaints.take(&part.refused);
        if let Err(error) = self.print(part) {
            self.failure = Some(error);
            return ControlFlow::Break(());
        }
        if self.printer.is_over() || self.left() == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// How many rows there may still be.
    fn left(&self) -> usize {
        let left = self.shape.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.printed));
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    /// Whether nothing more can be printed.
    pub(super) fn is_over(&self) -> bool {
        self.failure.is_some() || self.printer.is_over() || self.left() == 0
    }

    fn print(&mut self, mut part: Part) -> anyhow::Result<()> {
        part.cells.truncate(self.left());
        part.ends.truncate(self.left());
        if !part.cells.is_empty() {
            self.print_table(&part.cells)?;
        }
        if let Some(end) = part.ends.last() {
            let mut text = &part.text[..*end];
            if self.shape.format == Format::Json && self.printed == 0 {
                self.printer.print("[")?;
                text = &text[1..];
            }
            self.printer.write(text)?;
        }
        self.printed += (part.cells.len() + part.ends.len()) as u64;
        self.printer.flush()
    }

    fn print_table(&mut self, rows: &[Vec<String>]) -> anyhow::Result<()> {
        let layout = match &mut self.layout {
            Some(layout) => layout,
            None => {
                let names: Vec<String> =
                    self.shape.columns.iter().flatten().map(|path| harmless(&path.to_string())).collect();
                let first = &rows[..rows.len().min(SAMPLE)];
                let layout =
                    self.layout.insert(Layout::new(&names, first, Known::First, self.shape.terminal));
                self.printer.print(&layout.header())?;
                layout
            }
        };
        rows.iter().try_for_each(|row| self.printer.print(&layout.row(row)))
    }

    /// Prints the end. Returns how many rows there were.
    pub(super) fn finish(mut self) -> anyhow::Result<u64> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        if self.shape.format == Format::Json {
            self.printer.print(if self.printed == 0 { "[]\n" } else { "\n]\n" })?;
        }
        self.printer.finish()?;
        Ok(self.printed)
    }
}

/// How many rows tell how wide the columns of a table are to be.
const SAMPLE: usize = 200;

impl Cell {
    fn without_harm(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(harmless(&text)),
            Self::Json(text) => Self::Json(harmless(&text)),
            Self::Missing => Self::Missing,
        }
    }
}

/// Appends a record as it stands; of one that is spread over lines, without what spreads it.
fn write_on_one_line(out: &mut Vec<u8>, record: &[u8]) {
    if !record.contains(&b'\n') {
        out.extend_from_slice(record);
        return;
    }
    let (mut in_text, mut escaped) = (false, false);
    for byte in record {
        if in_text || !byte.is_ascii_whitespace() {
            out.push(*byte);
        }
        in_text = match (in_text, byte) {
            (true, _) if escaped => true,
            (is_in, b'"') => !is_in,
            (is_in, _) => is_in,
        };
        escaped = in_text && *byte == b'\\' && !escaped;
    }
}

/// Writes what a terminal should not have in another way that JSON has for it.
fn escape_harm(json: &mut Vec<u8>, begin: usize) {
    let text = String::from_utf8_lossy(&json[begin..]);
    if !text.contains(is_harmful) {
        return;
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Between values; in texts there is none.
            '\t' => escaped.push(' '),
            // All of them are in the basic multilingual plane.
            c if is_harmful(c) => escaped += &format!("\\u{:04x}", u32::from(c)),
            c => escaped.push(c),
        }
    }
    json.truncate(begin);
    json.extend_from_slice(escaped.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_on_several_lines_becomes_one_and_says_the_same() {
        let record = "{\n  \"a b\": \"x \\\" y\",\n\t\"c\": [1.0,\n 2]\r\n}";
        let mut line = Vec::new();
        write_on_one_line(&mut line, record.as_bytes());
        assert_eq!(String::from_utf8(line).unwrap(), r#"{"a b":"x \" y","c":[1.0,2]}"#);
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_the_same_json() {
        let given = "{\"a\":\t\"x\u{9b}2J\u{202e}\u{7f}é\"}";
        let mut json = given.as_bytes().to_vec();
        escape_harm(&mut json, 0);
        let text = String::from_utf8(json).unwrap();
        assert!(!text.contains(is_harmful), "{text}");
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&text), value(given));
    }
}
