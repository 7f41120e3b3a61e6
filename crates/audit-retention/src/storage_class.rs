use std::fmt;

use serde::{Deserialize, Serialize};

/// The S3 storage classes that a lifecycle rule can move objects to, by S3's names (`STANDARD_IA`). They are ordered as S3
/// moves objects through them, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names are S3's")]
#[non_exhaustive]
pub enum StorageClass {
    StandardIa,
    IntelligentTiering,
    #[serde(rename = "ONEZONE_IA")]
    OneZoneIa,
    GlacierIr,
    Glacier,
    DeepArchive,
}

impl StorageClass {
    /// S3's name for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StandardIa => "STANDARD_IA",
            Self::IntelligentTiering => "INTELLIGENT_TIERING",
            Self::OneZoneIa => "ONEZONE_IA",
            Self::GlacierIr => "GLACIER_IR",
            Self::Glacier => "GLACIER",
            Self::DeepArchive => "DEEP_ARCHIVE",
        }
    }

    /// Whether it is one of those for objects that are seldom read, `STANDARD_IA` and `ONEZONE_IA`.
    pub(crate) fn is_infrequent_access(self) -> bool {
        matches!(self, Self::StandardIa | Self::OneZoneIa)
    }

    /// Whether a lifecycle rule can move objects from this class to that one.
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html>,
    /// "Unsupported lifecycle transitions".
    pub(crate) fn leads_to(self, next: Self) -> bool {
        self < next && (self, next) != (Self::OneZoneIa, Self::GlacierIr)
    }
}

impl fmt::Display for StorageClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
