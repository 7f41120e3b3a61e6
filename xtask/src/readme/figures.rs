//! Figures in README.md's table of benchmarks: the page that `cargo xtask compare` writes has to have each of them, as it is or rounded,
//! of a bench that its row links to. A number in words is no figure, nor is a name such as p50.

use regex::Regex;

use super::{BENCHMARKS, README, TO_A_BENCH, rows};
use crate::compare::{PAGE, section};

/// The figures that no bench of their row has. A row without a bench is told of by `mistakes`.
pub(super) fn not_measured(page: &str, measured: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in rows(page, BENCHMARKS).filter(|row| row.contains(TO_A_BENCH)) {
        let names: Vec<&str> =
            row.split(TO_A_BENCH).skip(1).filter_map(|rest| rest.split(".rs)").next()).collect();
        let benches: Vec<Bench> =
            names.iter().filter_map(|name| Some(Bench::read(section(measured, name)?))).collect();
        for figure in figures(row).iter().filter(|figure| !benches.iter().any(|bench| bench.has(figure))) {
            let names = names.join(", ");
            wrong.push(format!("{README}: {PAGE} has no `{}` of {names}:\n{row}", figure.shown));
        }
    }
    wrong
}

/// A bench, as its section has it.
struct Bench {
    /// What is said of the sides: how many callers, rules, threads.
    given: Vec<Figure>,
    /// Medians, rates, and what its notes have. Neither quartiles nor goals: these are not what it came to.
    measured: Vec<Figure>,
}

impl Bench {
    fn read(section: &str) -> Self {
        let (mut given, mut measured) = (Vec::new(), Vec::new());
        for line in section.lines() {
            if let Some((side, rest)) = line.strip_prefix("| ").and_then(|row| row.split_once(" | ")) {
                given.extend(figures(side));
                measured.extend(figures(rest.split(" | ").next().unwrap_or_default()));
            } else if line.starts_with("- ") {
                measured.extend(figures(line));
            }
        }
        Self { given, measured }
    }

    fn has(&self, figure: &Figure) -> bool {
        let written = |figure: &Figure| figure.shown.replace(',', "");
        self.given.iter().any(|given| written(given) == written(figure))
            || self.measured.iter().any(|measured| figure.may_stand_for(measured))
    }
}

struct Figure {
    shown: String,
    /// In seconds, in events a second, in bytes a second; or of no unit.
    value: f64,
    /// What one more in its last place is.
    step: f64,
    unit: &'static str,
}

impl Figure {
    /// Whether that, rounded to the places that this has, is this. Half a step may go either way: it was rounded before.
    fn may_stand_for(&self, other: &Self) -> bool {
        self.unit == other.unit && (self.value - other.value).abs() <= self.step / 2.0 * (1.0 + 1e-6)
    }
}

fn figures(text: &str) -> Vec<Figure> {
    let figure = Regex::new(
        r"(?:^|[^\w.,])((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?: ?(ns|[uµμ]s|ms|s|k events/s|events/s|MB/s|/s)\b)?",
    )
    .expect("a fixed pattern");
    let found = figure.captures_iter(text);
    found.map(|found| new(&found[1], found.get(2).map_or("", |unit| unit.as_str()))).collect()
}

/// From a number and its unit, as they stand there.
fn new(number: &str, unit: &str) -> Figure {
    let plain = number.replace(',', "");
    let places = match plain.split_once('.') {
        Some((_, fraction)) => -places(fraction),
        // Zeros at the end may be what rounding left, behind two digits that count.
        None => places(&plain[plain.trim_end_matches('0').len().max(2).min(plain.len())..]),
    };
    let (factor, kind) = match unit {
        "ns" => (1e-9, "s"),
        "us" | "µs" | "μs" => (1e-6, "s"),
        "ms" => (1e-3, "s"),
        "s" => (1.0, "s"),
        "k events/s" => (1e3, "events/s"),
        "events/s" | "/s" => (1.0, "events/s"),
        "MB/s" => (1e6, "bytes/s"),
        _ => (1.0, ""),
    };
    let shown = if unit.is_empty() || unit.starts_with('/') {
        format!("{number}{unit}")
    } else {
        format!("{number} {unit}")
    };
    let value: f64 = plain.parse().expect("digits are a number");
    Figure { shown, value: value * factor, step: 10f64.powi(places) * factor, unit: kind }
}

