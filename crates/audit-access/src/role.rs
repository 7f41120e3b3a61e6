use std::fmt;
use std::str::FromStr;

/// What somebody may do with the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Send events.
    Ingest,
    /// See how it goes: status and metrics.
    Read,
    /// Everything.
    Admin,
}

/// A text that is no role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleError {
    found: String,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Read, Self::Admin];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// Whether who has this role may do what needs the other.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self == Self::Admin || self == other
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| RoleError { found: text.chars().take(64).collect() })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for RoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no role; expected ingest, read or admin", self.found)
    }
}

impl std::error::Error for RoleError {}
