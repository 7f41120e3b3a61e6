//! The text of a file of tokens: YAML that people may edit.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use audit_model::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use crate::tokens::{self, PreviousSecret};
use crate::{Role, Token, TokenHash, Tokens};

/// Where a text is wrong, and what is.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Line and column, from 1.
    pub(crate) at: Option<(u64, u64)>,
    pub(crate) message: String,
}

/// What a new file begins with.
pub(crate) const HEAD: &str = "\
# API tokens of audit-log: who they are for, what they may do, and the hashes of their secrets.
# `audit-log token create`, `revoke` and `rotate` change this file; editing it is fine too.
";

/// YAML's mark of a document's end (YAML 1.2 §9.1.2). A file that was cut anywhere lacks it, so that one that is just being
/// written never loses a line such as `revoked`.
const END: &str = "...";

const KEYS: [&str; 9] = ["tokens", "id", "name", "owner", "roles", "created", "expires", "revoked", "hash"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    tokens: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(deserialize_with = "roles")]
    roles: BTreeSet<Role>,
    created: Timestamp,
    #[serde(default)]
    expires: Option<Timestamp>,
    #[serde(default)]
    revoked: Option<Timestamp>,
    #[serde(default)]
    previous: Option<Previous>,
    #[serde(deserialize_with = "hash")]
    hash: TokenHash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Previous {
    until: Timestamp,
    #[serde(deserialize_with = "hash")]
    hash: TokenHash,
}

pub(crate) fn read(text: &str) -> Result<Tokens, Problem> {
    let last = text.lines().last().unwrap_or_default();
    if last.trim_end() != END {
        return Err(Problem {
            at: Some((text.lines().count().max(1) as u64, 1)),
            message: format!(
                "the end is missing; expected `{END}` as the last line, which shows that the file is whole"
            ),
        });
    }
    let content: Content = serde_saphyr::from_str(text).map_err(|error| problem(&error))?;
    let mut tokens = Tokens::default();
    for entry in content.tokens {
        let location = entry.id.referenced;
        let at = Some((location.line(), location.column()));
        let token = Token {
            id: entry.id.value,
            name: entry.name,
            owner: entry.owner,
            roles: entry.roles,
            created: entry.created,
            expires: entry.expires,
            revoked: entry.revoked,
            previous: entry
                .previous
                .map(|previous| PreviousSecret { until: previous.until, hash: previous.hash }),
            hash: entry.hash,
        };
        tokens::check(&token).map_err(|error| Problem { at, message: error.to_string() })?;
        if let Some(other) = tokens.0.insert(token.id.clone(), token) {
            return Err(Problem { at, message: format!("the token `{}` is there twice", other.id) });
        }
    }
    Ok(tokens)
}

pub(crate) fn write(head: &str, tokens: &Tokens) -> String {
    let mut text = head.to_owned();
    if tokens.is_empty() {
        text.push_str("tokens: []\n");
    } else {
        text.push_str("tokens:\n");
    }
    for token in tokens.iter() {
        // Quoted, since a name like 1e3 or null would be read as something else.
        let _ = writeln!(text, "  - id: {}", quoted(&token.id));
        for (key, value) in [("name", &token.name), ("owner", &token.owner)] {
            if let Some(value) = value {
                let _ = writeln!(text, "    {key}: {}", quoted(value));
            }
        }
        let roles: Vec<_> = token.roles.iter().map(|role| role.as_str()).collect();
        let _ = writeln!(text, "    roles: [{}]", roles.join(", "));
        let _ = writeln!(text, "    created: {}", token.created);
        for (key, value) in [("expires", token.expires), ("revoked", token.revoked)] {
            if let Some(value) = value {
                let _ = writeln!(text, "    {key}: {value}");
            }
        }
        if let Some(previous) = &token.previous {
            let _ = writeln!(
                text,
                "    previous:\n      until: {}\n      hash: {}",
                previous.until, previous.hash
            );
        }
        let _ = writeln!(text, "    hash: {}", token.hash);
    }
    text.push_str(END);
    text.push('\n');
    text
}

/// The comments that a text begins with, which outlive a change.
pub(crate) fn head(text: &str) -> &str {
    let length = text
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('#') || line.trim().is_empty())
        .map(str::len)
        .sum();
    &text[..length]
}

/// Whether there are comments in the text that a change would lose: more `#` than its values have.
pub(crate) fn has_other_comments(text: &str, tokens: &Tokens) -> bool {
    let count = |text: &str| text.matches('#').count();
    let in_values: usize =
        tokens.iter().flat_map(|token| [&token.name, &token.owner]).flatten().map(|value| count(value)).sum();
    count(&text[head(text).len()..]) > in_values
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON, and a JSON string is YAML")
}

fn problem(error: &serde_saphyr::Error) -> Problem {
    let at = error.location().map(|location| (location.line(), location.column()));
    let text = error.without_snippet().to_string();
    // The place is told once, before the message.
    let mut message = text.lines().next().unwrap_or_default().to_owned();
    if let Some((before, _)) = message.split_once(" at line ") {
        message = before.to_owned();
    }
    if let Some(found) = message.split("unknown field `").nth(1).and_then(|rest| rest.split('`').next()) {
        let nearest = KEYS
            .into_iter()
            .map(|known| (strsim::jaro_winkler(known, found), known))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, nearest)) = nearest {
            let _ = write!(message, "; did you mean `{nearest}`?");
        }
    }
    Problem { at, message }
}

fn roles<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<Role>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    names.iter().map(|name| name.parse().map_err(D::Error::custom)).collect()
}

fn hash<'de, D: Deserializer<'de>>(from: D) -> Result<TokenHash, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}
