//! Conditions in the languages of the places where records end up.

mod insights;
mod jq;
mod opensearch;
mod pattern;
mod sql;

use std::fmt;
use std::str::FromStr;

use crate::Condition;
use crate::expr::{Expr, Literal, Node, TestKind};

/// A language that conditions are translated to. `docs/conditions.md` has the layout that each takes for granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// What follows `WHERE` in a query of Trino or Athena.
    Sql,
    /// A `filter` command of CloudWatch Logs Insights.
    Insights,
    /// The body of a search in OpenSearch or Elasticsearch, as JSON.
    OpenSearch,
    /// A `select(…)` of jq 1.6 or later.
    Jq,
}

/// A word that names no [`Target`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not a language that conditions are translated to; expected sql, insights, opensearch or jq{hint}"
)]
pub struct TargetError {
    found: String,
    hint: String,
}

/// A part of a condition that a target can't say, or not for certain with the same meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {target} can't say `{part}`: {reason}; {instead}")]
pub struct Untranslatable {
    part: String,
    column: usize,
    target: Target,
    reason: String,
    instead: String,
}

impl Condition {
    /// The condition in another language, for records as they are stored unsealed: the event's fields are at the
    /// top. It selects the records for which [`Condition::matches`] is true.
    ///
    /// ```
    /// use audit_condition::{Condition, Target};
    ///
    /// let failed = Condition::parse("event_type ~ 'failed'")?;
    /// assert_eq!(failed.translate(Target::Insights)?, "filter event_type like /failed/");
    ///
    /// let admins = Condition::parse("event_type = 'auth.login' and 'admin' in actor.roles")?;
    /// let error = admins.translate(Target::Insights).unwrap_err();
    /// assert_eq!((error.part(), error.column()), ("'admin' in actor.roles", 31));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the target can't say a part of the condition; the error names it.
    pub fn translate(&self, target: Target) -> Result<String, Untranslatable> {
        translated(self.tree(), self.as_str(), target, "")
    }

    /// As [`Condition::translate`], for sealed records, whose fields are under `event`. In jq it is the same text,
    /// which serves both.
    ///
    /// # Errors
    /// As [`Condition::translate`].
    pub fn translate_sealed(&self, target: Target) -> Result<String, Untranslatable> {
        translated(self.tree(), self.as_str(), target, "event.")
    }
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sql, Self::Insights, Self::OpenSearch, Self::Jq];

    /// The name that [`FromStr`] reads.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Insights => "insights",
            Self::OpenSearch => "opensearch",
            Self::Jq => "jq",
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let named = |name: &str| Self::ALL.into_iter().find(|target| target.as_str() == name);
        named(text).ok_or_else(|| {
            let synonym = match text.to_ascii_lowercase().as_str() {
                "athena" | "trino" | "presto" => Some(Self::Sql),
                "cloudwatch" => Some(Self::Insights),
                "elasticsearch" | "elastic" => Some(Self::OpenSearch),
                lower => named(lower),
            };
            let likely = synonym.or_else(|| {
                Self::ALL.into_iter().find(|target| strsim::jaro_winkler(target.as_str(), text) > 0.84)
            });
            TargetError {
                found: text.chars().take(40).collect(),
                hint: likely
                    .map_or_else(String::new, |target| format!("; did you mean {}?", target.as_str())),
            }
        })
    }
}

/// As people call it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sql => "SQL",
            Self::Insights => "CloudWatch Logs Insights",
            Self::OpenSearch => "OpenSearch",
            Self::Jq => "jq",
        })
    }
}

impl Untranslatable {
    /// The part of the condition, as it is written there.
    #[must_use]
    pub fn part(&self) -> &str {
        &self.part
    }

    /// Where the part begins in the condition, counted in characters from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// The language that can't say it.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// Why it can't.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// What to do instead.
    #[must_use]
    pub fn instead(&self) -> &str {
        &self.instead
    }
}

/// Why one test can't be said, and what to do instead.
struct Gap {
    reason: String,
    instead: String,
}

fn gap<T>(reason: impl Into<String>, instead: impl Into<String>) -> Result<T, Gap> {
    Err(Gap { reason: reason.into(), instead: instead.into() })
}

/// How a language says logic and tests. Negation reaches it at the tests only.
trait Dialect {
    type Clause;

