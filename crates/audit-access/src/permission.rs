use std::fmt;
use std::str::FromStr;

/// What is allowed, or asked for: names joined by colons, from the general to the particular, such as
/// `restore:topic:production-orders`.
///
/// `*` stands for many:
///
/// | written | stands for | and not for |
/// |---|---|---|
/// | `*` | everything | |
/// | `backup:*` (a last name of its own) | `backup:orders`, `backup:topic:orders`: one name or more | `backup`, `backups:orders` |
/// | `restore:*:orders` (a name in between) | `restore:topic:orders`: exactly one name | `restore:orders`, `restore:a:b:orders` |
/// | `restore:topic:prod-*` (the end of a name) | `restore:topic:prod-orders`, `restore:topic:prod-`: the rest of that name | `restore:topic:prod-a:b`: it never crosses a colon |
///
/// Capital and small letters are different. A `*` at the beginning or in the middle of a name is refused, since `*-orders` would
/// allow what whoever names topics likes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    text: String,
}

/// A text that is no permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is no permission: {problem}; expected names joined by colons, such as restore:topic:orders, backup:* or restore:topic:prod-*"
)]
pub struct PermissionError {
    found: String,
    problem: &'static str,
}

const MAX_LENGTH: usize = 512;

const MAX_NAMES: usize = 16;

impl Permission {
    /// Whether everything that `other` stands for is among what this one stands for.
    ///
    /// ```
    /// use audit_access::Permission;
    ///
    /// let backups: Permission = "backup:*".parse()?;
    /// assert!(backups.covers(&"backup:topic:orders".parse()?));
    /// assert!(backups.covers(&"backup:topic:*".parse()?));
    /// assert!(!backups.covers(&"backup".parse()?) && !backups.covers(&"*".parse()?));
    /// # Ok::<(), audit_access::PermissionError>(())
    /// ```
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let (own, others) = (self.names().count(), other.names().count());
        // A last `*` of theirs stands for more names than it is, and only a last `*` of mine covers it.
        let length_fits = if self.names().last() == Some("*") { others >= own } else { others == own };
        length_fits && self.names().zip(other.names()).all(|(mine, theirs)| name_covers(mine, theirs))
    }

    /// The names between the colons.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.text.split(':')
    }

    /// Whether there is a `*` in it.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.text.contains('*')
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn name_covers(mine: &str, theirs: &str) -> bool {
    match mine.strip_suffix('*') {
        Some(prefix) => theirs.strip_suffix('*').unwrap_or(theirs).starts_with(prefix),
        None => mine == theirs,
    }
}

impl FromStr for Permission {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let error = |problem| PermissionError { found: text.chars().take(80).collect(), problem };
        if text.len() > MAX_LENGTH {
            return Err(error("it is longer than 512 bytes"));
        }
        if text.split(':').count() > MAX_NAMES {
            return Err(error("it has more than 16 names"));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(error("it has spaces or control characters"));
        }
        for name in text.split(':') {
            if name.is_empty() {
                return Err(error("a name in it is empty"));
            }
            if name.strip_suffix('*').unwrap_or(name).contains('*') {
                return Err(error("a `*` is not at the end of a name"));
            }
        }
        Ok(Self { text: text.to_owned() })
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(mine: &str, theirs: &str) -> bool {
        mine.parse::<Permission>().unwrap().covers(&theirs.parse().unwrap())
    }

    #[test]
    fn what_stands_for_what() {
        for (mine, theirs) in [
            ("backup:orders", "backup:orders"),
            ("*", "backup"),
            ("*", "a:b:c"),
            ("*", "*"),
            ("backup:*", "backup:orders"),
            ("backup:*", "backup:topic:orders"),
            ("backup:*", "backup:*"),
            ("backup:*", "backup:topic:*"),
            ("backup:*", "backup:*:orders"),
            ("restore:*:orders", "restore:topic:orders"),
            ("restore:*:orders", "restore:t*:orders"),
            ("restore:topic:prod-*", "restore:topic:prod-orders"),
            ("restore:topic:prod-*", "restore:topic:prod-"),
            ("restore:topic:prod-*", "restore:topic:prod-eu-*"),
            ("prod-*:x", "prod-a:x"),
        ] {
            assert!(covers(mine, theirs), "{mine} covers {theirs}");
        }
        for (mine, theirs) in [
            ("backup:orders", "backup"),
            ("backup", "backup:orders"),
            ("backup:*", "backup"),
            ("backup:*", "backups:orders"),
            ("backup:*", "*"),
            ("restore:*:orders", "restore:orders"),
            ("restore:*:orders", "restore:a:b:orders"),
            ("restore:*:orders", "restore:*"),
            ("restore:topic:prod-*", "restore:topic:prod-a:b"),
            ("restore:topic:prod-*", "restore:topic:pro"),
            ("restore:topic:prod-*", "restore:topic:*"),
            ("restore:topic:prod-*", "restore:topic:pro*"),
            ("backup:Orders", "backup:orders"),
            ("a*", "a:b"),
        ] {
            assert!(!covers(mine, theirs), "{mine} does not cover {theirs}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            ":",
            "a:",
            ":a",
            "a::b",
            "*a",
            "a*b",
            "**",
            "a b",
            "a:\u{7}",
            "a:b\n",
            &"a:".repeat(16),
            &"a".repeat(513),
        ] {
            assert!(text.parse::<Permission>().is_err(), "{text}");
        }
        let error = "restore::x".parse::<Permission>().unwrap_err().to_string();
        assert!(
            error.starts_with("`restore::x` is no permission: a name in it is empty; expected"),
            "{error}"
        );
    }
}