fn places(digits: &str) -> i32 {
    digits.len().try_into().expect("a figure is short")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use std::fs;

    use super::*;
    use crate::shell::root;

    const MEASURED: &str = "# Benchmarks\n\n## What does it cost?\n\n`cargo xtask bench cost`\n\n\
        | | ratio | quartiles | goal |\n|---|---|---|---|\n| emit, 512 tasks, 1000 rules / one | 55.05 | 50.69–57.94 | 40.00, reached |\n\
        | one / bare | 0.96 | 0.92–1.03 | 0.97, missed |\n| one / axum | 8.95 | 7.95–10.23 |  |\n\n\
        | side | rate |\n|---|---|\n| one | 32037.5 events/s |\n| a hundred | 161.6 k events/s |\n| lines | 3732.8 MB/s |\n\n\
        - one call: p50 1.1µs, p99 980.0ns; an event has 792 bytes\n\n## What else?\n\n`cargo xtask bench costs`\n\n\
        | | ratio | quartiles | goal |\n|---|---|---|---|\n| one / two | 0.33 | 0.30–0.40 |  |\n";

    fn unknown(said: &str) -> Vec<String> {
        let page = format!(
            "{BENCHMARKS}\n\n| | |\n|---|---|\n| a | {said} ([`cost`](benches/benches/cost.rs)) |\n\n## More\n"
        );
        let told = not_measured(&page, MEASURED);
        told.iter().map(|told| told.split('`').nth(1).unwrap().to_owned()).collect()
    }

    #[test]
    fn what_was_measured_may_be_rounded() {
        for said in [
            "512 callers, 1,000 rules, together 55 times one",
            "55.05, 55.1, 55",
            "9.0 or 8.9 times a bare handler",
            "32,000/s, 32,037.5/s, 160,000/s",
            "1.1 µs (p50; p99 0.98 µs, 980 ns)",
            "3700 MB/s of `jq`, six of S3",
            "0.96 of a bare write",
        ] {
            assert_eq!(unknown(said), [""; 0], "{said}");
        }
    }

    #[test]
    fn what_was_not_is_told_with_its_row() {
        for (said, figure) in [
            ("513 callers", "513"),
            ("500 callers", "500"),
            ("54 times one", "54"),
            ("8.8 times", "8.8"),
            ("33,000/s", "33,000/s"),
            ("32,000 of them", "32,000"),
            ("200,000/s", "200,000/s"),
            ("1.2 µs", "1.2 µs"),
            ("1.1 ms", "1.1 ms"),
            ("(1.1)", "1.1"),
            ("0.97, the goal", "0.97"),
            ("0.92, a quartile", "0.92"),
            ("0.33 of another bench", "0.33"),
            ("3 times", "3"),
        ] {
            assert_eq!(unknown(said), [figure], "{said}");
        }
        let row = "| a | 7 times ([`no`](benches/benches/no.rs)) |";
        let page = format!("{BENCHMARKS}\n\n| | |\n|---|---|\n{row}\n");
        assert_eq!(
            not_measured(&page, MEASURED),
            [format!("README.md: docs/benchmarks.md has no `7` of no:\n{row}")]
        );
    }

    #[test]
    fn another_figure_in_our_own_table_is_found() {
        let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
        let (ours, measured) = (read(README), read(PAGE));
        assert_eq!(not_measured(&ours, &measured), [""; 0]);
        let row = rows(&ours, BENCHMARKS).find(|row| !figures(row).is_empty()).unwrap();
        let wrong = not_measured(&ours.replace(row, &row.replacen("| ", "| 987,654 of it: ", 1)), &measured);
        assert!(wrong.len() == 1 && wrong[0].contains("has no `987,654` of "), "{wrong:?}");
    }
}
