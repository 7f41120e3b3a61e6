//! Where each value came from, kept so that checks made after parsing can point at it.

use std::collections::BTreeMap;
use std::fmt;

use crate::MASK;
use crate::error::{ConfigError, Problem};
use crate::node::{Node, Position, Value};

/// What stands after one of these words on a line is never shown.
const SECRET_WORDS: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "webhook",
    "routing_key",
    "api_key",
    "api-key",
];

/// A longer line says more about a generator than about its error.
const MAX_SNIPPET: usize = 200;

/// No key of ours is as deep: keeps the paths of a hostile file from filling the memory.
const MAX_PATH: usize = 1000;

#[derive(Clone, Default)]
pub(crate) struct Origin {
    file: String,
    /// Secrets masked already: this outlives the parse.
    lines: Vec<String>,
    has_secrets: bool,
    prefix: &'static str,
    values: BTreeMap<String, Place>,
}

#[derive(Clone, Copy)]
struct Place {
    at: Position,
    from_variable: bool,
}

/// The file's name only: the rest is as long as the file.
impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Origin").field(&self.file).finish()
    }
}

impl Origin {
    pub(crate) fn new(file: &str, text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let has_secrets = SECRET_WORDS.iter().chain(&["headers"]).any(|word| lower.contains(word));
        let lines =
            text.lines().map(|line| if is_long(line) { String::new() } else { masked(line) }).collect();
        Self { file: file.to_owned(), lines, has_secrets, ..Self::default() }
    }

    pub(crate) fn set_root(&mut self, prefix: &'static str, root: &Node) {
        self.prefix = prefix;
        self.add("", root.at, root);
    }

    fn add(&mut self, path: &str, at: Position, node: &Node) {
        if path.len() > MAX_PATH {
            return;
        }
        match &node.value {
            Value::Scalar { .. } if is_secret(path) => self.mask(at),
            Value::Null | Value::Scalar { .. } => {}
            Value::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.add(&format!("{path}[{index}]"), item.at, item);
                }
            }
            Value::Mapping(entries) => {
                for (key, value) in entries {
                    self.add(&join(path, &key.name), value.place(key), value);
                }
            }
        }
        self.values.insert(path.to_owned(), Place { at, from_variable: node.variable.is_some() });
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.values.contains_key(path)
    }

    pub(crate) fn is_from_variable(&self, path: &str) -> bool {
        self.values.get(path).is_some_and(|place| place.from_variable)
    }

    /// A path with what stands above the configuration in its file.
    #[cfg(feature = "pipeline")]
    pub(crate) fn full_path(&self, path: &str) -> String {
        join(self.prefix, path)
    }

    /// An error about the value at `path`, or about the nearest one above it that is there.
    pub(crate) fn error(&self, path: &str, message: impl Into<String>) -> ConfigError {
        let mut above = path;
        while !self.has(above) && !above.is_empty() {
            above = above.rfind(['.', '[']).map_or("", |end| &above[..end]);
        }
        let at = self.values.get(above).map_or_else(Position::default, |place| place.at);
        self.locate(Problem::at(at, message).under(path))
    }

    /// An error in a text whose structure is not known, so that any line may be part of a secret.
    pub(crate) fn locate_unread(mut self, problem: Problem) -> ConfigError {
        if self.has_secrets {
            self.lines.clear();
        }
        if problem.hide {
            self.hide(&problem);
        }
        self.locate(problem)
    }

    /// Masks the value that a problem is about, and all below it.
    pub(crate) fn hide(&mut self, problem: &Problem) {
        let path = &problem.path;
        let same_start = self.values.range(path.clone()..).take_while(|(other, _)| other.starts_with(path));
        let below = same_start
            .filter(|(other, _)| matches!(other.as_bytes().get(path.len()), None | Some(b'.' | b'[')));
        let places: Vec<_> = below.map(|(_, place)| place.at).chain(problem.at).collect();
        places.into_iter().for_each(|at| self.mask(at));
    }

    /// Masks the rest of a line: after a key, or from a value on.
    fn mask(&mut self, at: Position) {
        let Some(line) = at.line.checked_sub(1).and_then(|index| self.lines.get_mut(index)) else { return };
        let after: String = line.chars().skip(at.column - 1 + at.width).collect();
        let is_key = after.trim_start().starts_with(':');
        let kept: String = line.chars().take(at.column - 1 + if is_key { at.width } else { 0 }).collect();
        if kept.len() < line.len() && after.trim() != ":" {
            *line = format!("{kept}{}{MASK}", if is_key { ": " } else { "" });
        }
    }

    pub(crate) fn locate(&self, problem: Problem) -> ConfigError {
        let at = problem.at.unwrap_or_default();
        let path =
            if problem.path.is_empty() { self.prefix.to_owned() } else { join(self.prefix, &problem.path) };
        ConfigError {
            file: self.file.clone(),
            line: at.line,
            column: at.column,
            path: path.replace(char::is_control, " "),
            message: problem.message,
            help: problem.help,
            snippet: self.snippet(at),
        }
    }

    fn snippet(&self, at: Position) -> Option<String> {
        let line = self.lines.get(at.line.checked_sub(1)?).filter(|line| !line.is_empty())?;
        let length = line.chars().count();
        let carets = "^".repeat(at.width.min(length.saturating_sub(at.column - 1)).max(1));
        let number = at.line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat((at.column - 1).min(length));
        Some(format!("  {number} | {line}\n  {margin} | {indent}{carets}"))
    }
}

pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A header's value may be a token whatever its name is, and a URL may hold one.
fn is_secret(path: &str) -> bool {
    let (above, key) = path.rsplit_once('.').unwrap_or(("", path));
    key == "url"
        || above.ends_with("headers")
        || above.contains("headers.")
        || SECRET_WORDS.iter().any(|word| key.contains(word))
}

fn is_long(line: &str) -> bool {
    line.chars().nth(MAX_SNIPPET).is_some()
}

fn masked(line: &str) -> String {
    // ASCII only, so that offsets in one are offsets in the other.
    let lower = line.to_ascii_lowercase();
    let words = SECRET_WORDS.iter().flat_map(|word| lower.match_indices(word));
    let after_key = words.filter_map(|(start, word)| key_end(line, start + word.len()));
    let user_info = line.find("://").filter(|start| line[*start..].contains('@'));
    let shown = match after_key.chain(user_info).min() {
        Some(colon) if !line[colon + 1..].trim().is_empty() => format!("{} {MASK}", &line[..=colon]),
        _ => line.to_owned(),
    };
    // No escape sequence of the file's reaches the terminal.
    shown.replace(char::is_control, " ")
}

/// The colon that ends the key which goes on at `from`, if it is a key.
fn key_end(line: &str, from: usize) -> Option<usize> {
    let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '"' | '\'' | ' ');
    let end = from + line[from..].find(|c| !is_key(c))?;
    line[end..].starts_with(':').then_some(end)
}
