//! HTML that is also XML: every element is closed, every attribute quoted, every text escaped.

use audit_model::Timestamp;

use crate::excerpt::shortened;
use crate::visible::visible;

/// How many characters of a value a page shows.
const MOST: usize = 200;

/// A text from the log, as a page may show it: cut where it is long, nothing hidden in it, nothing a mark-up.
pub(crate) fn shown(text: &str) -> String {
    escape(&visible(&shortened(text, MOST)))
}

/// The same, of a sentence of ours that has a text from the log in it: that may be longer.
pub(crate) fn prose(text: &str) -> String {
    escape(&visible(&shortened(text, 5 * MOST)))
}

/// As [`shown`], for a narrow column: it may be broken behind the signs that names are made of.
pub(crate) fn breakable(text: &str) -> String {
    let text = visible(&shortened(text, MOST));
    let mut broken = String::with_capacity(text.len() * 2);
    for part in text.split_inclusive(['.', '_', ':', '/', '@', '-']) {
        if !broken.is_empty() {
            broken.push_str("<wbr/>");
        }
        broken += &escape(part);
    }
    broken
}

/// A text in which nothing is a mark-up, in elements and in quoted attributes alike.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A moment, in UTC.
pub(crate) fn moment(time: Timestamp) -> String {
    format!("<time datetime=\"{time}\">{}</time>", crate::wording::time(time))
}

/// A table's column.
pub(crate) struct Column {
    pub(crate) name: String,
    /// `when`, `name`, `number` or nothing.
    pub(crate) class: &'static str,
}

/// Columns by their names and classes.
pub(crate) fn columns(columns: &[(&str, &'static str)]) -> Vec<Column> {
    columns.iter().map(|(name, class)| Column { name: (*name).to_owned(), class }).collect()
}

/// A table of rows that a phone shows as cards, or (`wide`) of figures, which it scrolls.
pub(crate) struct Grid {
    columns: Vec<Column>,
    label: String,
    is_wide: bool,
    body: String,
    foot: String,
}

impl Grid {
    pub(crate) fn cards(label: &str, columns: Vec<Column>) -> Self {
        Self { columns, label: label.to_owned(), is_wide: false, body: String::new(), foot: String::new() }
    }

    pub(crate) fn wide(label: &str, columns: Vec<Column>) -> Self {
        Self { is_wide: true, ..Self::cards(label, columns) }
    }

    /// Adds a row of mark-up, one a column; nothing is a dash.
    pub(crate) fn row(&mut self, cells: &[Option<String>]) {
        self.body += &self.cells(cells);
    }

    /// Adds the row of totals.
    pub(crate) fn foot(&mut self, cells: &[Option<String>]) {
        self.foot += &self.cells(cells);
    }

    pub(crate) fn finish(self) -> String {
        let head: String = self
            .columns
            .iter()
            .map(|column| format!("<th scope=\"col\"{}>{}</th>", class(column.class), escape(&column.name)))
            .collect();
        let foot = match self.foot.as_str() {
            "" => String::new(),
            foot => format!("<tfoot>{foot}</tfoot>"),
        };
        let label = escape(&self.label);
        let kind = if self.is_wide { "wide" } else { "cards" };
        let table = format!(
            "<table class=\"{kind}\" aria-label=\"{label}\"><thead><tr>{head}</tr></thead><tbody>{}</tbody>{foot}</table>",
            self.body
        );
        match self.is_wide {
            true => format!(
                "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}, scrollable\">{table}</div>\n"
            ),
            false => table + "\n",
        }
    }

    fn cells(&self, cells: &[Option<String>]) -> String {
        let mut row = String::from("<tr>");
        for (column, cell) in self.columns.iter().zip(cells) {
            let label = match self.is_wide {
                true => String::new(),
                false => format!(" data-label=\"{}\"", escape(&column.name)),
            };
            match cell {
                Some(cell) => row += &format!("<td{}{label}>{cell}</td>", class(column.class)),
                None => row += &format!("<td{}{label}>–</td>", class(&format!("{} none", column.class))),
            }
        }
        row + "</tr>\n"
    }
}

fn class(names: &str) -> String {
    match names.trim() {
        "" => String::new(),
        names => format!(" class=\"{names}\""),
    }
}
