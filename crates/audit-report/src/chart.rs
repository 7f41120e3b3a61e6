//! What charts and tables show of the figures: names of slots, a scale, the columns of results.

use audit_model::Timestamp;

use crate::period::{civil, month_name};
use crate::{Operations, Unit};

/// `2026-10-05`, `2026-10-05 14:00`, `2026-10`, `2026`
pub(crate) fn slot_name(unit: Unit, start: Timestamp) -> String {
    let text = start.to_string();
    match unit {
        Unit::Hour => format!("{} {}", &text[..10], &text[11..16]),
        Unit::Day => text[..10].to_owned(),
        Unit::Month => text[..7].to_owned(),
        Unit::Year => text[..4].to_owned(),
    }
}

/// What stands below its bar: the day of a month, the hour of a day.
pub(crate) fn tick(unit: Unit, start: Timestamp) -> String {
    let time = civil(start);
    match unit {
        Unit::Hour => format!("{:02}", time.hour()),
        Unit::Day => time.day().to_string(),
        Unit::Month => month_name(time.date())[..3].to_owned(),
        Unit::Year => format!("{:04}", time.year()),
    }
}

/// What the first tick of a day, month or year adds below: nothing for the others.
pub(crate) fn wider_tick(unit: Unit, start: Timestamp, is_first: bool) -> Option<String> {
    let time = civil(start);
    let month = &month_name(time.date())[..3];
    match unit {
        Unit::Hour => (is_first || time.hour() == 0).then(|| format!("{} {month}", time.day())),
        Unit::Day => (is_first || time.day() == 1).then(|| format!("{month} {:04}", time.year())),
        Unit::Month => (is_first || time.month() == 1).then(|| format!("{:04}", time.year())),
        Unit::Year => None,
    }
}

/// The distance of the lines of an axis that goes up to that number at least: 1, 2 or 5 and zeros, and how many there are, at
/// most that many.
pub(crate) fn scale(most: u64, lines: u64) -> (u64, u64) {
    let mut step: u64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let Some(step) = step.checked_mul(factor) else { return (u64::MAX, 1) };
            if most.div_ceil(step) <= lines {
                return (step, most.div_ceil(step).max(1));
            }
        }
        let Some(next) = step.checked_mul(10) else { return (u64::MAX, 1) };
        step = next;
    }
}

/// `0`, `250`, `1.5k`, `20M`: for the lines of an axis, where there is little room.
pub(crate) fn brief(number: u64) -> String {
    for (size, letter) in [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")] {
        if number >= size {
            let tenths = number / (size / 10);
            let fraction =
                if tenths.is_multiple_of(10) { String::new() } else { format!(".{}", tenths % 10) };
            return format!("{}{fraction}{letter}", tenths / 10);
        }
    }
    number.to_string()
}

/// A column of a table by results.
pub(crate) struct Column {
    pub(crate) name: String,
    /// The results that it sums up.
    indices: Vec<usize>,
}

impl Column {
    pub(crate) fn sum(&self, counts: &[u64]) -> u64 {
        self.indices.iter().filter_map(|index| counts.get(*index)).sum()
    }
}

/// How many results have a column of their own: somebody may have put anything there.
const MOST_COLUMNS: usize = 7;

/// A column for each result; where there are many, one for the rarest of those that we have no name for.
pub(crate) fn columns(operations: &Operations) -> Vec<Column> {
    let names = &operations.results;
    let mut own: Vec<usize> = (0..names.len()).collect();
    // The known ones come first and stay; a sort that is stable keeps their order.
    own.sort_by_key(|index| match &names[*index] {
        Some(_) if *index < 5 => 0,
        Some(_) => u64::MAX - operations.totals[*index],
        None => 0,
    });
    let mut rest = own.split_off(own.len().min(MOST_COLUMNS));
    own.sort_unstable();
    rest.sort_unstable();
    let name = |index: usize| match &names[index] {
        Some(name) if name.is_empty() => "(empty)".to_owned(),
        Some(name) => crate::excerpt::shortened(&crate::visible::visible(name), 20).replace('_', " "),
        None => "not given".to_owned(),
    };
    let mut columns: Vec<Column> =
        own.into_iter().map(|index| Column { name: name(index), indices: vec![index] }).collect();
    if !rest.is_empty() {
        columns.push(Column { name: "other".to_owned(), indices: rest });
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_a_few_round_lines() {
        for (most, expected) in
            [(0, (1, 1)), (1, (1, 1)), (5, (1, 5)), (6, (2, 3)), (37, (10, 4)), (12_345, (5000, 3))]
        {
            assert_eq!(scale(most, 5), expected, "{most}");
        }
        for most in [u64::MAX, u64::MAX / 3] {
            let (step, lines) = scale(most, 5);
            assert!(lines <= 5 && u128::from(step) * u128::from(lines) >= u128::from(most), "{most}");
        }
        let briefly: Vec<String> =
            [0, 999, 1000, 1500, 20_000_000, u64::MAX].into_iter().map(brief).collect();
        assert_eq!(briefly, ["0", "999", "1k", "1.5k", "20M", "18446744T"]);
    }
}
