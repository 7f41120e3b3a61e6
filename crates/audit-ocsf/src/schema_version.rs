use std::fmt;
use std::str::FromStr;

use crate::Version;

/// A released version of the OCSF schema that [`validate`](crate::validate()) and [`explain`](crate::explain())
/// know: more of them than records are made in, because foreign records have them.
///
/// ```
/// use audit_ocsf::{SchemaVersion, Version};
///
/// assert_eq!("1.5.0".parse::<SchemaVersion>()?.as_str(), "1.5.0");
/// assert_eq!(SchemaVersion::from(Version::V1_3_0).as_str(), "1.3.0");
/// # Ok::<(), audit_ocsf::SchemaVersionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaVersion {
    pub(crate) index: usize,
}

/// A text that names no version whose schema is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no known version of the OCSF schema; expected one of {}", .found.escape_debug(), NAMES.join(", "))]
pub struct SchemaVersionError {
    found: String,
}

const NAMES: [&str; COUNT] =
    ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.8.0"];
pub(crate) const COUNT: usize = 9;

impl SchemaVersion {
    /// The oldest.
    pub const OLDEST: Self = Self { index: 0 };
    /// The newest.
    pub const NEWEST: Self = Self { index: COUNT - 1 };

    /// All of them, the oldest first.
    #[must_use]
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..COUNT).map(|index| Self { index })
    }

    /// As it stands in `metadata.version`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES[self.index]
    }

    /// The one to hold a record of the version `text` against when that is not known itself, and how the two
    /// differ. A pre-release counts as older than its release, and is held against it.
    pub(crate) fn nearest(text: &str) -> Nearest {
        let Some((numbers, is_release)) = parse(text) else {
            let readable =
                readable_numbers(text).map(|numbers| Self::at_or_before(numbers).unwrap_or(Self::OLDEST));
            return Nearest::NotAVersion(readable.unwrap_or(Self::NEWEST));
        };
        match Self::at_or_before(numbers) {
            Some(known) if known.numbers() == numbers && is_release => Nearest::Known(known),
            Some(Self::OLDEST) if numbers == Self::OLDEST.numbers() => Nearest::Outside(Self::OLDEST),
            Some(Self::NEWEST) if numbers > Self::NEWEST.numbers() => Nearest::Outside(Self::NEWEST),
            Some(known) => Nearest::Between(known),
            None => Nearest::Outside(Self::OLDEST),
        }
    }

    /// Whether the text is this version or a pre-release of it.
    pub(crate) fn has_numbers_of(self, text: &str) -> bool {
        parse(text).is_some_and(|(numbers, _)| numbers == self.numbers())
    }

    fn at_or_before(numbers: [u64; 3]) -> Option<Self> {
        Self::all().rev().find(|known| known.numbers() <= numbers)
    }

    fn numbers(self) -> [u64; 3] {
        parse(self.as_str()).map_or([0; 3], |(numbers, _)| numbers)
    }
}

/// What the text of a version has to do with the known ones.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Nearest {
    Known(SchemaVersion),
    /// Not known, but between two that are (or a pre-release of one).
    Between(SchemaVersion),
    /// Older than all of them, or newer.
    Outside(SchemaVersion),
    /// No version, and the nearest of the numbers that stand in it; without two of them, the newest.
    NotAVersion(SchemaVersion),
}

/// `x.y.z`, `x.y.z-dev` or `x.y.z-rc.n`; and whether it is the first.
fn parse(text: &str) -> Option<([u64; 3], bool)> {
    let (numbers, pre_release) = match text.split_once('-') {
        Some((numbers, pre_release)) => (numbers, Some(pre_release)),
        None => (text, None),
    };
    let is_known_kind = pre_release
        .is_none_or(|name| name == "dev" || name.strip_prefix("rc.").is_some_and(|n| number(n).is_some()));
    let mut parts = numbers.split('.').map(number);
    let three = [parts.next()??, parts.next()??, parts.next()??];
    (is_known_kind && parts.next().is_none()).then_some((three, pre_release.is_none()))
}

/// The first numbers with a dot between them, such as those of `v1.3` and `OCSF 1.3.0-beta`.
fn readable_numbers(text: &str) -> Option<[u64; 3]> {
    text.split(|letter: char| !letter.is_ascii_digit() && letter != '.').find_map(|piece| {
        let mut parts = piece.trim_matches('.').split('.').map(number);
        Some([parts.next()??, parts.next()??, parts.next().flatten().unwrap_or(0)])
    })
}

fn number(text: &str) -> Option<u64> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().unwrap_or(u64::MAX))
}

impl From<Version> for SchemaVersion {
    fn from(version: Version) -> Self {
        let is_it = |known: &Self| known.as_str() == version.as_str();
        Self::all().find(is_it).expect("a test finds every version that records are made in")
    }
}

impl FromStr for SchemaVersion {
    type Err = SchemaVersionError;

    fn from_str(text: &str) -> Result<Self, SchemaVersionError> {
        let unknown = || SchemaVersionError { found: text.chars().take(40).collect() };
        Self::all().find(|known| known.as_str() == text).ok_or_else(unknown)
    }
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_that_records_are_made_in_has_its_schema() {
        for version in Version::ALL {
            assert_eq!(SchemaVersion::from(*version).as_str(), version.as_str());
        }
    }

    #[test]
    fn unknown_versions_have_a_nearest_one() {
        let known = |text: &str| text.parse().unwrap();
        assert_eq!(SchemaVersion::nearest("1.3.0"), Nearest::Known(known("1.3.0")));
        assert_eq!(SchemaVersion::nearest("1.3.7"), Nearest::Between(known("1.3.0")));
        assert_eq!(SchemaVersion::nearest("1.5.0-dev"), Nearest::Between(known("1.5.0")));
        assert_eq!(SchemaVersion::nearest("1.8.0-dev"), Nearest::Between(known("1.8.0")));
        for (outside, nearest) in
            [("0.9.0", "1.0.0"), ("1.0.0-rc.2", "1.0.0"), ("1.9.0", "1.8.0"), ("1.10.0", "1.8.0")]
        {
            assert_eq!(SchemaVersion::nearest(outside), Nearest::Outside(known(nearest)), "{outside}");
        }
        for (text, nearest) in [
            ("1.0", "1.0.0"),
            ("1.3", "1.3.0"),
            ("v1.3.0", "1.3.0"),
            ("V1.2.7", "1.2.0"),
            ("1.3.x", "1.3.0"),
            ("OCSF 1.4.0 (2025)", "1.4.0"),
            ("1.0.0-rc", "1.0.0"),
            ("1.1.0-beta", "1.1.0"),
            ("1.0.0.0", "1.0.0"),
            ("1.5.0 ", "1.5.0"),
            ("+1.0.0", "1.0.0"),
            ("v0.9", "1.0.0"),
            ("v3.0", "1.8.0"),
            ("", "1.8.0"),
            ("v1", "1.8.0"),
            ("1..0", "1.8.0"),
            ("...", "1.8.0"),
        ] {
            assert_eq!(SchemaVersion::nearest(text), Nearest::NotAVersion(known(nearest)), "{text}");
        }
        assert_eq!(
            SchemaVersion::nearest("1.99999999999999999999.0"),
            Nearest::Outside(SchemaVersion::NEWEST)
        );
    }
}
