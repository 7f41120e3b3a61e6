use std::fmt;
use std::str::FromStr;

/// A released version of the OCSF schema that records are made in.
///
/// ```
/// use audit_ocsf::Version;
///
/// assert_eq!("1.3.0".parse::<Version>()?, Version::V1_3_0);
/// assert_eq!(Version::default().as_str(), "1.0.0");
/// # Ok::<(), audit_ocsf::VersionError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// 1.0.0, of August 2023: the one that Redpanda writes.
    #[default]
    V1_0_0,
    /// 1.1.0, of January 2024.
    V1_1_0,
    /// 1.3.0, of August 2024.
    V1_3_0,
    /// 1.8.0, the newest.
    V1_8_0,
}

/// A text that names no version which records are made in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no version of OCSF that records are made in; expected 1.0.0, 1.1.0, 1.3.0 or 1.8.0")]
pub struct VersionError {
    found: String,
}

impl Version {
    /// All of them, the oldest first.
    pub const ALL: &[Self] = &[Self::V1_0_0, Self::V1_1_0, Self::V1_3_0, Self::V1_8_0];

    /// As it stands in `metadata.version`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_0_0 => "1.0.0",
            Self::V1_1_0 => "1.1.0",
            Self::V1_3_0 => "1.3.0",
            Self::V1_8_0 => "1.8.0",
        }
    }
}

impl Version {
    /// Whether a text is short enough for `string_t`: at most 65,535 characters before 1.8.0.
    #[inline]
    #[must_use]
    pub fn takes(self, text: &str) -> bool {
        const MAX_LENGTH: usize = 65_535;
        text.len() <= MAX_LENGTH || self >= Self::V1_8_0 || text.chars().count() <= MAX_LENGTH
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let is_it = |version: &&Self| version.as_str() == text;
        let unknown = || VersionError { found: text.chars().take(40).collect() };
        Self::ALL.iter().find(is_it).copied().ok_or_else(unknown)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
