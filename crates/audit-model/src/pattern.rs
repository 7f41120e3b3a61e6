use std::fmt;
use std::str::FromStr;

use crate::EventType;

/// Event types by name: an exact type, or a pattern in which `*` stands for any run of
/// characters, dots included (`backup.*`, `*.failed`, `*`).
///
/// ```
/// use audit_model::{EventPattern, EventType};
///
/// let failures: EventPattern = "*.failed".parse()?;
/// assert!(failures.matches(&EventType::BACKUP_FAILED));
/// assert!(!failures.matches(&EventType::BACKUP_STARTED));
/// # Ok::<(), audit_model::PatternError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventPattern {
    text: String,
}

/// A text that no event type could match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not an event pattern; expected an event type, or one with `*` in it, such as backup.*")]
pub struct PatternError {
    found: String,
}

impl EventPattern {
    /// Whether `event_type` is one of those that the pattern names.
    #[must_use]
    pub fn matches(&self, event_type: &EventType) -> bool {
        glob_matches(&self.text, event_type.as_str())
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Whether `text` is `pattern`, in which `*` stands for any run of characters.
#[must_use]
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    // Iterative, so that a pattern full of stars costs at most the product of both lengths.
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            last_star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((star, from)) = last_star {
            last_star = Some((star, from + 1));
            p = star + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// The known event type whose name is most like `text`, if any is near enough to be meant.
#[must_use]
pub fn nearest_event_type(text: &str) -> Option<&'static str> {
    EventType::CATALOGUE
        .iter()
        .map(|(known, _)| (strsim::jaro_winkler(known.as_str(), text), known.as_str()))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

impl FromStr for EventPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        // With letters for its stars, a pattern has to be an event type.
        let possible = text.replace('*', "x").parse::<EventType>().is_ok();
        if possible {
            Ok(Self { text: text.to_owned() })
        } else {
            Err(PatternError { found: text.to_owned() })
        }
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        pattern.parse::<EventPattern>().unwrap().matches(&text.parse().unwrap())
    }

    #[test]
    fn exact_names_prefixes_suffixes_and_all() {
        assert!(matches("backup.started", "backup.started"));
        assert!(!matches("backup.started", "backup.started_late"));
        assert!(matches("backup.*", "backup.failed"));
        assert!(!matches("backup.*", "backups.failed"));
        assert!(matches("*.failed", "restore.failed"));
        assert!(matches("*", "anything.at.all"));
        assert!(matches("a*b*c", "a.b.b.c"));
        assert!(!matches("a*b*c", "a.c.b"));
    }

    #[test]
    fn refuses_what_matches_nothing() {
        for text in ["", "backup..started", "back up", "backup."] {
            assert!(text.parse::<EventPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_the_nearest_known_type() {
        assert_eq!(nearest_event_type("backup.complete"), Some("backup.completed"));
        assert_eq!(nearest_event_type("billing.exported"), None);
    }
}
