//! How two texts of an API differ, and what that asks of the version.

use std::collections::BTreeSet;
use std::fmt;

use semver::Version;

use super::surface::{self, PRIVATE_FIELDS};

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
        let gone: Vec<&str> = was.difference(&is).copied().collect();
        let new: Vec<&str> = is.difference(&was).copied().collect();
        let breaks = gone.iter().any(|line| gone_line_breaks(line, &is))
            || new.iter().any(|line| new_line_breaks(line, &was));
        let owned = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect();
        Self { gone: owned(gone), new: owned(new), breaks }
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

/// All do but those that say as much in other words: a feature that switches on more, a struct without the private fields
/// that kept others from writing it out.
fn gone_line_breaks(line: &str, is: &BTreeSet<&str>) -> bool {
    if let Some((name, switched_on)) = surface::parse_feature(line) {
        let still = is.iter().filter_map(|line| surface::parse_feature(line)).find(|(now, _)| *now == name);
        return still.is_none_or(|(_, now)| !switched_on.is_subset(&now));
    }
    line.strip_suffix(PRIVATE_FIELDS).is_none_or(|open| !is.contains(open))
}

/// Lines that take something away by being there: a type is no longer `Send`; an enum that people match on to the end
/// has one variant more, a struct or a variant that they write out one field, a trait that they implement one item.
fn new_line_breaks(line: &str, was: &BTreeSet<&str>) -> bool {
    if line.starts_with("impl") {
        return line.contains('!');
    }
    let Some(item) = Item::parse(line) else { return false };
    let Some((parent, _)) = item.path.rsplit_once("::") else { return false };
    was.iter().filter_map(|line| Item::parse(line)).filter(|old| old.path == parent).any(|old| {
        match old.kind {
            // Their variants and fields; functions and constants take nothing away.
            Some("enum" | "struct") | None => item.kind.is_none() && !old.is_open,
            Some("trait") => true,
            Some(_) => false,
        }
    })
}

/// What a line declares.
struct Item<'a> {
    /// The last word before the path: a variant and a field have none.
    kind: Option<&'a str>,
    path: &'a str,
    /// Others have to reckon with more variants or fields of it than they see.
    is_open: bool,
}

impl<'a> Item<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (attributes, declared) = line.split_at(line.find("pub ")?);
        let path = declared.split([' ', '<', '(']).find(|word| word.contains("::"))?;
        let before = &declared[..declared.find(path)?];
        let kind = before.split_whitespace().last().filter(|word| *word != "pub");
        let is_open = attributes.contains("#[non_exhaustive]") || line.ends_with(PRIVATE_FIELDS);
        Some(Self { kind, path: path.trim_end_matches(':'), is_open })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "\
pub enum a::Closed
pub a::Closed::One
#[non_exhaustive] pub enum a::Open
pub a::Open::One
pub a::Open::Told
pub a::Open::Told::why: u8
#[non_exhaustive] pub a::Open::Growing
pub a::Open::Growing::why: u8
pub struct a::Written
pub a::Written::field: u8
pub struct a::Unit
pub struct a::Generic<T>
#[non_exhaustive] pub struct a::Options
pub struct a::Opaque { .. }
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
        assert_eq!(step_with("pub a::Unit::first: u8"), Step::Major);
        assert_eq!(step_with("pub a::Generic::first: T"), Step::Major);
        assert_eq!(step_with("pub fn a::Implemented::needed(&self)"), Step::Major);
        assert_eq!(step_with("impl !core::marker::Send for a::Opaque"), Step::Major);
    }

    #[test]
    fn the_rest_can() {
        assert_eq!(step_with("pub a::Open::Two"), Step::Minor);
        assert_eq!(step_with("pub a::Open::Two(u8)"), Step::Minor);
        assert_eq!(step_with("pub fn a::Opaque::set(&mut self, u8)"), Step::Minor);
        assert_eq!(step_with("pub fn a::Closed::name(&self) -> &str"), Step::Minor);
        assert_eq!(step_with("pub const a::Closed::ALL: [Self; 2]"), Step::Minor);
        assert_eq!(step_with("pub fn a::Written::new() -> Self"), Step::Minor);
        assert_eq!(step_with("pub a::Options::more: u8"), Step::Minor);
        assert_eq!(step_with("pub struct a::Fresh"), Step::Minor);
        assert_eq!(step_with("impl core::clone::Clone for a::Opaque"), Step::Minor);
    }

    /// Whoever makes such a variant, or takes it apart, names all of its fields, even where there may be other variants.
    #[test]
    fn a_field_more_in_a_variant_breaks() {
        assert_eq!(step_with("pub a::Open::Told::where_to: u8"), Step::Major);
        assert_eq!(step_with("pub a::Closed::One::why: u8"), Step::Major);
        assert_eq!(step_with("pub a::Open::Growing::where_to: u8"), Step::Minor);
        assert_eq!(step_with("pub a::Open::New\npub a::Open::New::why: u8"), Step::Minor);
    }

    #[test]
    fn the_first_private_field_breaks_and_the_last_one_opens() {
        let step = |from: &str, to: &str| Change::between(BEFORE, &BEFORE.replace(from, to)).step();
        for open in ["pub struct a::Written\n", "pub struct a::Unit\n", "pub struct a::Generic<T>\n"] {
            assert_eq!(step(open, &open.replace('\n', " { .. }\n")), Step::Major, "{open}");
        }
        assert_eq!(step("pub struct a::Opaque { .. }\n", "pub struct a::Opaque\n"), Step::Minor);
        assert_eq!(step_with("pub a::Opaque::shown: u8"), Step::Minor);
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

    #[test]
    fn a_feature_that_switches_on_less_breaks() {
        let step = |before: &str, after: &str| Change::between(before, after).step();
        let default = "feature default = [file, integrity]\n";
        assert_eq!(step(default, "feature default = [file]\n"), Step::Major);
        assert_eq!(step(default, ""), Step::Major);
        assert_eq!(step(default, "feature default = [file, journal, integrity]\n"), Step::Minor);
        assert_eq!(step("feature s3\n", "feature s3 = [delivery]\n"), Step::Minor);
        assert_eq!(step("feature s3 = [delivery]\n", "feature s3\n"), Step::Major);
        assert_eq!(step("feature s3\n", "feature s3-sso\n"), Step::Major);
    }
}
