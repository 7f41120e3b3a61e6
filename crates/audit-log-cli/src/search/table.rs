//! Tables whose columns are settled before all of their rows are known.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How wide each column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    columns: Vec<Column>,
    /// Whether what is longer is cut: on a terminal.
    cuts: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    width: usize,
    aligns_right: bool,
}

/// Which rows are known when the columns are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    All,
    First,
}

/// What stands between two columns.
const GAP: &str = "  ";

/// No column is made narrower, as long as there is room.
const NARROW: usize = 8;

/// A time to the second: `2026-01-31T08:00:00` and a mark that it is cut.
const TIME_TO_THE_SECOND: usize = 20;

/// How much wider than its first values a column is made at most.
const SPARE: usize = 12;

/// How wide what is in some fields usually is, for rows that are not known yet; and which are cut last.
const USUAL: [(&str, usize, bool); 5] = [
    ("timestamp", 24, true),
    ("event_type", 20, true),
    ("actor.id", 17, false),
    ("resource.id", 17, false),
    ("action.result", 13, true),
];

impl Layout {
    /// For columns of these names, by their rows, so that it fits a terminal of that width; without one, nothing is cut.
    pub(super) fn new(names: &[String], rows: &[Vec<String>], known: Known, terminal: Option<usize>) -> Self {
        let usual = |name: &String| USUAL.iter().find(|(usual, ..)| usual == name);
        let kept = |name: &String| usual(name).is_some_and(|usual| usual.2);
        let is_time = |name: &String| name == "timestamp";
        let widest = |index: usize| rows.iter().map(|row| row[index].width()).max().unwrap_or(0);
        let needed = names.iter().enumerate().map(|(index, name)| widest(index).max(short(name).width()));
        let needed: Vec<usize> = needed.collect();
        let mut widths: Vec<usize> = names.iter().map(|name| name.width()).collect();
        widths.iter_mut().zip(&needed).for_each(|(width, needed)| *width = (*width).max(*needed));
        let headed = widths.clone();
        if known == Known::First {
            let to_come = names.iter().map(|name| usual(name).map_or(0, |usual| usual.1));
            widths.iter_mut().zip(to_come).for_each(|(width, usual)| *width = (*width).max(usual));
        }
        if let Some(terminal) = terminal {
            let room = terminal.saturating_sub(GAP.len() * names.len().saturating_sub(1));
            // Room that is kept for rows to come goes first, and the names of the columns before what is in them.
            for less in [headed, needed] {
                if widths.iter().sum::<usize>() > room {
                    widths = less;
                }
            }
            if widths.iter().sum::<usize>() > room {
                let times = widths.iter_mut().zip(names).filter(|(_, name)| is_time(name));
                times.for_each(|(width, _)| *width = (*width).min(TIME_TO_THE_SECOND));
            }
            let mut shrink = |floor: usize, may: &dyn Fn(&String) -> bool| {
                shrink(&mut widths, room, floor, &names.iter().map(may).collect::<Vec<_>>());
            };
            shrink(NARROW, &|name| !kept(name));
            shrink(NARROW, &|name| !is_time(name));
            shrink(1, &|_| true);
            let elastic = names.iter().filter(|name| !kept(name)).count();
            let spare = match known {
                Known::All => 0,
                Known::First => room.saturating_sub(widths.iter().sum()) / elastic.max(1),
            };
            let widened = widths.iter_mut().zip(names).filter(|(_, name)| !kept(name));
            widened.for_each(|(width, _)| *width += spare.min(SPARE));
        }
        let column =
            |(name, width): (&String, usize)| Column { name: name.clone(), width, aligns_right: false };
        Self { columns: names.iter().zip(widths).map(column).collect(), cuts: terminal.is_some() }
    }

    /// With the last column's numbers under one another.
    pub(super) fn with_numbers_last(mut self) -> Self {
        if let Some(last) = self.columns.last_mut() {
            last.aligns_right = true;
        }
        self
    }

    pub(super) fn header(&self) -> String {
        let name = |column: &Column| {
            let fits = !self.cuts || column.name.width() <= column.width;
            if fits { column.name.to_uppercase() } else { short(&column.name).to_uppercase() }
        };
        self.row(&self.columns.iter().map(name).collect::<Vec<_>>())
    }

    /// A row and its newline.
    pub(super) fn row(&self, cells: &[String]) -> String {
        let mut text = String::new();
        for (index, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            if index > 0 {
                text.push_str(GAP);
            }
            let cut;
            let shown = if self.cuts && cell.width() > column.width {
                cut = cut_to(cell, column.width);
                &cut
            } else {
                cell
            };
            let blanks = " ".repeat(column.width.saturating_sub(shown.width()));
            if column.aligns_right {
                text.push_str(&blanks);
            }
            text.push_str(shown);
            if !column.aligns_right {
                text.push_str(&blanks);
            }
        }
        let length = text.trim_end_matches(' ').len();
        text.truncate(length);
        text.push('\n');
        text
    }
}

/// Makes the widest of those that may be changed narrower, until all fit.
fn shrink(widths: &mut [usize], room: usize, floor: usize, may_shrink: &[bool]) {
    while widths.iter().sum::<usize>() > room {
        let changeable = widths.iter_mut().zip(may_shrink).filter(|(width, may)| **may && **width > floor);
        match changeable.map(|(width, _)| width).max() {
            Some(widest) => *widest -= 1,
            None => return,
        }
    }
}

/// The part of a field's name that tells the most: `resource` of `resource.id`, `reason` of `details.reason`.
fn short(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((whose, "id")) => whose,
        Some((_, last)) if !last.contains('`') => last,
        _ => name,
    }
}

/// The beginning of a text, and a mark that it is that.
fn cut_to(text: &str, width: usize) -> String {
    let mut cut = String::new();
    let mut left = width.saturating_sub(1);
    for c in text.chars() {
        let Some(after) = left.checked_sub(c.width().unwrap_or(0)) else { break };
        left = after;
        cut.push(c);
    }
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["timestamp", "event_type", "actor.id", "resource.id", "action.result"].map(str::to_owned).to_vec()
    }

    fn row() -> Vec<String> {
        [
            "2026-01-31T08:00:00.123Z",
            "backup.completed",
            "alice@company.com",
            "production-backup-20241201",
            "success",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    #[test]
    fn nothing_is_cut_where_there_is_room() {
        let layout = Layout::new(&names(), &[row()], Known::First, Some(120));
        assert_eq!(
            layout.row(&row()),
            "2026-01-31T08:00:00.123Z  backup.completed      alice@company.com        production-backup-20241201        success\n"
        );
    }

    #[test]
    fn every_line_fits_every_terminal() {
        let long = vec!["x".repeat(300); 5];
        let wide = vec!["全角".repeat(50); 5];
        for terminal in 20..200 {
            let layout = Layout::new(&names(), &[row()], Known::First, Some(terminal));
            for line in [layout.header(), layout.row(&row()), layout.row(&long), layout.row(&wide)] {
                assert!(line.trim_end().width() <= terminal, "{terminal}: {line}");
            }
        }
    }

    #[test]
    fn types_and_results_are_cut_last() {
        let layout = Layout::new(&names(), &[row()], Known::First, Some(80));
        let line = layout.row(&row());
        assert!(
            line.contains("2026-01-31T08:00:00…  backup.completed  ") && line.ends_with("success\n"),
            "{line}"
        );
    }

    #[test]
    fn without_a_terminal_nothing_is_cut() {
        let layout = Layout::new(&names(), &[], Known::First, None);
        let long = vec!["x".repeat(300); 5];
        assert!(layout.row(&long).len() > 1500);
    }
}