    fn constant(&self, value: bool) -> Self::Clause;

    /// Two or more.
    fn all(&self, clauses: Vec<Self::Clause>) -> Self::Clause;

    /// Two or more.
    fn any(&self, clauses: Vec<Self::Clause>) -> Self::Clause;

    fn test(&self, test: &TestKind, negated: bool) -> Result<Self::Clause, Gap>;
}

/// A clause of a language whose clauses are text.
struct Words {
    text: String,
    /// Whether `and` around it would tear it apart.
    has_or: bool,
}

impl Words {
    fn whole(text: impl Into<String>) -> Self {
        Self { text: text.into(), has_or: false }
    }

    fn all(clauses: Vec<Self>) -> Self {
        let text = |clause: Self| if clause.has_or { format!("({})", clause.text) } else { clause.text };
        Self::whole(clauses.into_iter().map(text).collect::<Vec<_>>().join(" and "))
    }

    fn any(clauses: Vec<Self>) -> Self {
        let text = clauses.into_iter().map(|clause| clause.text).collect::<Vec<_>>().join(" or ");
        Self { text, has_or: true }
    }
}

fn translated(
    root: &Node,
    source: &str,
    target: Target,
    prefix: &'static str,
) -> Result<String, Untranslatable> {
    let walk = Walk { source, target };
    Ok(match target {
        Target::Sql => walk.clause(&sql::Sql::new(prefix), root, false)?.text,
        Target::Insights => {
            format!("filter {}", walk.clause(&insights::Insights { prefix }, root, false)?.text)
        }
        Target::OpenSearch => {
            opensearch::body(&walk.clause(&opensearch::OpenSearch { prefix }, root, false)?)
        }
        Target::Jq => {
            let jq = jq::Jq::default();
            let clause = walk.clause(&jq, root, false)?;
            jq.select(&clause.text)
        }
    })
}

struct Walk<'c> {
    source: &'c str,
    target: Target,
}

impl Walk<'_> {
    /// By De Morgan, `not` is moved down to the tests: where a language has a third value (a missing field), only
    /// there can it be taken for false.
    fn clause<D: Dialect>(
        &self,
        dialect: &D,
        node: &Node,
        negated: bool,
    ) -> Result<D::Clause, Untranslatable> {
        let parts = |nodes: &[Node]| -> Result<Vec<D::Clause>, Untranslatable> {
            nodes.iter().map(|node| self.clause(dialect, node, negated)).collect()
        };
        Ok(match &node.expr {
            Expr::Constant(value) => dialect.constant(*value != negated),
            Expr::Not(inner) => self.clause(dialect, inner, !negated)?,
            Expr::And(nodes) if negated => dialect.any(parts(nodes)?),
            Expr::And(nodes) => dialect.all(parts(nodes)?),
            Expr::Or(nodes) if negated => dialect.all(parts(nodes)?),
            Expr::Or(nodes) => dialect.any(parts(nodes)?),
            Expr::Test(test) => dialect.test(&test.kind, test.negated != negated).map_err(|gap| {
                let part = self.source.get(node.span.clone()).unwrap_or(self.source);
                Untranslatable {
                    part: part.to_owned(),
                    column: self.source.get(..node.span.start).map_or(0, |before| before.chars().count()) + 1,
                    target: self.target,
                    reason: gap.reason,
                    instead: gap.instead,
                }
            })?,
        })
    }
}

/// What type of value a literal is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LiteralType {
    Text,
    Number,
    Bool,
    Time,
}

fn literal_type(literal: &Literal) -> LiteralType {
    match literal {
        Literal::Text(_) => LiteralType::Text,
        Literal::Number(_) => LiteralType::Number,
        Literal::Bool(_) => LiteralType::Bool,
        Literal::Time(_) => LiteralType::Time,
    }
}

fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What follows a number that something is added to.
fn plus(offset: i64) -> String {
    match offset {
        0 => String::new(),
        offset if offset < 0 => format!(" - {}", offset.unsigned_abs()),
        offset => format!(" + {offset}"),
    }
}

fn no_time_in_free_field<T>() -> Result<T, Gap> {
    gap(
        "a field of no known type holds a time as text, in one of many forms, and this language would compare \
         letters",
        "if all your events write it in the same form, compare it with a text, as in \
         details.due < '2024-12-01T00:00:00Z'",
    )
}
