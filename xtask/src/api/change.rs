//! How two texts of an API differ, and what that asks of the version.

use std::collections::BTreeSet;
use std::fmt;

use semver::Version;

/// The smallest step of the version that tells users the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Patch,
    Minor,
    Major,
}

impl Step {
    pub(crate) fn advice(self, version: &Version) -> String {
        let before_one = version.major == 0;
        let number = match (self, before_one) {
            (Self::Patch, _) => "the third number",
            (Self::Minor, true) => "the third number (before 1.0; later the second)",
            (Self::Minor, false) => "the second number",
            (Self::Major, true) => "the second number (before 1.0; later the first)",
            (Self::Major, false) => "the first number",
        };
        let what = match self {
            Self::Patch => "the API is the same",
            Self::Minor => "the API has grown",
            Self::Major => "the API breaks its users",
        };
        format!("{what}: the next version after {version} raises at least {number}")
    }

    /// Whether it is that large, or larger, from one version to the next.
    pub(crate) fn is_made(self, from: &Version, to: &Version) -> bool {
        match (self, from.major) {
            (Self::Patch, _) | (Self::Minor, 0) => to > from,
            (Self::Minor, _) | (Self::Major, 0) => (to.major, to.minor) > (from.major, from.minor),
            (Self::Major, _) => to.major > from.major,
        }
    }
}

pub(super) struct Change {
    gone: Vec<String>,
    new: Vec<String>,
    breaks: bool,
}

impl Change {
    pub(super) fn between(before: &str, after: &str) -> Self {
        let was: BTreeSet<&str> = before.lines().collect();
        let is: BTreeSet<&str> = after.lines().collect();
        let gone: Vec<String> = was.difference(&is).map(|&line| line.to_owned()).collect();
        let new: Vec<&str> = is.difference(&was).copied().collect();
        let breaks = !gone.is_empty() || new.iter().any(|line| new_line_breaks(line, &was));
        Self { gone, new: new.into_iter().map(str::to_owned).collect(), breaks }
    }

    pub(super) fn is_none(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty()
    }

    pub(super) fn step(&self) -> Step {
        match (self.breaks, self.new.is_empty()) {
            (true, _) => Step::Major,
            (false, false) => Step::Minor,
            (false, true) => Step::Patch,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.gone {
            writeln!(f, "  - {line}")?;
        }
        for line in &self.new {
            writeln!(f, "  + {line}")?;
        }
        Ok(())
    }
}

/// Lines that take something away by being there: a type is no longer `Send`; an enum that people match on to the end
/// has one variant more, a struct that they write out one field, a trait that they implement one item.
fn new_line_breaks(line: &str, was: &BTreeSet<&str>) -> bool {
    if line.starts_with("impl") {
        return line.contains('!');
    }
    let Some(path) = line.split(' ').find(|word| word.contains("::")) else { return false };
    let path = path.split(['(', '<']).next().unwrap_or_default().trim_end_matches(':');
    let Some((parent, _)) = path.rsplit_once("::") else { return false };
    was.iter().any(|old| {
        let mut words = old.split([' ', '<', ':', '(']).filter(|word| !word.is_empty());
        let kind = words.by_ref().find(|word| matches!(*word, "enum" | "struct" | "trait"));
        let declared = old.split([' ', '<']).find(|word| word.contains("::"));
        let is_parent = declared.map(|name| name.trim_end_matches(':')) == Some(parent);
        is_parent
            && match kind {
                Some("enum") => !line.contains("fn ") && !old.contains("#[non_exhaustive]"),
                Some("struct") => {
                    line.contains(": ")
                        && !line.contains("fn ")
                        && !line.contains("const ")
                        && !old.contains("#[non_exhaustive]")
                        && has_public_field(was, parent)
                }
                Some("trait") => true,
                _ => false,
            }
    })
}

/// A struct without any is not written out by others: it has private ones, or is a unit.
fn has_public_field(was: &BTreeSet<&str>, parent: &str) -> bool {
    let begin = format!("pub {parent}::");
    was.iter().any(|line| line.starts_with(&begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "\
pub enum a::Closed
pub a::Closed::One
#[non_exhaustive] pub enum a::Open
pub a::Open::One
pub struct a::Written
pub a::Written::field: u8
pub struct a::Opaque
pub fn a::Opaque::get(&self) -> u8
pub trait a::Implemented
";

    fn step_with(line: &str) -> Step {
        Change::between(BEFORE, &format!("{BEFORE}{line}\n")).step()
    }

    #[test]
    fn what_is_the_same_asks_for_nothing() {
        assert_eq!(Change::between(BEFORE, BEFORE).step(), Step::Patch);
    }

    #[test]
    fn a_line_less_breaks() {
        let without = BEFORE.replace("pub a::Open::One\n", "");
        assert_eq!(Change::between(BEFORE, &without).step(), Step::Major);
    }

    #[test]
    fn what_others_match_write_or_implement_cannot_grow() {
        assert_eq!(step_with("pub a::Closed::Two"), Step::Major);
        assert_eq!(step_with("pub a::Written::second: u8"), Step::Major);
        assert_eq!(step_with("pub fn a::Implemented::needed(&self)"), Step::Major);
        assert_eq!(step_with("impl !core::marker::Send for a::Opaque"), Step::Major);
    }

    #[test]
    fn the_rest_can() {
        assert_eq!(step_with("pub a::Open::Two"), Step::Minor);
        assert_eq!(step_with("pub a::Open::Two(u8)"), Step::Minor);
        assert_eq!(step_with("pub fn a::Opaque::set(&mut self, u8)"), Step::Minor);
        assert_eq!(step_with("pub fn a::Closed::name(&self) -> &str"), Step::Minor);
        assert_eq!(step_with("pub struct a::Fresh"), Step::Minor);
        assert_eq!(step_with("impl core::clone::Clone for a::Opaque"), Step::Minor);
    }

    #[test]
    fn the_step_is_told_in_the_numbers_of_the_version() {
        assert!(Step::Major.advice(&Version::new(0, 4, 1)).contains("the second number"));
        assert!(Step::Major.advice(&Version::new(1, 4, 1)).contains("the first number"));
    }

    #[test]
    fn a_step_is_made_by_its_number_or_one_before_it() {
        use Step::{Major, Minor, Patch};
        for (step, from, enough, too_small) in [
            (Patch, [0, 1, 0], [0, 1, 1], [0, 1, 0]),
            (Minor, [0, 1, 3], [0, 1, 4], [0, 1, 3]),
            (Major, [0, 1, 3], [0, 2, 0], [0, 1, 4]),
            (Major, [0, 1, 3], [1, 0, 0], [0, 1, 4]),
            (Minor, [1, 4, 1], [1, 5, 0], [1, 4, 2]),
            (Major, [1, 4, 1], [2, 0, 0], [1, 5, 0]),
        ] {
            let [from, enough, too_small] =
                [from, enough, too_small].map(|[major, minor, patch]| Version::new(major, minor, patch));
            assert!(step.is_made(&from, &enough), "{step:?} {from} {enough}");
            assert!(!step.is_made(&from, &too_small), "{step:?} {from} {too_small}");
        }
    }

    #[test]
    fn a_feature_less_breaks_and_one_more_does_not() {
        let with = format!("feature extra\n{BEFORE}");
        assert_eq!(Change::between(&with, BEFORE).step(), Step::Major);
        assert_eq!(Change::between(BEFORE, &with).step(), Step::Minor);
    }
}
