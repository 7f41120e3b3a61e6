use std::fmt;

use crate::node::Position;

/// One thing that is wrong with a configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// The name the text was read under.
    pub file: String,
    /// The line, from 1; 0 when it concerns the whole text.
    pub line: usize,
    /// The column in characters, from 1; 0 when it concerns the whole text.
    pub column: usize,
    /// The key, from the document's root: `enterprise.audit.destination.path`.
    pub path: String,
    /// What was found and what was expected. Values of secrets and of variables are never in it.
    pub message: String,
    /// What to write instead, when that can be guessed.
    pub help: Option<String>,
    /// The line in question with everything secret masked, and a caret below.
    pub snippet: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(snippet) = &self.snippet {
            write!(f, "\n{snippet}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Everything found wrong with a configuration, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub(crate) Vec<ConfigError>);

impl ConfigErrors {
    /// The errors one by one; there is at least one.
    #[must_use]
    pub fn errors(&self) -> &[ConfigError] {
        &self.0
    }

    pub(crate) fn unless_empty(mut errors: Vec<ConfigError>) -> Result<(), Self> {
        errors.sort_by_key(|error| (error.line, error.column));
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if number == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// An error on its way out: the place may still be missing, the file's name is.
#[derive(Debug, Default)]
pub(crate) struct Problem {
    pub(crate) at: Option<Position>,
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// Whether the value has to be masked, as it may be a secret under another name.
    pub(crate) hide: bool,
    /// Whether the key is wrong and not its value, which leaves its siblings to be checked.
    pub(crate) about_key: bool,
}

impl Problem {
    pub(crate) fn at(at: Position, message: impl Into<String>) -> Self {
        Self { at: Some(at), message: message.into(), ..Self::default() }
    }

    pub(crate) fn under(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    pub(crate) fn suggest(&mut self, name: Option<&str>) {
        self.help = name.map(|name| format!("did you mean `{name}`?"));
    }
}

/// `` `text` ``, cut and escaped, since it goes to a terminal.
pub(crate) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    format!("`{}{}`", cut.escape_debug(), if cut.len() < text.len() { "…" } else { "" })
}

/// The names one after the other, as in "expected one of `a`, `b`".
pub(crate) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [only] => only.clone(),
        _ => format!("one of {}", names.join(", ")),
    }
}

/// The name that somebody who wrote `text` most likely meant: one that begins so or that `text`
/// begins with (`max_size` for `max_size_mb`), and else one that differs little. Of versions that differ as little, the one whose
/// number is nearer.
pub(crate) fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text: String = text.chars().take(60).flat_map(char::to_lowercase).collect();
    let rank = |name: &str| {
        let known = name.to_lowercase();
        // Fewer than three letters begin too many names, but no number does.
        let is_long = text.len().min(known.len()) >= 3 || text.starts_with(|c: char| c.is_ascii_digit());
        let is_start = is_long && (known.starts_with(&text) || text.starts_with(&known));
        let digits = text.chars().zip(known.chars()).find(|(one, other)| one != other);
        let apart = digits.and_then(|(one, other)| Some(one.to_digit(10)?.abs_diff(other.to_digit(10)?)));
        ((!is_start, strsim::damerau_levenshtein(&text, &known)), apart)
    };
    names
        .into_iter()
        .map(|name| (rank(name), name))
        .filter(|(((differs, distance), _), name)| !differs || *distance <= name.len().max(3) / 3)
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, name)| name)
}
