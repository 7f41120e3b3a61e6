use std::fmt;

use audit_model::{Event, Map, Timestamp, Value};

use crate::Path;
use crate::clock::Clock;
use crate::expr::{Expr, Node, Term, TestKind};
use crate::instant::read_rfc3339;

/// Why a condition was true or false: the same for each of its parts, as a tree in the order of the text.
///
/// ```
/// use audit_condition::Condition;
/// use audit_model::{Action, Actor, Event, EventType, Timestamp};
///
/// let condition = Condition::parse("event_type == 'auth.login' and action.result != 'success' and details.mfa")?;
/// let event = Event::new(EventType::AUTH_LOGIN, Actor::user("bob"), Action::failure("login"));
/// let explanation = condition.explain(&event, Timestamp::now());
/// assert_eq!(
///     explanation.to_string(),
///     r#"✗ event_type == 'auth.login' and action.result != 'success' and details.mfa
///   ✓ event_type == 'auth.login'   (event_type: "auth.login")
///   ✓ action.result != 'success'   (action.result: "failure")
///   ✗ details.mfa   (details.mfa: missing)"#
/// );
/// # Ok::<(), audit_condition::ConditionError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    text: String,
    is_true: bool,
    found: Vec<Found>,
    parts: Vec<Explanation>,
}

/// What a comparison found in the event.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The path as it would be written, or a function of one: `actor.id`, `hour(timestamp)`.
    pub name: String,
    /// The value; none when it is missing or null.
    pub value: Option<Value>,
}

/// How much of a value is shown, in characters.
const SHOWN: usize = 120;

impl Explanation {
    pub(crate) fn of(node: &Node, source: &str, event: &Event, now: Timestamp) -> Self {
        let explain = |part: &Node| Self::of(part, source, event, now);
        let (is_true, found, parts) = match &node.expr {
            Expr::Constant(constant) => (*constant, Vec::new(), Vec::new()),
            Expr::Test(test) => {
                (test.kind.matches(event, now) != test.negated, found(&test.kind, event), Vec::new())
            }
            Expr::Not(part) => {
                let part = explain(part);
                (!part.is_true, Vec::new(), vec![part])
            }
            Expr::And(parts) => {
                let parts: Vec<_> = parts.iter().map(explain).collect();
                (parts.iter().all(Self::is_true), Vec::new(), parts)
            }
            Expr::Or(parts) => {
                let parts: Vec<_> = parts.iter().map(explain).collect();
                (parts.iter().any(Self::is_true), Vec::new(), parts)
            }
        };
        Self { text: source[node.span.clone()].to_owned(), is_true, found, parts }
    }

    /// The part's text, as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the part is true of the event.
    #[must_use]
    pub fn is_true(&self) -> bool {
        self.is_true
    }

    /// What a comparison found; empty for `and`, `or`, `not` and constants.
    #[must_use]
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// The parts of an `and`, `or` or `not`.
    #[must_use]
    pub fn parts(&self) -> &[Explanation] {
        &self.parts
    }

    /// The explanation as JSON: `text`, `true`, and where there are any `found` (name → value), `missing` (names)
    /// and `parts`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = Map::new();
        object.insert("text".to_owned(), self.text.clone().into());
        object.insert("true".to_owned(), self.is_true.into());
        let found: Map =
            self.found.iter().filter_map(|found| Some((found.name.clone(), found.value.clone()?))).collect();
        if !found.is_empty() {
            object.insert("found".to_owned(), found.into());
        }
        let missing = self.found.iter().filter(|found| found.value.is_none());
        let missing: Vec<Value> = missing.map(|found| found.name.clone().into()).collect();
        if !missing.is_empty() {
            object.insert("missing".to_owned(), missing.into());
        }
        if !self.parts.is_empty() {
            object.insert("parts".to_owned(), self.parts.iter().map(Self::to_value).collect());
        }
        object.into()
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        if depth > 0 {
            writeln!(f)?;
        }
        let mark = if self.is_true { '✓' } else { '✗' };
        // A condition of several lines is one line here.
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(f, "{}{mark} {text}", "  ".repeat(depth))?;
        for (index, found) in self.found.iter().enumerate() {
            f.write_str(if index == 0 { "   (" } else { ", " })?;
            write!(f, "{found}")?;
        }
        if !self.found.is_empty() {
            f.write_str(")")?;
        }
        self.parts.iter().try_for_each(|part| part.write(f, depth + 1))
    }
}

/// A line for each part, indented, with ✓ or ✗ and what was found.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

/// `actor.id: "bob"`, or `actor.id: missing`.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(value) = &self.value else { return write!(f, "{}: missing", self.name) };
        let value = value.to_string();
        match value.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "{}: {}…", self.name, &value[..end]),
            None => write!(f, "{}: {value}", self.name),
        }
    }
}

fn found(test: &TestKind, event: &Event) -> Vec<Found> {
    match test {
        TestKind::Exists { path } => vec![Found::at(path, None, event)],
        TestKind::ComparePaths { left, right, .. } => {
            let found = |term: &Term| match term {
                Term::Path(path) => Found::at(path, None, event),
                Term::Clock(clock, path) => Found::at(path, Some(clock), event),
            };
            vec![found(left), found(right)]
        }
        test => test.term().map(|(path, clock)| Found::at(path, clock, event)).into_iter().collect(),
    }
}

impl Found {
    fn at(path: &Path, clock: Option<&Clock>, event: &Event) -> Self {
        let value = path.found(event);
        match clock {
            None => Self { name: path.to_string(), value },
            Some(clock) => Self {
                name: clock.call(path),
                value: value
                    .and_then(|value| value.as_str().and_then(read_rfc3339))
                    .map(|time| clock.read(time).into()),
            },
        }
    }
}
