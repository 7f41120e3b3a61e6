use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How urgent a rule's alerts are, in the words of the configuration.
///
/// ```
/// use audit_alert::Severity;
///
/// assert_eq!("high".parse(), Ok(Severity::High));
/// assert_eq!(Severity::default().to_string(), "medium");
/// assert!(Severity::Critical < Severity::Info, "sorted, the most urgent comes first");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Somebody has to be woken.
    Critical,
    /// Somebody has to act today.
    High,
    /// Somebody has to look.
    #[default]
    Medium,
    /// Worth a look with others of its kind.
    Low,
    /// For the record.
    Info,
}

/// A text that is none of the severities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a severity; expected critical, high, medium, low or info")]
pub struct SeverityError {
    found: String,
}

impl Severity {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

impl FromStr for Severity {
    type Err = SeverityError;

    fn from_str(text: &str) -> Result<Self, SeverityError> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or_else(|| SeverityError { found: text.chars().take(40).collect() })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_same_everywhere() {
        for severity in Severity::ALL {
            assert_eq!(severity.as_str().parse(), Ok(severity));
            assert_eq!(serde_json::to_string(&severity).unwrap(), format!("\"{severity}\""));
        }
        let error = "urgent".parse::<Severity>().unwrap_err().to_string();
        assert_eq!(error, "`urgent` is not a severity; expected critical, high, medium, low or info");
    }
}
